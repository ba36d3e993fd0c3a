using Eider.Storage.Backends;
using Eider.Storage.Backends.Nbd;
using Eider.Storage.Layers;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Backends.Nbd;

public sealed class NbdStorageConformance : BlockStorageConformance, IAsyncDisposable
{
    private readonly List<QemuNbd> _servers = [];

    protected override int SizeMultiple => 512;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content)
    {
        var server = await QemuNbd.StartAsync(content);
        _servers.Add(server);
        return await NbdStorage.OpenAsync(NbdAddress.OfSocket(server.Socket));
    }
}

public sealed class NbdStorageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Block_status_tells_holes_zeroes_and_data()
    {
        await using var server = await QemuNbd.StartAsync(new byte[4 << 20]);
        await using var disk = await NbdStorage.OpenAsync(NbdAddress.OfSocket(server.Socket), cancellationToken: Token);
        Assert.Equal(BlockResult.Ok, await disk.WriteZeroesAsync(0, disk.SizeBytes, mayUnmap: true, Token));
        Assert.Equal(BlockResult.Ok, await disk.WriteAsync(1 << 20, Enumerable.Repeat((byte)7, 65536).ToArray(), Token));

        var hole = await disk.GetExtentAsync(0, disk.SizeBytes, Token);
        var data = await disk.GetExtentAsync(1 << 20, disk.SizeBytes - (1 << 20), Token);

        Assert.Equal((1L << 20, BlockExtentStatus.Zero | BlockExtentStatus.Hole), (hole.LengthBytes, hole.Status));
        Assert.Equal((65536L, BlockExtentStatus.Data), (data.LengthBytes, data.Status));
    }

    [Fact]
    public async Task A_request_longer_than_the_server_takes_goes_in_pieces_and_is_durable()
    {
        var content = new byte[40 << 20];
        await using var server = await QemuNbd.StartAsync(content);
        new Random(1).NextBytes(content);
        await using (var disk = await NbdStorage.OpenAsync(NbdAddress.OfSocket(server.Socket), cancellationToken: Token))
        {
            Assert.Equal(BlockResult.Ok, await disk.WriteAsync(0, content, Token));
            Assert.Equal(BlockResult.Ok, await disk.FlushAsync(Token));
            var read = new byte[content.Length];
            Assert.Equal(BlockResult.Ok, await disk.ReadAsync(0, read, Token));
            Assert.True(content.AsSpan().SequenceEqual(read));
        }

        var written = await File.ReadAllBytesAsync(server.Image, Token);
        Assert.True(content.AsSpan().SequenceEqual(written));
    }

    [Fact]
    public async Task A_read_only_export_refuses_writes()
    {
        await using var server = await QemuNbd.StartAsync(new byte[4096], "-r");
        await using var disk = await NbdStorage.OpenAsync(NbdAddress.OfSocket(server.Socket), cancellationToken: Token);

        Assert.Equal(BlockResult.ReadOnly, await disk.WriteAsync(0, new byte[512], Token));
    }

    [Fact]
    public async Task An_export_that_is_not_there_is_told_with_the_servers_reason()
    {
        await using var server = await QemuNbd.StartAsync(new byte[4096], "-x", "there");
        var failure = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await NbdStorage.OpenAsync(NbdAddress.OfSocket(server.Socket, "elsewhere"), cancellationToken: Token));

        Assert.Equal(BlockErrorKind.NotFound, failure.Kind);
        Assert.Contains("elsewhere", failure.Message, StringComparison.Ordinal);
        await using var disk = await NbdStorage.OpenAsync(NbdAddress.OfSocket(server.Socket, "there"), cancellationToken: Token);
        Assert.Equal(4096, disk.SizeBytes);
    }

    [Fact]
    public async Task A_server_that_is_gone_fails_each_request_and_hangs_none()
    {
        var server = await QemuNbd.StartAsync(new byte[1 << 20]);
        await using var disk = await NbdStorage.OpenAsync(NbdAddress.OfSocket(server.Socket), cancellationToken: Token);
        await server.DisposeAsync();

        for (var again = 0; again < 3; again++)
        {
            var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await disk.ReadAsync(0, new byte[512], Token));
            Assert.Equal(BlockErrorKind.Io, failure.Kind);
        }
    }

    [Theory]
    [InlineData("nbd://localhost", "nbd://localhost:10809")]
    [InlineData("nbd://[::1]:7/a%20b", "nbd://::1:7/a b")]
    [InlineData("nbd+unix:///exp?socket=/tmp/s", "nbd+unix:///exp?socket=/tmp/s")]
    [InlineData("nbd+unix://?socket=/tmp/s", "nbd+unix://?socket=/tmp/s")]
    [InlineData("nbd://", null)]
    [InlineData("nbd://host:0", null)]
    [InlineData("nbd://host:99999", null)]
    [InlineData("nbd://host?socket=/s", null)]
    [InlineData("nbd+unix://host/?socket=/s", null)]
    [InlineData("nbd+unix:///e", null)]
    [InlineData("http://host", null)]
    [InlineData("nbd:host:1", null)]
    public void An_address_is_read_or_refused(string text, string? expected) => Assert.Equal(expected, NbdAddress.TryParse(text)?.ToString());

    [Fact]
    public async Task Layers_stand_on_it()
    {
        await using var server = await QemuNbd.StartAsync(new byte[1 << 20]);
        await using var disk = new OverlayStorage(await NbdStorage.OpenAsync(NbdAddress.OfSocket(server.Socket), cancellationToken: Token));
        Assert.Equal(BlockResult.Ok, await disk.WriteAsync(5, new byte[] { 1, 2, 3 }, Token));

        var read = new byte[4];
        await disk.ReadAsync(4, read, Token);

        Assert.Equal([0, 1, 2, 3], read);
    }
}
