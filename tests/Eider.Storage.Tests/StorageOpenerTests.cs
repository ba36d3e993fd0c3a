using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests;

public sealed class StorageOpenerTests
{
    [Fact]
    public async Task Layers_stand_on_the_disk_in_their_order_and_are_closed_with_it()
    {
        using var folder = new TemporaryFolder();
        await using (FileStorage.Create(folder["disk"], 1 << 20))
        {
        }

        var options = new StorageOpenOptions { Layers = ["range:offset=64K", "cache:size=1M", "readonly"] };
        for (var round = 0; round < 2; round++)
        {
            await using var storage = await StorageOpener.OpenAsync(folder["disk"], options);
            Assert.IsType<ReadOnlyStorage>(storage);
            Assert.Equal((1 << 20) - 65536, storage.SizeBytes);
            Assert.Equal(BlockResult.ReadOnly, await storage.WriteAsync(0, new byte[1]));
        }
    }

    [Theory]
    [InlineData("range:offset=2M")]
    [InlineData("partition:number=1")]
    [InlineData("copy-on-read")]
    [InlineData("verify:with=/nowhere/copy")]
    [InlineData("speed:warp=9")]
    public async Task A_layer_that_cannot_stand_there_leaves_nothing_open(string layer)
    {
        using var folder = new TemporaryFolder();
        await using (FileStorage.Create(folder["disk"], 1 << 20))
        {
        }

        var refused = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await StorageOpener.OpenAsync(folder["disk"], new StorageOpenOptions { Layers = ["cache:size=1M", layer] }));
        Assert.DoesNotContain('\n', refused.Message);

        // The lock is free: nothing holds the file any more.
        await using var again = await StorageOpener.OpenAsync(folder["disk"]);
    }

    [Fact]
    public async Task A_cache_directory_is_for_servers_only()
    {
        var refused = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await StorageOpener.OpenAsync("mem:1M", new StorageOpenOptions { CacheDirectory = "cache" }));
        Assert.Contains("for disks of servers", refused.Message, StringComparison.Ordinal);
    }
}
