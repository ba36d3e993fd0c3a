using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Layers;

/// <summary>Copy-on-read when the copy fails: the guest's read does not, as with QEMU.</summary>
public sealed class CopyOnReadTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(BlockOperation.Write)]
    [InlineData(BlockOperation.Resize)]
    public async Task A_read_is_served_though_its_copy_fails(BlockOperation operation)
    {
        var backing = new MemoryStorage(1 << 20, "backing");
        var content = new byte[1 << 20];
        new Random(1).NextBytes(content);
        await backing.WriteAsync(0, content, Cancel);
        var file = new MemoryStorage(0);
        await ImageFormats.Qcow2.CreateAsync(file, new ImageCreateOptions { SizeBytes = 1 << 20 }, Cancel);
        var faults = new FaultStorage(file, []);
        await using var layer = new CopyOnReadStorage(
            await ImageFormats.Qcow2.OpenAsync(faults, new ImageOpenOptions { Backing = backing }, Cancel));
        faults.Add(new FaultRule { Operation = operation, Kind = BlockErrorKind.NoSpace });
        var read = new byte[100_000];
        Assert.Equal(BlockResult.Ok, await layer.ReadAsync(300_000, read, Cancel));
        Assert.Equal(content[300_000..400_000], read);
        Assert.Equal(0, layer.CopiedBytes);
        faults.Clear();
        Assert.Equal(BlockResult.Ok, await layer.ReadAsync(300_000, read, Cancel));
        Assert.Equal(content[300_000..400_000], read);
        Assert.True(layer.CopiedBytes > 0);
    }
}
