using System.Globalization;
using Eider.ImageWorker;
using Eider.Storage.Formats.Qcow2.Checking;
using Eider.Storage.Layers;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Crash;

/// <summary>A piece of work during which one operation of the host fails: the error arrives, and what failed can be done again.</summary>
internal sealed class FaultyRun(CrashScenario scenario, int seed, int file, FaultRule rule)
{
    private const int Steps = 8;

    private readonly CrashSession _session = new(scenario);
    private readonly Dictionary<int, FaultStorage> _faults = [];
    private long _injectedBefore;
    private bool _failedInClosing;

    /// <summary>True if the work had so many operations that one failed.</summary>
    public bool IsInjected { get; private set; }

    /// <summary>True if somebody was told.</summary>
    public bool IsTold { get; private set; }

    /// <summary>Clusters that nothing refers to, after the end.</summary>
    public long Leaks { get; private set; }

    /// <summary>Runs.</summary>
    /// <returns>What is wrong, or null.</returns>
    public async Task<string?> RunAsync()
    {
        var model = new DiskModel(scenario.InitialTags(), CrashScenario.Sectors);
        var run = new CrashRun(scenario, _session, await scenario.CreateAsync(), model) { Attempt = AttemptAsync, Faults = Fault };
        var operations = new CrashOperations(run, new Random(seed));
        try
        {
            await operations.RunAsync(Steps);
        }
        catch (FlushLostException)
        {
            // A failed flush stays failed until the image is opened again, which comes next.
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return Tell($"{exception.GetType().Name}: {exception.Message}\n{exception.StackTrace}");
        }
        finally
        {
            await operations.DisposeAsync();
        }

        IsInjected = Injected > 0;
        return !IsInjected ? null : await FindTroubleAsync(run) is { } trouble ? Tell(trouble) : null;
    }

    /// <summary>The image after it: read as it is, then opened for writing, used and checked.</summary>
    private async Task<string?> FindTroubleAsync(CrashRun run)
    {
        var judge = new CrashJudge(_session);
        if (await judge.FindTroubleAsync(new CrashState(await run.FilesAsync(), int.MaxValue - 1, "after a fault"), run.Model) is { } trouble)
        {
            return trouble;
        }

        var later = new CrashRun(scenario, _session, await run.FilesAsync(), run.Model);
        await using (var image = await later.OpenAsync())
        {
            Assert.Equal(BlockResult.Ok, await image.WriteAsync(0, new byte[TaggedSectors.Bytes]));
            Assert.Equal(BlockResult.Ok, await image.FlushAsync());
            var check = await image.CheckAsync();
            Leaks = check.Leaks;
            if (check.Findings.FirstOrDefault(finding => finding.Kind == Qcow2FindingKind.Corruption && !CrashJudge.IsHarmless(image, finding)) is { } worst)
            {
                return worst.Text;
            }
        }

        return PlainQcow2Checker.Check((await later.FilesAsync())[0].Memory);
    }

    private async Task AttemptAsync(Func<Task> operation)
    {
        // Closing tells nobody: nothing that was promised is lost by it.
        _failedInClosing |= Injected > _injectedBefore;
        try
        {
            await operation();
        }
        catch (BlockStorageException exception) when (exception.Kind == BlockErrorKind.FlushFailed && (IsTold || _failedInClosing))
        {
            throw new FlushLostException();
        }
        catch (BlockStorageException exception)
        {
            Assert.True(exception.Kind == rule.Kind, $"the host said {rule.Kind}, the image {exception.Kind}: {exception.Message}");
            IsTold = true;
            try
            {
                await operation();
            }
            catch (BlockStorageException again) when (again.Kind == BlockErrorKind.FlushFailed)
            {
                throw new FlushLostException();
            }
            catch (BlockStorageException again) when (again.Kind == BlockErrorKind.NotFound)
            {
                // A snapshot that was deleted before the rest failed.
            }
        }

        _injectedBefore = Injected;
    }

    private long Injected => _faults.Values.Sum(storage => storage.InjectedCount);

    private FaultStorage Fault(BlockStorage storage, int number)
    {
        // Operations are counted through, also when the image is opened again.
        if (!_faults.TryGetValue(number, out var faults))
        {
            faults = _faults[number] = new FaultStorage(storage, number == file ? [rule] : [], leaveOpen: true);
        }

        return faults;
    }

    private string Tell(string trouble) => string.Create(
        CultureInfo.InvariantCulture, $"{scenario}, seed {seed}, file {file}, operation {rule.Every}, {rule.Kind}, {rule.TornBytes} torn: {trouble}");

    private sealed class FlushLostException : Exception;
}
