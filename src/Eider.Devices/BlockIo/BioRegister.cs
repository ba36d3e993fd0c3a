namespace Eider.Devices.BlockIo;

/// <summary>Ports of the BIO, as offsets from its base in bytes (<c>BlockIOPorts</c> of ducky.devices.storage). Each is a 32-bit word.</summary>
public enum BioRegister
{
    /// <summary>Read: <see cref="BioStatus"/>. Written: a command.</summary>
    Status = 0x00,

    /// <summary>Selects a storage by its id; write only.</summary>
    Sid = 0x04,

    /// <summary>The first block; write only.</summary>
    Block = 0x08,

    /// <summary>The number of blocks; write only.</summary>
    Count = 0x0C,

    /// <summary>Guest-physical address of the buffer, for DMA; write only.</summary>
    Address = 0x10,

    /// <summary>The data, word by word, without DMA.</summary>
    Data = 0x14,
}
