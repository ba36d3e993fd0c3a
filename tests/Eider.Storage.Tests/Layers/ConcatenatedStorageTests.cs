using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Layers;

public sealed class ConcatenatedStorageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Parts_stand_one_behind_the_other_also_in_one_request()
    {
        await using var disk = new ConcatenatedStorage([await PartAsync(600, 1), await PartAsync(0, 9), await PartAsync(400, 2)]);
        var bytes = new byte[1000];

        Assert.Equal(1000, disk.SizeBytes);
        Assert.Equal(BlockResult.Ok, await disk.ReadAsync(0, bytes, Token));

        Assert.Equal([.. Enumerable.Repeat((byte)1, 600), .. Enumerable.Repeat((byte)2, 400)], bytes);
        Assert.Equal(BlockResult.OutOfRange, await disk.ReadAsync(1, bytes, Token));
    }

    [Fact]
    public async Task It_cannot_be_written()
    {
        await using var disk = new ConcatenatedStorage([await PartAsync(512, 1)]);

        Assert.Equal(BlockResult.ReadOnly, await disk.WriteAsync(0, new byte[512], Token));
        Assert.Equal(BlockResult.ReadOnly, await disk.WriteZeroesAsync(0, 512, mayUnmap: true, Token));
    }

    [Fact]
    public async Task An_extent_ends_with_its_part()
    {
        await using var disk = new ConcatenatedStorage([await PartAsync(4096, 1), new MemoryStorage(1 << 20)]);

        var data = await disk.GetExtentAsync(0, disk.SizeBytes, Token);
        var zero = await disk.GetExtentAsync(4096, disk.SizeBytes - 4096, Token);

        Assert.Equal((0L, 4096L), (data.OffsetBytes, data.LengthBytes));
        Assert.Equal((4096L, 1L << 20), (zero.OffsetBytes, zero.LengthBytes));
        Assert.True(zero.Status.HasFlag(BlockExtentStatus.Zero));
    }

    [Fact]
    public async Task Its_parts_are_closed_with_it_unless_they_shall_stay()
    {
        var (closed, open) = (await PartAsync(512, 1), await PartAsync(512, 1));

        await new ConcatenatedStorage([closed]).DisposeAsync();
        await new ConcatenatedStorage([open], leaveOpen: true).DisposeAsync();

        Assert.True(closed.IsClosed);
        Assert.False(open.IsClosed);
    }

    private static async Task<MemoryStorage> PartAsync(int size, byte pattern)
    {
        var part = new MemoryStorage(size);
        var bytes = new byte[size];
        bytes.AsSpan().Fill(pattern);
        await part.WriteAsync(0, bytes, Token);
        return part;
    }
}
