namespace Eider.Storage.Backends;

/// <summary>
/// Bytes of a disk in memory, allocated in chunks at the first write. Chunks are never moved by the garbage
/// collector; what is not allocated reads as zeroes.
/// </summary>
internal sealed class SparseBytes
{
    /// <summary>Size of a chunk in bytes.</summary>
    public const int ChunkBytes = 1 << ChunkBits;

    private const int ChunkBits = 16;
    private const int ChunkMask = ChunkBytes - 1;

    private readonly ChunkTable<byte[]> _chunks;
    private long _allocatedChunks;

    public SparseBytes(long sizeBytes)
    {
        CapacityBytes = sizeBytes;
        _chunks = new ChunkTable<byte[]>(((sizeBytes - 1) >> ChunkBits) + 1);
    }

    /// <summary>How far it reaches, in bytes.</summary>
    public long CapacityBytes { get; }

    /// <summary>Memory in use, in bytes.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocatedChunks) << ChunkBits;

    /// <summary>A new chunk of zeroes, outside of what the garbage collector moves.</summary>
    public static byte[] NewChunk() => GC.AllocateArray<byte>(ChunkBytes, pinned: true);

    public void Read(long offsetBytes, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var within = (int)(offsetBytes & ChunkMask);
            var count = Math.Min(destination.Length, ChunkBytes - within);
            if (_chunks.Get(offsetBytes >> ChunkBits) is { } chunk)
            {
                chunk.AsSpan(within, count).CopyTo(destination);
            }
            else
            {
                destination[..count].Clear();
            }

            destination = destination[count..];
            offsetBytes += count;
        }
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var within = (int)(offsetBytes & ChunkMask);
            var count = Math.Min(source.Length, ChunkBytes - within);
            source[..count].CopyTo(ChunkForWriting(offsetBytes >> ChunkBits).AsSpan(within));
            source = source[count..];
            offsetBytes += count;
        }
    }

    /// <summary>Makes a range zero; chunks that lie in it wholly are freed if that is allowed.</summary>
    public void Zero(long offsetBytes, long lengthBytes, bool mayFree)
    {
        var end = offsetBytes + lengthBytes;
        var lastIndex = ((end - 1) >> ChunkBits) + 1;
        while (offsetBytes < end)
        {
            var index = offsetBytes >> ChunkBits;
            var within = (int)(offsetBytes & ChunkMask);
            var count = (int)Math.Min(end - offsetBytes, ChunkBytes - within);
            if (count == ChunkBytes && mayFree)
            {
                Free(index);
            }
            else
            {
                _chunks.Get(index)?.AsSpan(within, count).Clear();
            }

            offsetBytes = Math.Max(offsetBytes + count, _chunks.SkipEmptyLeaves(index, lastIndex) << ChunkBits);
        }
    }

    /// <summary>How far the run from an offset is allocated, or not.</summary>
    public BlockExtent GetExtent(long offsetBytes, long lengthBytes)
    {
        var end = offsetBytes + lengthBytes;
        var lastIndex = ((end - 1) >> ChunkBits) + 1;
        var index = offsetBytes >> ChunkBits;
        var isData = _chunks.Get(index) != null;
        index++;
        while (index < lastIndex && _chunks.Get(index) != null == isData)
        {
            index = isData ? index + 1 : Math.Max(index + 1, _chunks.SkipEmptyLeaves(index, lastIndex));
        }

        var stop = Math.Min(end, index << ChunkBits);
        return new BlockExtent(
            offsetBytes, stop - offsetBytes, isData ? BlockExtentStatus.Data : BlockExtentStatus.Hole | BlockExtentStatus.Zero);
    }

    private byte[] ChunkForWriting(long index)
    {
        if (_chunks.Get(index) is { } present)
        {
            return present;
        }

        var chunk = NewChunk();
        if (_chunks.CompareExchange(index, chunk, null) is { } other)
        {
            return other;
        }

        Interlocked.Increment(ref _allocatedChunks);
        return chunk;
    }

    private void Free(long index)
    {
        if (_chunks.Exchange(index, null) != null)
        {
            Interlocked.Decrement(ref _allocatedChunks);
        }
    }
}
