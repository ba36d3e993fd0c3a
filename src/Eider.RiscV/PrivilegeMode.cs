namespace Eider.RiscV;

/// <summary>Privilege modes by their encoding (Privileged ISA, "Privilege Levels").</summary>
public enum PrivilegeMode : byte
{
    /// <summary>U-mode.</summary>
    User = 0,

    /// <summary>S-mode.</summary>
    Supervisor = 1,

    /// <summary>M-mode.</summary>
    Machine = 3,
}
