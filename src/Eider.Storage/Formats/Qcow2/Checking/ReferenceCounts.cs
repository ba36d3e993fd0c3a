namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>How often each cluster of a file is referred to; memory follows what is in use.</summary>
internal sealed class ReferenceCounts
{
    private const int ChunkBits = 12;

    private readonly Dictionary<long, long[]> _chunks = [];

    /// <summary>The number behind the last cluster with a reference.</summary>
    public long End { get; private set; }

    public long this[long cluster] => _chunks.TryGetValue(cluster >> ChunkBits, out var chunk)
        ? chunk[cluster & ((1 << ChunkBits) - 1)]
        : 0;

    public void Add(long cluster, long count)
    {
        if (!_chunks.TryGetValue(cluster >> ChunkBits, out var chunk))
        {
            _chunks.Add(cluster >> ChunkBits, chunk = new long[1 << ChunkBits]);
        }

        chunk[cluster & ((1 << ChunkBits) - 1)] += count;
        End = Math.Max(End, cluster + 1);
    }
}
