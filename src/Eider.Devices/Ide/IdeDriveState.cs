namespace Eider.Devices.Ide;

/// <summary>All that a device is and that its host can see or set; a reset assigns, a snapshot copies.</summary>
internal struct IdeDriveState
{
    /// <summary>Features, as written.</summary>
    public IdeLatch Features;

    /// <summary>Sector Count.</summary>
    public IdeLatch SectorCount;

    /// <summary>LBA Low.</summary>
    public IdeLatch LbaLow;

    /// <summary>LBA Mid.</summary>
    public IdeLatch LbaMid;

    /// <summary>LBA High.</summary>
    public IdeLatch LbaHigh;

    /// <summary>Device, as written.</summary>
    public IdeDeviceBits Device;

    /// <summary>Device Control, as written.</summary>
    public IdeControl Control;

    /// <summary>Status.</summary>
    public IdeStatus Status;

    /// <summary>Error.</summary>
    public IdeError Error;

    /// <summary>The device wants to interrupt.</summary>
    public bool IsInterruptPending;

    /// <summary>What it is doing.</summary>
    public IdePhase Phase;

    /// <summary>Why it recovers, in <see cref="IdePhase.Recovering"/>.</summary>
    public IdeRecovery Recovery;

    /// <summary>What happens at the end of the block at the data port.</summary>
    public IdeTransferEnd TransferEnd;

    /// <summary>The next byte of the block at the data port, in the channel's buffer.</summary>
    public int DataIndex;

    /// <summary>The end of that block.</summary>
    public int DataEnd;

    /// <summary>The command that runs, or ran last.</summary>
    public byte Command;

    /// <summary>The next sector or CD block of it.</summary>
    public long Lba;

    /// <summary>How many are left from there.</summary>
    public int BlocksLeft;

    /// <summary>Bytes of the buffer that hold data still to be moved, from the start of the block at the data port on.</summary>
    public int BufferedBytes;
}
