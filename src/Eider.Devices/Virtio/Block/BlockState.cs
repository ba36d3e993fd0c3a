using System.Numerics;
using System.Text;
using Eider.Storage;

namespace Eider.Devices.Virtio.Block;

/// <summary>
/// What all queues of one device share: the storage, what is offered, and what the guest sees of it. Holds no
/// queue and no thread; safe to call from any.
/// </summary>
internal sealed class BlockState
{
    private readonly Lock _gate = new();
    private readonly byte[] _config = new byte[BlockConfig.Size];
    private readonly byte[] _serial = new byte[BlockLimits.SerialBytes];
    private readonly BlockDevice _settings;
    private ulong _negotiated;
    private ulong _capacity;
    private bool _isWriteback;

    public BlockState(BlockDevice settings)
    {
        _settings = settings;
        Features = GetOffered(settings);
        Encoding.ASCII.GetBytes(settings.Serial, _serial);
        SetCapacity();
        Reset();
    }

    /// <summary>The storage.</summary>
    public BlockStorage Storage => _settings.Storage;

    /// <summary>True if nothing may be written.</summary>
    public bool IsReadOnly => _settings.IsReadOnly;

    /// <summary>The offered features.</summary>
    public ulong Features { get; }

    /// <summary>Size in sectors now.</summary>
    public ulong Capacity => Volatile.Read(ref _capacity);

    /// <summary>The serial number, padded with NUL.</summary>
    public ReadOnlySpan<byte> Serial => _serial;

    /// <summary>The wear of the storage.</summary>
    public BlockLifetime Lifetime => _settings.Lifetime?.Invoke() ?? default;

    /// <summary>
    /// True if a write must be durable before it completes (virtio 1.3, 5.2.6.2, cases 1 and 2). Asked when the
    /// storage has the data: a driver that changes the mode meanwhile gets either.
    /// </summary>
    public bool MustCommitWrites => !Volatile.Read(ref _isWriteback);

    /// <summary>True if the driver negotiated a feature.</summary>
    public bool Has(BlockFeature feature) => Has(Volatile.Read(ref _negotiated), feature);

    /// <summary>Takes what was negotiated; a driver that cannot flush gets a writethrough cache (5.2.5.2).</summary>
    public void Negotiate(ulong features)
    {
        lock (_gate)
        {
            Volatile.Write(ref _negotiated, features);
            SetWriteback(Has(features, BlockFeature.Flush) && _settings.CacheMode == BlockCacheMode.Writeback);
        }
    }

