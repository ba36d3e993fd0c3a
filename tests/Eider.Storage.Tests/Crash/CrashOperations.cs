using System.Globalization;
using Eider.ImageWorker;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Operations;

namespace Eider.Storage.Tests.Crash;

/// <summary>What is done to an image in a run, one step after the other, by chance.</summary>
internal sealed class CrashOperations(CrashRun run, Random random) : IAsyncDisposable
{
    private readonly DiskModel _model = run.Model;
    private readonly CrashScenario _scenario = run.Scenario;
    private readonly uint[] _backing = BackingOf(run);
    private Qcow2Image? _image;

    private Qcow2Image Image => _image!;

    private CrashLog Log => run.Log;

    /// <summary>Runs a number of steps, and closes the image.</summary>
    public async Task RunAsync(int steps)
    {
        await run.Attempt(async () => _image = await run.OpenAsync());
        var extras = Extras().ToArray();
        if (_scenario.Has(CrashExtras.Bitmaps))
        {
            await ChangeBitmapsAsync();
        }

        for (var step = 0; step < steps; step++)
        {
            if (_scenario.Has(CrashExtras.TwoAtOnce))
            {
                await TwoAtOnceAsync();
            }
            else if (extras.Length > 0 && random.Next(5) == 0)
            {
                await extras[random.Next(extras.Length)]();
            }
            else
            {
                await PlainAsync(random, 0, _model.Sectors);
            }
        }

        await CloseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_image != null)
        {
            await _image.DisposeAsync();
            _image = null;
        }
    }

    private IEnumerable<Func<Task>> Extras()
    {
        (CrashExtras Extra, Func<Task> Operation)[] table =
        [
            (CrashExtras.Snapshots, ChangeSnapshotsAsync),
            (CrashExtras.Compress, () => CompressAsync(random, 0, _model.Sectors)),
            (CrashExtras.Resize, ResizeAsync),
            (CrashExtras.Compact, CompactAsync),
            (CrashExtras.Empty, EmptyAsync),
            (CrashExtras.Commit, CommitAsync),
            (CrashExtras.Rebase, RebaseAsync),
            (CrashExtras.Amend, AmendAsync),
            (CrashExtras.Reopen, ReopenAsync),
            (CrashExtras.Preallocate, PreallocateAsync),
            (CrashExtras.Bitmaps, ChangeBitmapsAsync),
        ];
        return table.Where(row => _scenario.Has(row.Extra)).Select(row => row.Operation);
    }

    /// <summary>What lies behind the image at the beginning.</summary>
    private static uint[] BackingOf(CrashRun run)
    {
        if (!run.Scenario.Has(CrashExtras.Commit))
        {
            return run.Scenario.InitialTags();
        }

        var tags = new uint[CrashScenario.MaxSectors];
        for (var sector = 0; sector < tags.Length; sector++)
        {
            var bytes = run.Initial[1].Memory.Span.Slice(sector * TaggedSectors.Bytes, TaggedSectors.Bytes);
            tags[sector] = TaggedSectors.TagOf(bytes, sector) ?? throw new InvalidOperationException($"sector {sector} of the backing image has what nobody wrote");
        }

        return tags;
    }

    /// <summary>Writes, zeroes, discards or flushes somewhere in a range of sectors.</summary>
    private async Task PlainAsync(Random choices, int from, int to)
    {
        var count = Math.Min(to - from, choices.Next(3) == 0 ? choices.Next(1, 64) : choices.Next(1, 9));
        var first = from + choices.Next(to - from - count + 1);
        if (choices.Next(2) == 0 && (first & ~7) >= from)
        {
            first &= ~7;
        }

        var (offset, length) = ((long)first * TaggedSectors.Bytes, (long)count * TaggedSectors.Bytes);
        switch (choices.Next(10))
        {
            case < 5:
                var tag = _model.NewTag();
                await ChangeAsync(first, count, tag, () => Image.WriteAsync(offset, TaggedSectors.Content(first, count, tag)));
                break;
            case 5 or 6:
                var mayUnmap = choices.Next(2) == 0;
                await ChangeAsync(first, count, 0, () => Image.WriteZeroesAsync(offset, length, mayUnmap));
                break;
            case 7 when Image.Geometry.CanDiscard:
                await DiscardAsync(first, count);
                break;
            default:
                await FlushAsync();
                break;
        }
    }

    /// <summary>A discard makes zeroes of what it can; what it made is what must be there from then on.</summary>
    private async Task DiscardAsync(int first, int count)
    {
        var tags = _model.Tags.AsSpan(first, count).ToArray();
        var begin = Log.Tick();
        var content = new byte[count * TaggedSectors.Bytes];
        await DoAsync(() => Image.DiscardAsync((long)first * TaggedSectors.Bytes, content.Length));
        var end = Log.Tick();
        await DoAsync(() => Image.ReadAsync((long)first * TaggedSectors.Bytes, content));
        for (var index = 0; index < count; index++)
        {
            var tag = TaggedSectors.TagOf(content.AsSpan(index * TaggedSectors.Bytes, TaggedSectors.Bytes), first + index);
            Assert.True(tag == 0 || tag == tags[index], $"a discard made {tag:x} of {tags[index]:x} in sector {first + index}");
            tags[index] = tag!.Value;
        }

        _model.End(_model.Begin(begin, first, tags), end);
    }

    private async Task CompressAsync(Random choices, int from, int to)
    {
        var perCluster = Image.Header.ClusterBytes / TaggedSectors.Bytes;
        var (low, high) = ((from + perCluster - 1) / perCluster, (to + perCluster - 1) / perCluster);
        for (var times = choices.Next(1, 5); times > 0; times--)
        {
            var first = choices.Next(low, high) * perCluster;
            var count = Math.Min(perCluster, _model.Sectors - first);
            var tag = _model.NewTag();
            await ChangeAsync(
                first, count, tag,
                () => Image.WriteCompressedAsync((long)first * TaggedSectors.Bytes, TaggedSectors.Content(first, count, tag)));
        }
    }

    private async Task ChangeAsync(int first, int count, uint tag, Func<ValueTask<BlockResult>> operation)
    {
        var tags = new uint[count];
        tags.AsSpan().Fill(tag);
        var change = _model.Begin(Log.Tick(), first, tags);
        await DoAsync(operation);
        _model.End(change, Log.Tick());
    }

    private Task DoAsync(Func<ValueTask<BlockResult>> operation) =>
        run.Attempt(async () => Assert.Equal(BlockResult.Ok, await operation()));

    private async Task FlushAsync()
    {
        var begin = Log.Tick();
        await DoAsync(() => Image.FlushAsync());
        _model.Flushed(begin, Log.Tick());
    }

    /// <summary>Something that is durable, with all that was before it, when it returns.</summary>
    private async Task DurablyAsync(int change, Func<Task> operation)
    {
        await run.Attempt(operation);
        if (change >= 0)
        {
            _model.End(change, Log.Tick());
        }

        var begin = Log.Tick();
        _model.Flushed(begin, Log.Tick());
    }

    private async Task ChangeSnapshotsAsync()
    {
        var present = _model.Snapshots.Where(snapshot => snapshot.DeleteBegin == int.MaxValue).ToList();
        var choice = present.Count == 0 ? 0 : present.Count > 2 ? random.Next(1, 3) : random.Next(3);
        if (choice == 0)
        {
            var snapshot = new SnapshotModel(
                string.Create(CultureInfo.InvariantCulture, $"snapshot {random.Next()}"), _model.Tags[.._model.Sectors], Log.Tick());
            _model.Snapshots.Add(snapshot);
            await DurablyAsync(-1, () => CreateSnapshotAsync(snapshot.Name));
            snapshot.End = Log.Tick();
            return;
        }

        var chosen = present[random.Next(present.Count)];
        if (choice == 1)
        {
            var change = _model.Begin(Log.Tick(), 0, chosen.Tags, isAtomic: true, sectors: chosen.Tags.Length);
            await DurablyAsync(change, async () => await Image.ApplySnapshotAsync(chosen.Name));
        }
        else
        {
            chosen.DeleteBegin = Log.Tick();
            await DurablyAsync(-1, async () => await Image.DeleteSnapshotAsync(chosen.Name));
            chosen.DeleteEnd = Log.Tick();
        }
    }

    /// <summary>Adds, clears or removes a bitmap. What is on the disk when it begins is durable: everything else must be marked.</summary>
    private async Task ChangeBitmapsAsync()
    {
        if (Image.Header.Version < 3)
        {
            return;
        }

        var present = _model.Bitmaps.Where(bitmap => bitmap.EndTick == int.MaxValue).ToList();
        var old = present.Count == 0 || (present.Count < 3 && random.Next(2) == 0) ? null : present[random.Next(present.Count)];
        await DurablyAsync(-1, async () => Assert.Equal(BlockResult.Ok, await Image.FlushAsync()));
        var isCleared = old != null && random.Next(2) == 0;
        var name = old?.Name ?? string.Create(CultureInfo.InvariantCulture, $"bitmap {random.Next()}");
        if (old == null || isCleared)
        {
            _model.Bitmaps.Add(new BitmapModel(name, [.. _model.Tags], Log.Tick()));
        }

        var granularity = 512L << (3 * random.Next(3));
        await DurablyAsync(-1, async () => await (old == null ? Image.Bitmaps.AddAsync(name, granularity)
            : isCleared ? Image.Bitmaps.ClearAsync(name) : Image.Bitmaps.RemoveAsync(name)));
        if (old != null)
        {
            old.EndTick = Log.Tick();
        }
    }

    /// <summary>Whoever tries again looks first whether it is there.</summary>
    private async Task CreateSnapshotAsync(string name)
    {
        if (!run.IsFaulty || (await Image.GetSnapshotsAsync()).All(snapshot => snapshot.Name != name))
        {
            await Image.CreateSnapshotAsync(name, DateTimeOffset.UnixEpoch);
        }
    }

    private async Task ResizeAsync()
    {
        // A size that stays the same is no change, and makes nothing durable.
        var sectors = random.Next(CrashScenario.Sectors / 4, CrashScenario.MaxSectors);
        sectors += sectors == _model.Sectors ? 1 : 0;
        var change = _model.Begin(Log.Tick(), 0, [], sectors: sectors);
        await DurablyAsync(
            change, async () => Assert.Equal(BlockResult.Ok, await Image.ResizeAsync((long)sectors * TaggedSectors.Bytes)));
    }

    private async Task PreallocateAsync()
    {
        var sectors = Math.Min(_model.Sectors + random.Next(1, 128), CrashScenario.MaxSectors);
        var change = _model.Begin(Log.Tick(), 0, [], sectors: sectors);
        var options = new ImageResizeOptions { CanShrink = true, Preallocation = random.Next(2) == 0 ? ImagePreallocation.Metadata : ImagePreallocation.Full };
        await DurablyAsync(
            change, async () => await ImageResizer.ResizeAsync(Image, (long)sectors * TaggedSectors.Bytes, options));
    }

    private Task CompactAsync() => DurablyAsync(-1, async () => await ImageCompactor.CompactAsync(Image));

    private Task EmptyAsync()
    {
        var change = _model.Begin(Log.Tick(), 0, _backing.AsSpan(0, _model.Sectors));
        return DurablyAsync(change, async () => Assert.Equal(BlockResult.Ok, await Image.MakeEmptyAsync()));
    }

    private async Task CommitAsync()
    {
        // The target is durable then, the image is not: it was only read.
        await run.Attempt(() => ImageCommitter.CommitAsync(Image, (ImageStorage)Image.Backing!).AsTask());
        _model.Tags.AsSpan(0, _model.Sectors).CopyTo(_backing);
        if (random.Next(2) == 0)
        {
            await EmptyAsync();
        }
    }

    private async Task RebaseAsync()
    {
        var number = random.Next(-1, CrashBacking.Names.Length);
        var backing = number < 0 ? null : new MemoryStorage((ReadOnlyMemory<byte>)CrashBacking.Content(number));
        await DurablyAsync(-1, async () => await ImageRebaser.WriteDifferencesAsync(Image, backing));
        await DurablyAsync(
            -1, async () => await ImageBacking.SetAsync(Image, number < 0 ? null : CrashBacking.Names[number], number < 0 ? null : "raw"));
        await ReopenAsync();
    }

    private async Task AmendAsync()
    {
        var options = random.Next(4) switch
        {
            0 when !_scenario.Has(CrashExtras.Bitmaps) => new Dictionary<string, string> { ["compat"] = "0.10" },
            1 => new Dictionary<string, string> { ["compat"] = "1.1" },
            2 => new Dictionary<string, string> { ["compat"] = "1.1", ["lazy_refcounts"] = "on" },
            _ => new Dictionary<string, string> { ["lazy_refcounts"] = "off" },
        };
        await DurablyAsync(-1, async () => await ImageAmender.AmendAsync(Image, options));
        await ReopenAsync();
    }

    private async Task ReopenAsync()
    {
        await CloseAsync();
        await run.Attempt(async () => _image = await run.OpenAsync());
    }

    /// <summary>Where the host may fail, what is not flushed may be lost at the end.</summary>
    private async Task CloseAsync()
    {
        if (run.IsFaulty)
        {
            await FlushAsync();
        }

        await DisposeAsync();
    }

    /// <summary>Two threads, each in its half of the disk; their clusters may meet in the middle.</summary>
    private async Task TwoAtOnceAsync()
    {
        var middle = (_model.Sectors / 2) + random.Next(8);
        await Task.WhenAll(WorkAsync(random.Next(), 0, middle), WorkAsync(random.Next(), middle, _model.Sectors));

        async Task WorkAsync(int seed, int from, int to)
        {
            var choices = new Random(seed);
            for (var times = 0; times < 4; times++)
            {
                if (_scenario.Has(CrashExtras.Compress) && from == 0 && choices.Next(4) == 0)
                {
                    await CompressAsync(choices, from, to & ~7);
                }
                else
                {
                    await PlainAsync(choices, from, to);
                }
            }
        }
    }
}
