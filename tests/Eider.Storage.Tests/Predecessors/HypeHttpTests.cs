using Eider.Storage.Backends;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Predecessors;

/// <summary>A fault of hype's disks over HTTP that no other test holds; docs/predecessors.md lists them all.</summary>
public sealed class HypeHttpTests
{
    // There, a read of no bytes became a range that ends before it begins.
    [Fact]
    public async Task A_read_of_no_bytes_asks_the_server_nothing()
    {
        await using var server = new RawHttpServer(new byte[1000], exchange => exchange.HonestAsync());
        await using var storage = await HttpStorage.OpenAsync(server.Url);
        var before = server.RequestCount;
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, Array.Empty<byte>()));
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(1000, Array.Empty<byte>()));
        Assert.Equal(before, server.RequestCount);
    }
}
