namespace Eider.Storage.Formats.Qcow2;

/// <summary>The last decompressed clusters, for who reads one in parts.</summary>
internal sealed class DecodedClusters
{
    private const int MaxBytes = 4 << 20;

    private readonly Lock _gate = new();
    private readonly (ulong Descriptor, ReadOnlyMemory<byte> Bytes)[] _clusters;
    private int _next;

    public DecodedClusters(int clusterBytes) =>
        _clusters = new (ulong, ReadOnlyMemory<byte>)[Math.Clamp(MaxBytes / clusterBytes, 2, 16)];

    /// <summary>Copies a part of a cluster if it is here.</summary>
    public bool TryCopy(ulong descriptor, int within, BufferList buffers)
    {
        var bytes = Find(descriptor);
        if (bytes.IsEmpty)
        {
            return false;
        }

        buffers.CopyFrom(0, bytes.Span.Slice(within, (int)buffers.LengthBytes));
        return true;
    }

    /// <summary>Keeps a cluster in place of the oldest one; its bytes must not change any more.</summary>
    public void Add(ulong descriptor, ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            _clusters[_next] = (descriptor, bytes);
            _next = (_next + 1) % _clusters.Length;
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            Array.Clear(_clusters);
        }
    }

    private ReadOnlyMemory<byte> Find(ulong descriptor)
    {
        lock (_gate)
        {
            foreach (var (present, bytes) in _clusters)
            {
                if (present == descriptor && !bytes.IsEmpty)
                {
                    return bytes;
                }
            }
        }

        return default;
    }
}
