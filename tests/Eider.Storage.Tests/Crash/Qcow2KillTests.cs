using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Eider.ImageWorker;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Crash;

/// <summary>A process that writes to an image is killed: what it said was flushed is there, and the image is in order.</summary>
public sealed class Qcow2KillTests : IDisposable
{
    private const int Kills = 100;

    private static readonly string[] Kinds =
        ["cluster_size=64k", "cluster_size=4k", "cluster_size=512,lazy_refcounts=on", "cluster_size=16k,extended_l2=on", "cluster_size=4k,compression_type=zstd"];

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Slow")]
    public async Task After_a_kill_of_the_writer_each_acknowledged_flush_is_there_and_the_image_is_in_order()
    {
        var (flushed, failures) = (0L, new ConcurrentQueue<string>());
        var options = new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel };
        await Parallel.ForAsync(0, Kills, options, async (number, _) =>
        {
            var path = _folder[string.Create(CultureInfo.InvariantCulture, $"{number}.qcow2")];
            await CreateAsync(path, Kinds[number % Kinds.Length]);
            var steps = await WriteAndKillAsync(path, number);
            Interlocked.Add(ref flushed, steps);
            if (await FindTroubleAsync(path, number, steps) is { } trouble)
            {
                failures.Enqueue($"{Kinds[number % Kinds.Length]}, number {number}, {steps} steps flushed: {trouble}");
            }

            File.Delete(path);
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{Kills} kills, {flushed} steps flushed before them, {failures.Count} wrong");
        Assert.True(failures.IsEmpty, string.Join('\n', failures));
        Assert.True(flushed > Kills, $"only {flushed} steps were flushed");
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Starts a writer, and kills it at some moment after some flushes.</summary>
    /// <returns>How many steps it has said to be durable.</returns>
    private static async Task<int> WriteAndKillAsync(string path, int number)
    {
        var random = new Random(number);
        using var process = Process.Start(new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "Eider.ImageWorker"), ["write", path, number.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
        })!;
        var steps = 0;
        for (var flushes = random.Next(1, 40); flushes > 0; flushes--)
        {
            steps = await NextAsync(process, steps);
        }

        // The next moments are full of work; the timer of the host would be too coarse to choose among them.
        for (var spins = random.Next(400_000); spins > 0; spins--)
        {
            Thread.SpinWait(1);
        }

        process.Kill();
        while (await NextAsync(process, -1) is >= 0 and var more)
        {
            steps = more;
        }

        await process.WaitForExitAsync(Cancel);
        Assert.Equal(137, process.ExitCode);
        return steps;
    }

    private static async Task<int> NextAsync(Process process, int otherwise) =>
        await process.StandardOutput.ReadLineAsync(Cancel) is { Length: > 0 } line ? int.Parse(line, CultureInfo.InvariantCulture) : otherwise;

    private static async Task CreateAsync(string path, string options)
    {
        await using var file = FileStorage.Create(path, 0);
        var texts = options.Split(',').Select(option => option.Split('=')).ToDictionary(parts => parts[0], parts => parts[1]);
        await ImageFormats.Qcow2.CreateAsync(
            file, new ImageCreateOptions { SizeBytes = (long)WriterStep.Sectors * TaggedSectors.Bytes, Options = texts }, Cancel);
    }

    private static async Task<string?> FindTroubleAsync(string path, int seed, int flushedSteps)
    {
        if (PlainQcow2Checker.Check(await File.ReadAllBytesAsync(path, Cancel)) is { } trouble)
        {
            return trouble;
        }

        // Opened for writing: what is dirty is repaired.
        await using (var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(path), ImageOpenOptions.Default, Cancel))
        {
            var model = ModelOf(seed, flushedSteps, image.Header.ClusterBytes / TaggedSectors.Bytes);
            var content = new byte[image.SizeBytes];
            Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, content, Cancel));
            if (model.Check(content, int.MaxValue - 1) is { } lost)
            {
                return lost;
            }

            var check = await image.CheckAsync(cancellationToken: Cancel);
            if (check.Corruptions > 0)
            {
                return check.Findings[0].Text;
            }
        }

        var (code, output) = QemuTools.TryImg("check", "-f", "qcow2", path);
        return code is 0 or 3 ? null : output;
    }

    /// <summary>What may be there: all steps up to the last flush surely, of those after it any.</summary>
    private static DiskModel ModelOf(int seed, int flushedSteps, int clusterSectors)
    {
        const int StepsAhead = 2000;
        var model = new DiskModel(new uint[WriterStep.Sectors], WriterStep.Sectors);
        var tick = 1;
        foreach (var step in WriterStep.Plan(seed, clusterSectors).Take(flushedSteps + StepsAhead))
        {
            var isFlushed = tick <= 2 * flushedSteps;
            if (step.IsFlush && isFlushed)
            {
                model.Flushed(tick, tick + 1);
            }
            else if (!step.IsFlush)
            {
                var change = model.Begin(tick, step.First, Enumerable.Repeat(step.Tag, step.Count).ToArray());
                model.End(change, isFlushed ? tick + 1 : int.MaxValue);
            }

            tick += 2;
        }

        return model;
    }
}
