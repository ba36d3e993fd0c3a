namespace Eider.Devices.BlockIo;

/// <summary>The bits of <see cref="BioRegister.Status"/> (<c>BIO_*</c> of ducky.devices.storage).</summary>
[Flags]
public enum BioStatus : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>RDY: the operation is completed; data can be taken, another operation can be asked for.</summary>
    Ready = 0x01,

    /// <summary>ERR: an operation failed; stays until a reset.</summary>
    Error = 0x02,

    /// <summary>READ: from storage to memory. Wins over <see cref="Write"/>.</summary>
    Read = 0x04,

    /// <summary>WRITE: from memory to storage.</summary>
    Write = 0x08,

    /// <summary>BUSY: an operation is under way.</summary>
    Busy = 0x10,

    /// <summary>DMA: the data go to RAM directly; stays on until a reset.</summary>
    Dma = 0x20,

    /// <summary>SRST: resets the BIO, before the other bits of the same write count.</summary>
    SoftReset = 0x40,

    /// <summary>USER: the bits that a guest can write; the others are read-only.</summary>
    User = Read | Write | Dma | SoftReset,
}
