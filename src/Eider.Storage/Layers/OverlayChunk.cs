using Eider.Storage.Backends;

namespace Eider.Storage.Layers;

/// <summary>
/// A chunk of what was written over a disk: the bytes, and for each sector of 512 bytes whether it was written.
/// A sector that was not reads from below.
/// </summary>
internal sealed class OverlayChunk
{
    /// <summary>Unit in which writes hide what lies below.</summary>
    public const int SectorBytes = 512;

    /// <summary>A chunk that reads as zeroes and takes no memory; never written to.</summary>
    public static readonly OverlayChunk Zero = new([], isWhole: true);

    private const int BitsPerWord = 64;

    private readonly ulong[] _written = new ulong[SparseBytes.ChunkBytes / SectorBytes / BitsPerWord];

    private OverlayChunk(byte[] bytes, bool isWhole)
    {
        Bytes = bytes;
        if (isWhole)
        {
            Array.Fill(_written, ulong.MaxValue);
        }
    }

    /// <summary>The bytes; empty for <see cref="Zero"/>.</summary>
    public byte[] Bytes { get; }

    /// <summary>Held while sectors are filled; never while waiting for a disk.</summary>
    public Lock Gate { get; } = new();

    /// <summary>A new chunk with memory.</summary>
    /// <param name="isWhole">True if every sector counts as written (with zeroes).</param>
    public static OverlayChunk New(bool isWhole) => new(SparseBytes.NewChunk(), isWhole);

    /// <summary>True if the sector was written.</summary>
    public bool IsWritten(int sector) =>
        (Volatile.Read(ref _written[sector / BitsPerWord]) & (1UL << (sector % BitsPerWord))) != 0;

    /// <summary>The first sector from one on whose state differs from its; at most <paramref name="end"/>.</summary>
    public int EndOfRun(int sector, int end)
    {
        var state = IsWritten(sector);
        while (sector < end && IsWritten(sector) == state)
        {
            sector++;
        }

        return sector;
    }

    /// <summary>Marks sectors as written, after their bytes are in place.</summary>
    public void MarkWritten(int sector, int end)
    {
        for (; sector < end; sector++)
        {
            // Releases the bytes to readers that see the bit.
            Interlocked.Or(ref _written[sector / BitsPerWord], 1UL << (sector % BitsPerWord));
        }
    }
}
