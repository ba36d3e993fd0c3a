using Eider.Storage.Backends;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Tests.Crash;

/// <summary>A piece of work on an image, with everything that was done to its files and what it should read as.</summary>
internal sealed class CrashRun
{
    private readonly MemoryStorage[] _storages;

    /// <summary>Begins a run.</summary>
    /// <param name="scenario">The kind of image.</param>
    /// <param name="session">Opens it.</param>
    /// <param name="initial">Its files.</param>
    /// <param name="model">What it reads as.</param>
    public CrashRun(CrashScenario scenario, CrashSession session, IReadOnlyList<CrashFile> initial, DiskModel model)
    {
        Scenario = scenario;
        Session = session;
        Initial = [.. initial.Select(file => new CrashFile(file.Memory.Span))];
        Model = model;
        Log = new CrashLog { IsSlow = scenario.Has(CrashExtras.TwoAtOnce) };
        _storages = [.. Initial.Select(StorageOf)];
    }

    public CrashScenario Scenario { get; }

    public CrashSession Session { get; }

    public CrashFile[] Initial { get; }

    public CrashLog Log { get; }

    public DiskModel Model { get; }

    /// <summary>How something is done; where the host may fail, perhaps twice.</summary>
    public Func<Func<Task>, Task> Attempt { get; init; } = operation => operation();

    /// <summary>What stands between the image and a file; nothing as a rule.</summary>
    public Func<BlockStorage, int, BlockStorage>? Faults { get; init; }

    /// <summary>True if the host may fail.</summary>
    public bool IsFaulty => Faults != null;

    /// <summary>Opens the image on logged files.</summary>
    public Task<Qcow2Image> OpenAsync(bool isForRepair = false) => Session.OpenAsync(
        [.. _storages.Select((storage, file) => Log.Over(Faults?.Invoke(storage, file) ?? storage, file))], isReadOnly: false, isForRepair);

    /// <summary>The files as they are now.</summary>
    public async Task<CrashFile[]> FilesAsync()
    {
        var files = new CrashFile[_storages.Length];
        for (var index = 0; index < files.Length; index++)
        {
            var bytes = new byte[_storages[index].SizeBytes];
            Assert.Equal(BlockResult.Ok, await _storages[index].ReadAsync(0, bytes));
            files[index] = new CrashFile(bytes);
        }

        return files;
    }

    private static MemoryStorage StorageOf(CrashFile file)
    {
        var storage = new MemoryStorage(file.Length);
        Assert.Equal(BlockResult.Ok, storage.WriteAsync(0, file.Memory).AsTask().GetAwaiter().GetResult());
        return storage;
    }
}
