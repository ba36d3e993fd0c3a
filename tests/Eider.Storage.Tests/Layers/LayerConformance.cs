using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Layers;

public sealed class CacheStorageConformance : BlockStorageConformance
{
    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new CacheStorage(new MemoryStorage((byte[])content.Clone()), 3 * CacheStorage.BlockBytes));

    protected override ValueTask<BlockStorage> CreateFaultyAsync(byte[] content, int seed) =>
        new(new CacheStorage(
            new FaultStorage(new MemoryStorage((byte[])content.Clone()), FaultRules(seed)), 3 * CacheStorage.BlockBytes));
}

public sealed class ThrottleStorageConformance : BlockStorageConformance
{
    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new ThrottleStorage(
            new MemoryStorage((byte[])content.Clone()),
            new ThrottleGroup(new ThrottleLimits { RequestsPerSecond = 100_000, BytesPerSecond = 4e9 }, TimeProvider.System)));
}

public sealed class TraceStorageConformance : BlockStorageConformance
{
    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new TraceStorage(new MemoryStorage((byte[])content.Clone()), TimeProvider.System, _ => { }));
}

public sealed class MirrorVerifyStorageConformance : BlockStorageConformance
{
    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new MirrorVerifyStorage(new MemoryStorage((byte[])content.Clone()), new MemoryStorage((byte[])content.Clone())));
}

public sealed class WriteLogStorageConformance : BlockStorageConformance
{
    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new WriteLogStorage(new MemoryStorage((byte[])content.Clone())));
}

public sealed class ReadOnlyStorageConformance : BlockStorageConformance
{
    protected override bool IsReadOnly => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new ReadOnlyStorage(new MemoryStorage((byte[])content.Clone())));
}

public sealed class RangeStorageConformance : BlockStorageConformance
{
    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content)
    {
        var below = new MemoryStorage(content.Length + 9000L);
        await below.WriteAsync(4567, (byte[])content.Clone());
        return new RangeStorage(below, 4567, content.Length);
    }
}

public sealed class PersistentCacheStorageConformance : BlockStorageConformance
{
    protected override bool IsReadOnly => true;

    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content) => await PersistentCacheStorage.OpenAsync(
        new MemoryStorage((byte[])content.Clone()), EmptyFile(), "v1", 2 * CacheStorage.BlockBytes);

    protected override async ValueTask<BlockStorage> CreateFaultyAsync(byte[] content, int seed)
    {
        var file = new FaultStorage(EmptyFile(), []);
        var cache = await PersistentCacheStorage.OpenAsync(
            new FaultStorage(new MemoryStorage((byte[])content.Clone()), FaultRules(seed)), file, "v1", 2 * CacheStorage.BlockBytes);
        file.Add(new FaultRule { Operation = BlockOperation.Read, Every = 7 });
        return cache;
    }

    internal static FileStorage EmptyFile()
    {
        var folder = Directory.CreateTempSubdirectory("eider-cache-");
        try
        {
            return FileStorage.Create(Path.Combine(folder.FullName, "cache"), 0);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

public sealed class StackedLayersConformance : BlockStorageConformance
{
    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content)
    {
        var all = new byte[content.Length + 4096];
        content.CopyTo(all, 1024);
        return await StorageLayers.ApplyAsync(
            new MemoryStorage(all),
            [$"range:offset=1K:length={content.Length}", "delay:ms=0", "throttle:iops=100000:bps=4000M", "cache:size=1M", "fault:op=flush:every=1000000"],
            new StorageLayerContext(TimeProvider.System));
    }
}
