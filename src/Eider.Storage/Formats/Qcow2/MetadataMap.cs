using System.Collections.Concurrent;
using System.Globalization;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Where the metadata are in the file, so that nothing else is written over them: asked before each write. Tables and
/// blocks of one cluster are found by number; the few larger structures are ranges.
/// </summary>
internal sealed class MetadataMap(Qcow2Layout layout, string name)
{
    private readonly ConcurrentDictionary<long, MetadataKind> _clusters = new();
    private readonly Lock _gate = new();

    // By offset: a write asks in the logarithm of their number.
    private (MetadataKind Kind, long Offset, long Length)[] _ranges = [];

    /// <summary>Adds an L2 table or a refcount block.</summary>
    /// <exception cref="BlockStorageException">Something else is there already.</exception>
    public void AddCluster(long offset, MetadataKind kind)
    {
        var other = FindRange(offset, layout.ClusterBytes);
        if (other == null && _clusters.TryAdd(offset >> layout.ClusterBits, kind))
        {
            return;
        }

        throw ImageErrors.Structural(name, offset, $"{Name(kind)} overlaps {Name(other ?? _clusters[offset >> layout.ClusterBits])}");
    }

    /// <summary>Removes a table or block that was freed.</summary>
    public void RemoveCluster(long offset) => _clusters.TryRemove(offset >> layout.ClusterBits, out _);

    /// <summary>Puts the range of a structure in place of its old one; an empty one removes it.</summary>
    public void SetRange(MetadataKind kind, long offset, long length)
    {
        lock (_gate)
        {
            var others = _ranges.Where(range => range.Kind != kind);
            Volatile.Write(ref _ranges, Sorted(length > 0 ? others.Append((kind, offset, length)) : others));
        }
    }

    /// <summary>Adds a range of a structure that there are several of.</summary>
    public void AddRange(MetadataKind kind, long offset, long length) => AddRanges(kind, [(offset, length)]);

    /// <summary>Adds the ranges of structures that there may be very many of.</summary>
    public void AddRanges(MetadataKind kind, IEnumerable<(long Offset, long Length)> ranges)
    {
        lock (_gate)
        {
            Volatile.Write(ref _ranges, Sorted(_ranges.Concat(ranges.Select(range => (kind, range.Offset, range.Length)))));
        }
    }

    /// <summary>Refuses to write data, or new metadata, where metadata are.</summary>
    /// <exception cref="BlockStorageException">The image contradicts itself.</exception>
    public void ThrowIfOverlaps(long offset, long length, string what)
    {
        if (Find(offset, length) is { } found)
        {
            throw ImageErrors.Structural(
                name, offset,
                string.Create(CultureInfo.InvariantCulture, $"{what} of {length} bytes would go over {Name(found)}"));
        }
    }

    /// <summary>Refuses to write an L2 table or a refcount block where it is not.</summary>
    /// <exception cref="BlockStorageException">The image contradicts itself.</exception>
    public void ThrowUnless(MetadataKind kind, long offset)
    {
        if (!_clusters.TryGetValue(offset >> layout.ClusterBits, out var found) || found != kind
            || FindRange(offset, 1) != null)
        {
            throw ImageErrors.Structural(name, offset, $"{Name(kind)} would be written where it is not");
        }
    }

    /// <summary>Refuses structures that lie over each other.</summary>
    /// <exception cref="BlockStorageException">The image contradicts itself.</exception>
    public void ThrowIfRangesOverlap()
    {
        var ranges = Volatile.Read(ref _ranges);
        for (var index = 1; index < ranges.Length; index++)
        {
            if (ranges[index].Offset < ranges[index - 1].Offset + ranges[index - 1].Length)
            {
                throw ImageErrors.Structural(
                    name, ranges[index].Offset, $"{Name(ranges[index].Kind)} overlaps {Name(ranges[index - 1].Kind)}");
            }
        }
    }

    /// <summary>What metadata a range of the file touches; null if none.</summary>
    public MetadataKind? Find(long offset, long length)
    {
        var last = (offset + length - 1) >> layout.ClusterBits;
        for (var cluster = offset >> layout.ClusterBits; cluster <= last; cluster++)
        {
            if (_clusters.TryGetValue(cluster, out var kind))
            {
                return kind;
            }
        }

        return FindRange(offset, length);
    }

    private static string Name(MetadataKind kind) => kind switch
    {
        MetadataKind.Header => "the header",
        MetadataKind.ActiveL1 => "the L1 table",
        MetadataKind.ActiveL2 => "an L2 table",
        MetadataKind.RefcountTable => "the refcount table",
        MetadataKind.RefcountBlock => "a refcount block",
        MetadataKind.SnapshotTable => "the snapshot table",
        MetadataKind.InactiveL1 => "the L1 table of a snapshot",
        MetadataKind.BitmapDirectory => "the bitmap directory",
        _ => "the encryption header",
    };

    /// <summary>The last range that begins before the end; ranges do not overlap, so no other one can reach as far.</summary>
    private MetadataKind? FindRange(long offset, long length)
    {
        var ranges = Volatile.Read(ref _ranges);
        var (low, high) = (0, ranges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = ranges[middle].Offset < offset + length ? (middle + 1, high) : (low, middle);
        }

        return low > 0 && ranges[low - 1] is var last && offset < last.Offset + last.Length ? last.Kind : null;
    }

    private static (MetadataKind Kind, long Offset, long Length)[] Sorted(IEnumerable<(MetadataKind Kind, long Offset, long Length)> ranges) =>
        [.. ranges.Where(range => range.Length > 0).OrderBy(range => range.Offset)];
}