    /// <summary>Forgets the driver.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            Volatile.Write(ref _negotiated, 0);
            SetWriteback(_settings.CacheMode == BlockCacheMode.Writeback);
        }
    }

    /// <summary>Takes the size of the storage over; a part of a sector at the end cannot be reached.</summary>
    public void SetCapacity()
    {
        lock (_gate)
        {
            Volatile.Write(ref _capacity, (ulong)Storage.SizeBytes / BlockLimits.SectorBytes);
            WriteConfig();
        }
    }

    /// <summary>Copies a part of the configuration space.</summary>
    public void ReadConfig(int offset, Span<byte> data)
    {
        lock (_gate)
        {
            _config.AsSpan(offset, data.Length).CopyTo(data);
        }
    }

    /// <summary>Takes a write of the driver: <c>writeback</c>, once it negotiated to write it.</summary>
    public bool TryWriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset != BlockConfig.WritebackOffset || data.Length != 1 || data[0] > 1)
        {
            return false;
        }

        lock (_gate)
        {
            if (!Has(BlockFeature.ConfigWriteCacheEnable))
            {
                return false;
            }

            SetWriteback(data[0] == 1);
            return true;
        }
    }

    /// <summary>Tells the host of a failure.</summary>
    public void ReportFailure(BlockStorageException failure) => _settings.HostFailed?.Invoke(failure);

    private static bool Has(ulong features, BlockFeature feature) => (features & Mask(feature)) != 0;

    private static ulong Mask(BlockFeature feature) => 1UL << (int)feature;

    private static ulong GetOffered(BlockDevice settings)
    {
        var features = Mask(BlockFeature.SegMax) | Mask(BlockFeature.BlockSize) | Mask(BlockFeature.Topology)
            | Mask(BlockFeature.Flush) | Mask(BlockFeature.ConfigWriteCacheEnable);
        features |= If(settings.MaxSegmentBytes is not null, BlockFeature.SizeMax);
        features |= If(settings.Geometry is not null, BlockFeature.Geometry);
        features |= If(settings.Queues > 1, BlockFeature.MultiQueue);
        features |= If(settings.Lifetime is not null, BlockFeature.Lifetime);
        features |= If(settings.IsReadOnly, BlockFeature.ReadOnly);
        features |= If(!settings.IsReadOnly, BlockFeature.WriteZeroes);
        features |= If(!settings.IsReadOnly && settings.Storage.Geometry.CanDiscard, BlockFeature.Discard);
        features |= If(!settings.IsReadOnly && settings.SecureErase, BlockFeature.SecureErase);
        foreach (var hidden in settings.HiddenFeatures)
        {
            features &= ~Mask(hidden);
        }

        var hasFlush = Has(features, BlockFeature.Flush);
        return hasFlush ? features : features & ~Mask(BlockFeature.ConfigWriteCacheEnable);
    }

    private static ulong If(bool condition, BlockFeature feature) => condition ? Mask(feature) : 0;

    private void SetWriteback(bool isWriteback)
    {
        Volatile.Write(ref _isWriteback, isWriteback);
        WriteConfig();
    }

    private void WriteConfig()
    {
        var geometry = Storage.Geometry;
        var perPhysical = geometry.PhysicalBlockBytes / geometry.LogicalBlockBytes;
        var config = new BlockConfig
        {
            Capacity = _capacity,
            SizeMax = Offered(BlockFeature.SizeMax, (uint)(_settings.MaxSegmentBytes ?? 0)),
            SegMax = Offered(BlockFeature.SegMax, (uint)(_settings.MaxSegments ?? Math.Max(1, _settings.QueueSize - 2))),
            Geometry = Has(Features, BlockFeature.Geometry) ? _settings.Geometry ?? default : default,
            BlockSize = Offered(BlockFeature.BlockSize, (uint)geometry.LogicalBlockBytes),
            PhysicalBlockExponent = (byte)Offered(BlockFeature.Topology, (uint)BitOperations.Log2((uint)perPhysical)),
            MinIoSize = (ushort)Offered(BlockFeature.Topology, (uint)Math.Min(perPhysical, ushort.MaxValue)),
            Writeback = _isWriteback && Has(Features, BlockFeature.ConfigWriteCacheEnable),
            QueueCount = (ushort)Offered(BlockFeature.MultiQueue, (uint)_settings.Queues),
        };
        AddRangeLimits(config).Write(_config);
    }

    private BlockConfig AddRangeLimits(BlockConfig config)
    {
        var granularity = (uint)Math.Max(Storage.Geometry.DiscardGranularityBytes, Storage.Geometry.LogicalBlockBytes);
        return config with
        {
            MaxDiscardSectors = Offered(BlockFeature.Discard, BlockLimits.MaxDiscardSectors),
            MaxDiscardSegments = Offered(BlockFeature.Discard, BlockLimits.MaxDiscardSegments),
            DiscardSectorAlignment = Offered(BlockFeature.Discard, granularity / BlockLimits.SectorBytes),
            MaxWriteZeroesSectors = Offered(BlockFeature.WriteZeroes, BlockLimits.MaxWriteZeroesSectors),
            MaxWriteZeroesSegments = Offered(BlockFeature.WriteZeroes, BlockLimits.MaxWriteZeroesSegments),
            WriteZeroesMayUnmap = Has(Features, BlockFeature.WriteZeroes) && Storage.Geometry.WriteZeroesMayUnmap,
            MaxSecureEraseSectors = Offered(BlockFeature.SecureErase, BlockLimits.MaxSecureEraseSectors),
            MaxSecureEraseSegments = Offered(BlockFeature.SecureErase, BlockLimits.MaxSecureEraseSegments),
            SecureEraseSectorAlignment = Offered(BlockFeature.SecureErase, 1),
        };
    }

    private uint Offered(BlockFeature feature, uint value) => Has(Features, feature) ? value : 0;
}
