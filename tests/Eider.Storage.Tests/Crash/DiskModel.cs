using System.Globalization;
using Eider.ImageWorker;

namespace Eider.Storage.Tests.Crash;

/// <summary>
/// What a disk may read as after a crash: for each sector the newest change that is surely durable, or any that had begun
/// since. A change is durable when a flush began after it and ended.
/// </summary>
internal sealed class DiskModel
{
    /// <summary>The tag of what the first backing image has.</summary>
    public const uint FirstBacking = 0xB000_0000;

    private readonly Lock _gate = new();
    private readonly List<(int Change, uint Tag)>[] _history;
    private readonly uint[] _initial;
    private readonly List<Change> _changes = [];
    private readonly List<(int Begin, int End)> _flushes = [];
    private readonly List<(int Change, int Sectors)> _sizes = [];
    private readonly int _initialSectors;
    private uint _lastTag;

    /// <summary>A disk that has a size and tags at the beginning; the tags may go on behind its end.</summary>
    public DiskModel(uint[] tags, int sectors)
    {
        _initial = [.. tags];
        Tags = [.. tags];
        _initialSectors = sectors;
        Sectors = sectors;
        _lastTag = tags.Where(tag => tag < FirstBacking).DefaultIfEmpty(0u).Max();
        _history = [.. tags.Select(_ => new List<(int, uint)>())];
    }

    /// <summary>What each sector has now.</summary>
    public uint[] Tags { get; }

    /// <summary>The size now.</summary>
    public int Sectors { get; private set; }

    /// <summary>Internal snapshots, also those that are gone.</summary>
    public List<SnapshotModel> Snapshots { get; } = [];

    /// <summary>Persistent bitmaps, also those that are gone.</summary>
    public List<BitmapModel> Bitmaps { get; } = [];

    private sealed class Change(int begin, bool isAtomic)
    {
        public int Begin { get; } = begin;

        public int End { get; set; } = int.MaxValue;

        public bool IsAtomic { get; } = isAtomic;
    }

    /// <summary>A tag that was never used.</summary>
    public uint NewTag() => Interlocked.Increment(ref _lastTag);

    /// <summary>Begins a change of some sectors; a new size cuts off, or adds zeroes.</summary>
    /// <param name="tick">When.</param>
    /// <param name="first">The first sector.</param>
    /// <param name="tags">What they get.</param>
    /// <param name="isAtomic">True if all of them change at once.</param>
    /// <param name="sectors">The new size, or null.</param>
    public int Begin(int tick, int first, ReadOnlySpan<uint> tags, bool isAtomic = false, int? sectors = null)
    {
        lock (_gate)
        {
            var change = _changes.Count;
            _changes.Add(new Change(tick, isAtomic));
            for (var index = 0; index < tags.Length; index++)
            {
                Set(change, first + index, tags[index]);
            }

            if (sectors is { } size)
            {
                for (var sector = size; sector < Tags.Length; sector++)
                {
                    Set(change, sector, 0);
                }

                Sectors = size;
                _sizes.Add((change, size));
            }

            return change;
        }
    }

    /// <summary>Ends a change.</summary>
    public void End(int change, int tick)
    {
        lock (_gate)
        {
            _changes[change].End = tick;
        }
    }

    /// <summary>Takes note of a flush that has ended.</summary>
    public void Flushed(int begin, int end)
    {
        lock (_gate)
        {
            _flushes.Add((begin, end));
        }
    }

    /// <summary>True if the beginning was read from an image after a crash.</summary>
    public bool IsRead { get; init; }

    /// <summary>The moments at which flushes ended.</summary>
    public IEnumerable<int> FlushEnds => _flushes.Select(flush => flush.End);

    /// <summary>Compares what was read after a crash.</summary>
    /// <returns>What is wrong, or null.</returns>
    public string? Check(ReadOnlySpan<byte> content, int tick)
    {
        var durable = _flushes.Where(flush => flush.End <= tick).Select(flush => flush.Begin).DefaultIfEmpty(0).Max();
        var sectors = content.Length / TaggedSectors.Bytes;
        if (!IsAllowed(_sizes, _initialSectors, sectors, tick, durable))
        {
            return Text($"the disk has {sectors} sectors");
        }

        var (sawOld, sawNew) = (-1, -1);
        var latest = _changes.FindLastIndex(change => change.Begin <= tick);
        for (var sector = 0; sector < sectors; sector++)
        {
            var found = TaggedSectors.TagOf(content.Slice(sector * TaggedSectors.Bytes, TaggedSectors.Bytes), sector);
            if (found is not { } tag || !IsAllowed(_history[sector], _initial[sector], tag, tick, durable))
            {
                return Text($"sector {sector} has tag {found:x}, which is neither flushed nor newer (moment {tick}); {Tell(sector, durable)}");
            }

            if (latest >= 0 && _changes[latest].IsAtomic && _history[sector] is [.., var last] && last.Change == latest)
            {
                var canBeOld = IsAllowed(_history[sector][..^1], _initial[sector], tag, tick, durable);
                sawOld = tag != last.Tag ? sector : sawOld;
                sawNew = !canBeOld ? sector : sawNew;
            }
        }

        return sawOld >= 0 && sawNew >= 0
            ? Text($"sector {sawOld} is old and sector {sawNew} new, and they change at once; {Tell(sawOld, durable)}; {Tell(sawNew, durable)}")
            : null;
    }

    private void Set(int change, int sector, uint tag)
    {
        Tags[sector] = tag;
        _history[sector].Add((change, tag));
    }

    /// <summary>From the newest value that may have begun, back to the last one that is surely there.</summary>
    private bool IsAllowed<T>(List<(int Change, T Value)> history, T initial, T found, int tick, int durable)
        where T : IEquatable<T>
    {
        for (var index = history.Count - 1; index >= 0; index--)
        {
            var (change, value) = history[index];
            if (_changes[change].Begin > tick)
            {
                continue;
            }

            if (value.Equals(found))
            {
                return true;
            }

            if (_changes[change].End < durable)
            {
                return false;
            }
        }

        return initial.Equals(found);
    }

    private string Tell(int sector, int durable) => Text($"flushed before {durable}, has had {_initial[sector]:x} ")
        + string.Join(' ', _history[sector].Select(value => Text($"{value.Tag:x}@{_changes[value.Change].Begin}..{_changes[value.Change].End}")));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
