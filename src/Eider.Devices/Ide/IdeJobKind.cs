namespace Eider.Devices.Ide;

/// <summary>What a device asks the channel's worker to do.</summary>
internal enum IdeJobKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Storage to buffer.</summary>
    Read,

    /// <summary>Buffer to storage.</summary>
    Write,

    /// <summary>Makes written data durable.</summary>
    Flush,

    /// <summary>Drops data of the storage.</summary>
    Discard,

    /// <summary>Buffer to guest memory, by the bus master.</summary>
    MoveIn,

    /// <summary>Guest memory to buffer, by the bus master.</summary>
    MoveOut,
}
