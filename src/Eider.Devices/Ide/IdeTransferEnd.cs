namespace Eider.Devices.Ide;

/// <summary>
/// What happens when the data port has moved the last byte of a block: the six states of a device's transfer, as the
/// description of QEMU's IDE emulation names them (<c>transfer_end_table</c>).
/// </summary>
internal enum IdeTransferEnd
{
    /// <summary>No transfer: the data port does nothing.</summary>
    DummyTransferStop,

    /// <summary>A block of sectors was read: the next one is fetched.</summary>
    SectorRead,

    /// <summary>A block of sectors came: it is written, then the next one is asked for.</summary>
    SectorWrite,

    /// <summary>The only block of the command: the command is over.</summary>
    TransferStop,

    /// <summary>A part of the answer to a packet command was read: the next one follows, or the command is over.</summary>
    AtapiCommandReplyEnd,

    /// <summary>The command packet came: it is run.</summary>
    AtapiCommand,
}
