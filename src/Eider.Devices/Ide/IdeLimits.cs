namespace Eider.Devices.Ide;

/// <summary>What a guest can make an IDE channel do at most.</summary>
public static class IdeLimits
{
    /// <summary>Devices on a channel.</summary>
    public const int DevicesPerChannel = 2;

    /// <summary>Bytes of a sector of a disk.</summary>
    public const int SectorBytes = 512;

    /// <summary>Bytes of a block of a CD.</summary>
    public const int CdBlockBytes = 2048;

    /// <summary>Bytes of a block of a CD with everything around it.</summary>
    public const int RawCdBlockBytes = 2352;

    /// <summary>Sectors of one block of READ and WRITE MULTIPLE.</summary>
    public const int MaxMultipleSectors = 16;

    /// <summary>Bytes that one access to the storage moves: larger commands take several.</summary>
    public const int ChunkBytes = 128 << 10;

    /// <summary>Blocks of a CD that one access to the storage fetches.</summary>
    public const int CdChunkBlocks = 32;

    /// <summary>Blocks of 512 bytes with ranges of one DATA SET MANAGEMENT command: what the low byte of the count can say.</summary>
    public const int MaxTrimBlocks = 255;

    /// <summary>Bytes of a channel's only buffer: a block of the data port that is waiting, and the next chunk.</summary>
    public const int BufferBytes = 256 << 10;

    /// <summary>Characters of a serial number.</summary>
    public const int SerialLength = 20;

    /// <summary>Characters of a model name.</summary>
    public const int ModelLength = 40;

    /// <summary>Characters of a firmware revision.</summary>
    public const int FirmwareLength = 8;

    /// <summary>Entries of a bus master's table: it lies in 64 KiB.</summary>
    public const int MaxTableEntries = 0x10000 / 8;

    /// <summary>The most sectors of a disk that 28-bit addresses reach.</summary>
    internal const long Lba28Sectors = 0x0FFF_FFFF;

    /// <summary>The largest number of sectors with 48-bit addresses.</summary>
    internal const long Lba48Sectors = 1L << 48;
}
