namespace Eider.Devices.Ide;

/// <summary>Settings and progress of a packet device; a reset assigns, a snapshot copies.</summary>
internal struct AtapiState
{
    /// <summary>What REQUEST SENSE tells.</summary>
    public AtapiSense Sense;

    /// <summary>The block that could not be read; null if the sense has no place.</summary>
    public uint? SenseBlock;

    /// <summary>The tray is out.</summary>
    public bool IsTrayOpen;

    /// <summary>The host prevents the removal of the medium.</summary>
    public bool IsLocked;

    /// <summary>What a host still has to be told of a new medium.</summary>
    public AtapiMediumChange Change;

    /// <summary>GET EVENT STATUS NOTIFICATION has a new medium to tell.</summary>
    public bool HasNewMediumEvent;

    /// <summary>GET EVENT STATUS NOTIFICATION has a wish to eject to tell.</summary>
    public bool HasEjectRequest;

    /// <summary>The guest opened the tray: the host is to be told.</summary>
    public bool HasEjected;

    /// <summary>The transfer mode.</summary>
    public AtaTransferMode Mode;

    /// <summary>The power mode.</summary>
    public AtaPowerMode Power;

    /// <summary>The running command moves its data by the bus master.</summary>
    public bool IsDma;

    /// <summary>Most bytes of a block of the data port.</summary>
    public int LimitBytes;

    /// <summary>Bytes that the host still has to get.</summary>
    public int LeftBytes;

    /// <summary>Blocks go with everything that surrounds them on the disc.</summary>
    public bool IsRaw;

    /// <summary>Most blocks of the next access: one, after one of many failed.</summary>
    public int ChunkBlocks;
}
