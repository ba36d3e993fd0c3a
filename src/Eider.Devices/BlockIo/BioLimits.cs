namespace Eider.Devices.BlockIo;

/// <summary>What a guest can make a BIO do at most, and what its storages may be.</summary>
public static class BioLimits
{
    /// <summary>Bytes of a block where nothing else is said (<c>BLOCK_SIZE</c> of ducky.devices.storage).</summary>
    public const int BlockBytes = 1024;

    /// <summary>Bytes of a word of the data port: the length of every block is a multiple of it.</summary>
    public const int WordBytes = 4;

    /// <summary>Most bytes of one block.</summary>
    public const int MaxBlockBytes = 64 << 10;

    /// <summary>Bytes of the buffer behind the data port: a longer transfer takes several pieces.</summary>
    public const int PortBytes = 64 << 10;

    /// <summary>Bytes that one access to a storage moves by DMA: a longer transfer takes several.</summary>
    public const int DmaBytes = 1 << 20;

    /// <summary>Pieces of guest memory that one access to a storage moves.</summary>
    internal const int MaxLeases = 8;
}
