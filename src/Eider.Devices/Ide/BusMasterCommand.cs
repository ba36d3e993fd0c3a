namespace Eider.Devices.Ide;

/// <summary>Bus Master IDE Command (SFF-8038i).</summary>
[Flags]
internal enum BusMasterCommand : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Start/Stop Bus Master.</summary>
    Start = 0x01,

    /// <summary>Read or Write Control: set, towards memory. The device's command says so too, and it counts.</summary>
    ToMemory = 0x08,
}
