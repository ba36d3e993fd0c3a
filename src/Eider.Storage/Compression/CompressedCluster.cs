namespace Eider.Storage.Compression;

/// <summary>One cluster on its way through a <see cref="CompressionPipeline"/>; it is lent and comes back.</summary>
public sealed class CompressedCluster
{
    private readonly byte[] _source;
    private readonly byte[] _packed;
    private int _length;
    private int _packedLength;

    internal CompressedCluster(int clusterBytes)
    {
        _source = GC.AllocateUninitializedArray<byte>(clusterBytes);
        _packed = GC.AllocateUninitializedArray<byte>(clusterBytes - 1);
    }

    /// <summary>What the producer calls it, for example the offset in the guest's disk; handed on as it is.</summary>
    public long Tag { get; set; }

    /// <summary>The cluster as it is; the producer fills it wholly.</summary>
    public Memory<byte> Source => _source.AsMemory(0, _length);

    /// <summary>True if compression made it smaller; else <see cref="Source"/> is what should be stored.</summary>
    public bool IsCompressed => _packedLength > 0;

    /// <summary>The compressed bytes; empty if it is better stored as it is.</summary>
    public ReadOnlyMemory<byte> Packed => _packed.AsMemory(0, _packedLength);

    /// <summary>The same, as a piece that a storage can write.</summary>
    public Memory<byte> PackedBuffer => _packed.AsMemory(0, _packedLength);

    /// <summary>Its place in the order of submission.</summary>
    internal long Sequence { get; set; }

    internal void Begin() => (_length, _packedLength) = (_source.Length, 0);

    internal void Compress(ClusterCodec codec, bool isProbed)
    {
        if (!(isProbed && IncompressibilityProbe.IsIncompressible(_source))
            && codec.TryCompress(_source, _packed, out var length))
        {
            _packedLength = length;
        }
    }
}
