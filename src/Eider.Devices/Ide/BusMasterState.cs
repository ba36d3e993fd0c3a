namespace Eider.Devices.Ide;

/// <summary>The registers of one channel's bus master (SFF-8038i).</summary>
internal struct BusMasterState
{
    /// <summary>Command.</summary>
    public BusMasterCommand Command;

    /// <summary>Status.</summary>
    public BusMasterStatus Status;

    /// <summary>Descriptor Table Pointer, dword aligned.</summary>
    public uint TableAddress;

    /// <summary>What the pointer was when START rose, until the first descriptor is wanted; null while the walk goes on from where it is.</summary>
    public uint? FreshTable;

    /// <summary>The table has nothing left; seen as ACTIVE off together with the interrupt of the device.</summary>
    public bool IsTableEnded;
}
