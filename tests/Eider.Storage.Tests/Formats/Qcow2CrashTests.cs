using System.Buffers.Binary;
using System.Globalization;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Tests.Formats;

/// <summary>
/// Every state in which a crash can leave an image: all writes before a flush are there, of those behind it any, in any
/// order, one of them torn. No flushed write is lost, the tables are consistent, no sector reads as a third value.
/// </summary>
public sealed class Qcow2CrashTests
{
    private const int Sector = 512;
    private const int DiskSectors = 512;
    private const int Subsets = 6;
    private const int Steps = 240;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, int> Configurations() => new()
    {
        { "cluster_size=512", 1 },
        { "cluster_size=512,refcount_bits=64", 2 },
        { "cluster_size=4k", 3 },
        { "cluster_size=4k,compat=0.10", 4 },
        { "cluster_size=1k,lazy_refcounts=on", 5 },
        { "cluster_size=16k,extended_l2=on", 6 },
        { "cluster_size=64k", 7 },
        { "cluster_size=2k,preallocation=metadata", 8 },
        { "cluster_size=512,refcount_bits=1", 9 },
        { "cluster_size=4k,backing", 10 },
        { "cluster_size=4k,snapshots", 11 },
        { "cluster_size=512,refcount_bits=8,snapshots", 12 },
        { "cluster_size=16k,extended_l2=on,snapshots", 13 },
    };

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Configurations))]
    public async Task After_a_crash_at_any_moment_flushed_data_are_there_and_the_image_is_consistent(string options, int seed)
    {
        var run = await RunWorkloadAsync(options, seed, Steps);
        var (states, failures) = await CheckStatesAsync(run, seed, ignoreFlushes: false);
        Assert.True(failures.Count == 0, $"{failures.Count} of {states} states: {string.Join('\n', failures.Take(5))}");
        Assert.True(states > 400, $"only {states} states were looked at");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Without_the_flushes_inside_of_a_commit_the_same_check_fails()
    {
        var failures = 0;
        foreach (var (options, seed) in new[] { ("cluster_size=512", 1), ("cluster_size=4k", 3) })
        {
            var run = await RunWorkloadAsync(options, seed, Steps);
            failures += (await CheckStatesAsync(run, seed, ignoreFlushes: true)).Failures.Count;
        }

        Assert.True(failures > 0, "the check would not notice a wrong order");
    }

    private sealed record Change(int LogStart, int First, int Count, uint Tag);

    private sealed class Run
    {
        public required byte[] Initial { get; init; }

        public required List<CrashLog.Entry> Log { get; init; }

        public required List<Change> Changes { get; init; }

        /// <summary>For each guest flush: how long the log was at its end, and how many changes had completed at its begin.</summary>
        public required List<(int LogEnd, int ChangesBefore)> Flushes { get; init; }

        public required byte[]? Backing { get; init; }
    }

    private static async Task<Run> RunWorkloadAsync(string options, int seed, int steps)
    {
        var memory = new MemoryStorage(0);
        var hasBacking = options.Contains(",backing", StringComparison.Ordinal);
        var hasSnapshots = options.Contains(",snapshots", StringComparison.Ordinal);
        var create = options.Replace(",backing", "", StringComparison.Ordinal).Replace(",snapshots", "", StringComparison.Ordinal).Split(',').Select(option => option.Split('='))
            .ToDictionary(parts => parts[0], parts => parts[1]);
        await ImageFormats.Qcow2.CreateAsync(
            memory, new ImageCreateOptions { SizeBytes = DiskSectors * Sector, Options = create }, Cancel);
        var initial = new byte[memory.SizeBytes];
        await memory.ReadAsync(0, initial, Cancel);
        var log = new CrashLog(memory);
        var backing = hasBacking ? BackingBytes() : null;
        var changes = new List<Change>();
        var flushes = new List<(int, int)>();
        var image = await OpenAsync(log, backing, isReadOnly: false);
        var random = new Random(seed);
        for (var step = 0; step < steps; step++)
        {
            await StepAsync(image, log, random, changes, flushes);
            if (hasSnapshots && step % 40 == 39)
            {
                await ChangeSnapshotsAsync((Qcow2Image)image, step);
            }
        }

        await image.DisposeAsync();
        flushes.Add((log.Entries.Count, 0));
        return new Run { Initial = initial, Log = log.Entries, Changes = changes, Flushes = flushes, Backing = backing };
    }

    private static async Task ChangeSnapshotsAsync(Qcow2Image image, int step)
    {
        var present = await image.GetSnapshotsAsync(Cancel);
        if (present.Count < 3)
        {
            await image.CreateSnapshotAsync($"step {step}", DateTimeOffset.UnixEpoch, Cancel);
        }
        else
        {
            await image.DeleteSnapshotAsync(present[step / 40 % 3].Id, Cancel);
        }
    }

    private static async Task StepAsync(
        BlockStorage image, CrashLog log, Random random, List<Change> changes, List<(int, int)> flushes)
    {
        var count = random.Next(3) == 0 ? random.Next(1, 64) : random.Next(1, 9);
        var first = random.Next(DiskSectors - count);
        if (random.Next(2) == 0)
        {
            first &= ~7;
        }

        switch (random.Next(10))
        {
            case < 5:
                var tag = (uint)changes.Count + 1;
                changes.Add(new Change(log.Entries.Count, first, count, tag));
                Assert.Equal(BlockResult.Ok, await image.WriteAsync((long)first * Sector, Content(first, count, tag), Cancel));
                break;
            case 5 or 6:
                changes.Add(new Change(log.Entries.Count, first, count, 0));
                Assert.Equal(
                    BlockResult.Ok, await image.WriteZeroesAsync((long)first * Sector, (long)count * Sector, random.Next(2) == 0, Cancel));
                break;
            case 7:
                if (image.Geometry.CanDiscard)
                {
                    // May become zero and may stay: the change is optional for ever.
                    changes.Add(new Change(log.Entries.Count, first, count, uint.MaxValue));
                    Assert.Equal(BlockResult.Ok, await image.DiscardAsync((long)first * Sector, (long)count * Sector, Cancel));
                }

                break;
            default:
                var before = changes.Count;
                Assert.Equal(BlockResult.Ok, await image.FlushAsync(Cancel));
                flushes.Add((log.Entries.Count, before));
                break;
        }
    }

    private static async Task<(int States, List<string> Failures)> CheckStatesAsync(Run run, int seed, bool ignoreFlushes)
    {
        var random = new Random(seed);
        var failures = new List<string>();
        var states = 0;
        var durable = new CrashedFile((byte[])run.Initial.Clone());
        var guestFlushEnds = run.Flushes.Select(flush => flush.LogEnd - 1).ToHashSet();
        for (var start = 0; start < run.Log.Count;)
        {
            var end = start;
            while (end < run.Log.Count
                && (run.Log[end].Operation != BlockOperation.Flush || (ignoreFlushes && !guestFlushEnds.Contains(end))))
            {
                end++;
            }

            foreach (var (state, name) in StatesOf(durable, run.Log[start..end], random))
            {
                states++;
                if (await CheckAsync(run, state, start, end) is { } failure)
                {
                    failures.Add(string.Create(CultureInfo.InvariantCulture, $"log {start}..{end}, {name}: {failure}"));
                }
            }

            foreach (var entry in run.Log[start..end])
            {
                durable.Apply(entry);
            }

            start = end + 1;
        }

        return (states, failures);
    }

    private static IEnumerable<(CrashedFile State, string Name)> StatesOf(
        CrashedFile durable, List<CrashLog.Entry> epoch, Random random)
    {
        var prefix = durable.Clone();
        yield return (prefix.Clone(), "nothing");
        for (var index = 0; index < epoch.Count; index++)
        {
            if (epoch[index].Operation == BlockOperation.Write && epoch[index].Length > Sector)
            {
                var torn = prefix.Clone();
                torn.Apply(epoch[index], CrashedFile.Tear(epoch[index], random));
                yield return (torn, $"prefix {index}, torn");
            }

            prefix.Apply(epoch[index]);
            yield return (prefix.Clone(), $"prefix {index + 1}");
        }

        for (var subset = 0; subset < Subsets && epoch.Count > 1; subset++)
        {
            var chosen = epoch.Where(_ => random.Next(2) == 0).OrderBy(_ => random.Next()).ToList();
            var state = durable.Clone();
            foreach (var entry in chosen)
            {
                state.Apply(entry, random.Next(6) == 0 && entry.Operation == BlockOperation.Write ? CrashedFile.Tear(entry, random) : long.MaxValue);
            }

            yield return (state, $"subset {subset}");
        }
    }

    private static async Task<string?> CheckAsync(Run run, CrashedFile state, int epochStart, int epochEnd)
    {
        if (PlainQcow2Checker.Check(state.Bytes) is { } trouble)
        {
            return trouble;
        }

        var flushed = run.Flushes.Where(flush => flush.LogEnd <= epochStart).Select(flush => flush.ChangesBefore).DefaultIfEmpty(0).Max();
        var content = new byte[DiskSectors * Sector];
        try
        {
            await using var image = await OpenAsync(new MemoryStorage((ReadOnlyMemory<byte>)state.Bytes), run.Backing, isReadOnly: true);
            await image.ReadAsync(0, content, Cancel);
        }
        catch (BlockStorageException exception)
        {
            return exception.Message;
        }

        for (var sector = 0; sector < DiskSectors; sector++)
        {
            if (!IsAllowed(run, content.AsSpan(sector * Sector, Sector), sector, flushed, epochEnd))
            {
                var found = BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(sector * Sector));
                return string.Create(CultureInfo.InvariantCulture, $"sector {sector} has tag {found}, {flushed} changes are flushed");
            }
        }

        return null;
    }

    private static bool IsAllowed(Run run, ReadOnlySpan<byte> found, int sector, int flushed, int epochEnd)
    {
        // From the newest change that may have begun, back to the last one that is surely there.
        for (var index = run.Changes.Count - 1; index >= 0; index--)
        {
            var change = run.Changes[index];
            if (change.LogStart > epochEnd || sector < change.First || sector >= change.First + change.Count)
            {
                continue;
            }

            if (change.Tag == uint.MaxValue)
            {
                if (!found.ContainsAnyExcept((byte)0))
                {
                    return true;
                }

                continue;
            }

            if (found.SequenceEqual(Content(sector, 1, change.Tag)))
            {
                return true;
            }

            if (index < flushed)
            {
                return false;
            }
        }

        return run.Backing == null
            ? !found.ContainsAnyExcept((byte)0)
            : found.SequenceEqual(run.Backing.AsSpan(sector * Sector, Sector));
    }

    private static byte[] Content(int first, int count, uint tag)
    {
        var bytes = new byte[count * Sector];
        for (var sector = 0; sector < count && tag != 0; sector++)
        {
            var part = bytes.AsSpan(sector * Sector, Sector);
            part.Fill((byte)(tag % 251));
            BinaryPrimitives.WriteUInt32LittleEndian(part, tag);
            BinaryPrimitives.WriteInt32LittleEndian(part[4..], first + sector);
        }

        return bytes;
    }

    private static byte[] BackingBytes() => Content(0, DiskSectors, 0xB000_0000);

    private static ValueTask<ImageStorage> OpenAsync(BlockStorage file, byte[]? backing, bool isReadOnly) => ImageFormats.Qcow2.OpenAsync(
        file,
        new ImageOpenOptions
        {
            IsReadOnly = isReadOnly,
            Backing = backing == null ? null : new MemoryStorage((ReadOnlyMemory<byte>)backing),
            CacheBytes = 16 * 1024,
        },
        Cancel);
}
