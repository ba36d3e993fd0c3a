using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Formats;

public sealed class RawImageConformance : BlockStorageConformance
{
    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        await ImageFormats.Raw.OpenAsync(new MemoryStorage(content.ToArray()), ImageOpenOptions.Default);
}

public sealed class RawImageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Resizing_adds_zeroes_and_cuts_off_the_end()
    {
        await using var file = new MemoryStorage(5000);
        await file.WriteAsync(4000, new byte[] { 1, 2, 3 }, Cancel);
        Assert.Equal(BlockResult.Ok, await file.ResizeAsync(4001, Cancel));
        Assert.Equal(BlockResult.OutOfRange, await file.ReadAsync(4001, new byte[1], Cancel));
        Assert.Equal(BlockResult.Ok, await file.ResizeAsync(200_000, Cancel));
        var bytes = new byte[200_000];
        Assert.Equal(BlockResult.Ok, await file.ReadAsync(0, bytes, Cancel));
        Assert.Equal(1, bytes[4000]);
        Assert.Equal(1, bytes.Sum(value => value));
    }

    [Fact]
    public async Task An_unknown_format_is_refused_by_name()
    {
        var failure = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await StorageOpener.OpenAsync("mem:64K", new StorageOpenOptions { Format = "qcow9" }, Cancel));
        Assert.Equal(BlockErrorKind.UnsupportedFeature, failure.Kind);
        Assert.Contains("qcow9", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_raw_image_made_through_its_driver_has_the_size_and_reads_as_zeroes()
    {
        await using var file = new MemoryStorage(0);
        foreach (var preallocation in new[] { "off", "falloc", "full" })
        {
            var options = new ImageCreateOptions
            {
                SizeBytes = 100_001,
                Options = new Dictionary<string, string> { ["preallocation"] = preallocation },
            };
            await ImageFormats.Raw.CreateAsync(file, options, Cancel);
            var bytes = new byte[100_001];
            Assert.Equal(bytes.Length, file.SizeBytes);
            Assert.Equal(BlockResult.Ok, await file.ReadAsync(0, bytes, Cancel));
            Assert.False(bytes.AsSpan().ContainsAnyExcept((byte)0));
        }
    }
}
