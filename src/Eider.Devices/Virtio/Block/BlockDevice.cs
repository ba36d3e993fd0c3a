using System.Globalization;
using System.Numerics;
using Eider.Storage;

namespace Eider.Devices.Virtio.Block;

/// <summary>
/// Configures a virtio block device: <c>new BlockDevice { Storage = storage }.Build()</c>. The storage stays the
/// caller's to flush and close.
/// </summary>
public sealed record BlockDevice : IVirtioDeviceConfig
{
    /// <summary>What the disk holds. Its size must be a multiple of 512 bytes.</summary>
    public required BlockStorage Storage { get; init; }

    /// <summary>Makes the disk read-only even if the storage is not.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>What GET_ID answers (<c>/sys/block/vda/serial</c>): printable ASCII, at most 20 characters.</summary>
    public string Serial { get; init; } = "";

    /// <summary>Number of request queues, 1 to <see cref="BlockLimits.MaxQueues"/>; more than one offers MQ.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Entries of each queue's ring at most: a power of two from 2 to <see cref="VirtioLimits.MaxQueueSize"/>.</summary>
    public int QueueSize { get; init; } = BlockLimits.DefaultQueueSize;

    /// <summary>When a completed write is durable.</summary>
    public BlockCacheMode CacheMode { get; init; } = BlockCacheMode.Writeback;

    /// <summary>Most bytes of one segment (size_max), at least 4096; null leaves the driver free.</summary>
    public int? MaxSegmentBytes { get; init; }

    /// <summary>Most data segments of one request (seg_max); null fits them to the queue.</summary>
    public int? MaxSegments { get; init; }

    /// <summary>A disk-style geometry to show; null shows none.</summary>
    public BlockDiskGeometry? Geometry { get; init; }

    /// <summary>
    /// Offers secure erase: the ranges are overwritten with zeroes where they lie, and flushed. Only for a
    /// storage that writes in place; what lies below it may still keep old copies.
    /// </summary>
    public bool SecureErase { get; init; }

    /// <summary>Tells how worn the storage is; null if it has no such metrics, and nothing is offered then.</summary>
    public Func<BlockLifetime>? Lifetime { get; init; }

    /// <summary>
    /// Features that are not offered although the device has them. Hiding <see cref="BlockFeature.Flush"/> hides
    /// <see cref="BlockFeature.ConfigWriteCacheEnable"/> too, which needs it (5.2.5.2).
    /// </summary>
    public IReadOnlyCollection<BlockFeature> HiddenFeatures { get; init; } = [];

    /// <summary>
    /// Told of every failure of the host behind a request, on the worker of the queue; the guest got an I/O
    /// error. Must return soon.
    /// </summary>
    public Action<BlockStorageException>? HostFailed { get; init; }

    /// <summary>True if the guest cannot write.</summary>
    internal bool IsReadOnly => ReadOnly || Storage.Geometry.IsReadOnly;

    /// <summary>Checks the configuration and makes the device.</summary>
    /// <exception cref="ArgumentException">A setting is impossible; the message says which, found and expected.</exception>
    public BlockHandler Build()
    {
        ArgumentNullException.ThrowIfNull(Storage);
        Check(Storage.SizeBytes >= 0 && Storage.SizeBytes % BlockLimits.SectorBytes == 0, "size", Storage.SizeBytes, "a multiple of 512 bytes");
        Check(Queues is >= 1 and <= BlockLimits.MaxQueues, "queues", Queues, $"1 to {BlockLimits.MaxQueues}");
        Check(
            QueueSize is >= 2 and <= VirtioLimits.MaxQueueSize && BitOperations.IsPow2(QueueSize),
            "queue size", QueueSize, $"a power of two from 2 to {VirtioLimits.MaxQueueSize}");
        Check(MaxSegmentBytes is null or >= 4096, "segment size", MaxSegmentBytes ?? 0, "4096 bytes or more");
        Check(MaxSegments is null or >= 1, "segments", MaxSegments ?? 0, "1 or more");
        Check(Enum.IsDefined(CacheMode), "cache mode", (long)CacheMode, "writeback or writethrough");
        CheckSerial();
        if (IsReadOnly && HiddenFeatures.Contains(BlockFeature.ReadOnly))
        {
            throw new ArgumentException($"{Storage.Name}: read-only, so this feature cannot be hidden");
        }

        return new BlockHandler(this);
    }

    /// <inheritdoc/>
    VirtioDevice IVirtioDeviceConfig.Build() => Build();

    private void CheckSerial()
    {
        ArgumentNullException.ThrowIfNull(Serial);
        if (Serial.Length > BlockLimits.SerialBytes || Serial.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw new ArgumentException(
                $"{Storage.Name}: serial '{Serial}' has {Serial.Length} characters; expected at most " +
                $"{BlockLimits.SerialBytes}, printable ASCII");
        }
    }

    private void Check(bool isGood, string what, long found, string expected)
    {
        if (!isGood)
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture, $"{Storage.Name}: {what} is {found}; expected {expected}"));
        }
    }
}
