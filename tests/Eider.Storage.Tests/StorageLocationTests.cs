using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests;

public sealed class StorageLocationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("disk.img", StorageKind.File, "disk.img", false)]
    [InlineData("file:disk.img", StorageKind.File, "disk.img", false)]
    [InlineData("file:/a/b c", StorageKind.File, "/a/b c", false)]
    [InlineData("disk.img:ro", StorageKind.File, "disk.img", true)]
    [InlineData("file:disk.img:ro", StorageKind.File, "disk.img", true)]
    [InlineData("a:b", StorageKind.File, "a:b", false)]
    [InlineData("a,b", StorageKind.File, "a,b", false)]
    [InlineData("mem:0", StorageKind.Memory, "", false)]
    [InlineData("mem:64M:ro", StorageKind.Memory, "", true)]
    [InlineData("http://host/disk.img", StorageKind.Http, "", true)]
    [InlineData("HTTPS://host/disk.img:ro", StorageKind.Http, "", true)]
    public void Every_spelling_of_a_block_option_is_read(string text, StorageKind kind, string path, bool isReadOnly)
    {
        var location = StorageLocation.Parse(text);
        Assert.Equal((kind, path, isReadOnly, text), (location.Kind, location.Path, location.IsReadOnly, location.Text));
        Assert.Equal(kind == StorageKind.Http, location.Url?.Host == "host");
    }

    [Theory]
    [InlineData("mem:1048576", 1048576)]
    [InlineData("mem:1", 1)]
    [InlineData("mem:64K", 65536)]
    [InlineData("mem:64m", 64L << 20)]
    [InlineData("mem:3G", 3L << 30)]
    [InlineData("mem:2GiB", 2L << 30)]
    [InlineData("mem:64T", 64L << 40)]
    public void A_size_in_memory_may_have_a_suffix(string text, long size) =>
        Assert.Equal(size, StorageLocation.Parse(text).SizeBytes);

    [Theory]
    [InlineData("")]
    [InlineData("file:")]
    [InlineData(":ro")]
    [InlineData("mem:")]
    [InlineData("mem:M")]
    [InlineData("mem:-1")]
    [InlineData("mem:1.5G")]
    [InlineData("mem:64X")]
    [InlineData("mem:65T")]
    [InlineData("mem:99999999999999999999")]
    [InlineData("http://")]
    [InlineData("ftp://host/disk.img")]
    public void What_is_no_location_is_refused_in_one_line_with_what_was_expected(string text)
    {
        var failure = Assert.Throws<BlockStorageException>(() => StorageLocation.Parse(text));
        Assert.Equal((BlockErrorKind.InvalidFormat, text), (failure.Kind, failure.Path));
        Assert.Contains("expected", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void A_file_whose_name_ends_in_ro_is_meant_where_it_exists()
    {
        var path = _folder["disk:ro"];
        File.WriteAllBytes(path, []);
        Assert.Equal((path, false), (StorageLocation.Parse(path).Path, StorageLocation.Parse(path).IsReadOnly));
        var both = StorageLocation.Parse($"file:{path}:ro");
        Assert.Equal((path, true), (both.Path, both.IsReadOnly));
    }

    [Fact]
    public async Task Each_kind_is_opened_as_what_it_is()
    {
        var path = _folder["disk"];
        File.WriteAllBytes(path, new byte[4096]);
        await using var server = new RawHttpServer(new byte[1000], exchange => exchange.HonestAsync());
        await using (var file = await StorageOpener.OpenAsync(path))
        {
            Assert.IsType<FileStorage>(file);
            Assert.False(file.Geometry.IsReadOnly);
        }

        await using var readOnly = await StorageOpener.OpenAsync($"{path}:ro");
        Assert.True(readOnly.Geometry.IsReadOnly);
        await using var memory = await StorageOpener.OpenAsync("mem:1M");
        Assert.Equal(1 << 20, Assert.IsType<MemoryStorage>(memory).SizeBytes);
        await using var fixedMemory = await StorageOpener.OpenAsync("mem:1M:ro");
        Assert.Equal(BlockResult.ReadOnly, await fixedMemory.WriteAsync(0, new byte[512]));
        await using var page = await StorageOpener.OpenAsync(server.Url.ToString());
        Assert.IsType<HttpStorage>(page);
    }

    [Fact]
    public async Task An_overlay_makes_a_page_writable_and_leaves_a_file_as_it_is()
    {
        var path = _folder["disk"];
        File.WriteAllBytes(path, new byte[4096]);
        await using var server = new RawHttpServer(new byte[1000], exchange => exchange.HonestAsync());
        var options = new StorageOpenOptions { IsOverlaid = true };
        foreach (var location in new[] { path, $"{path}:ro", server.Url.ToString() })
        {
            await using var storage = await StorageOpener.OpenAsync(location, options);
            Assert.IsType<OverlayStorage>(storage);
            Assert.Equal(BlockResult.Ok, await storage.WriteAsync(0, new byte[] { 1, 2, 3 }));
        }

        Assert.DoesNotContain(File.ReadAllBytes(path), value => value != 0);

        // The file below is only read: many machines may run from it at once.
        await using var first = await StorageOpener.OpenAsync(path, options);
        await using var second = await StorageOpener.OpenAsync(path, options);
        await using var both = await StorageOpener.OpenAsync(path, options with { IsReadOnly = true });
        Assert.True(both.Geometry.IsReadOnly);
    }

    [Fact]
    public async Task What_cannot_be_is_refused_with_what_was_found_and_expected()
    {
        var format = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await StorageOpener.OpenAsync("mem:1M", new StorageOpenOptions { Format = "vmdk" }));
        Assert.Contains("found format 'vmdk', expected 'raw'", format.Message, StringComparison.Ordinal);
        var direct = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await StorageOpener.OpenAsync("mem:1M", new StorageOpenOptions { IsDirect = true }));
        Assert.Equal(BlockErrorKind.UnsupportedFeature, direct.Kind);
        var missing = await Assert.ThrowsAsync<BlockStorageException>(async () => await StorageOpener.OpenAsync(_folder["none"]));
        Assert.Equal(BlockErrorKind.NotFound, missing.Kind);
    }
}
