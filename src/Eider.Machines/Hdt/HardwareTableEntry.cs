namespace Eider.Machines.Hdt;

/// <summary>Types of the entries of ducky's hardware table (ducky.hdt, <c>HDTEntryTypes</c>).</summary>
public enum HardwareTableEntry
{
    /// <summary>None.</summary>
    Undefined = 0,

    /// <summary>Number of CPUs and of the cores of each.</summary>
    Cpu = 1,

    /// <summary>Size of the RAM.</summary>
    Memory = 2,

    /// <summary>An argument for the guest's program.</summary>
    Argument = 3,

    /// <summary>A device.</summary>
    Device = 4,
}
