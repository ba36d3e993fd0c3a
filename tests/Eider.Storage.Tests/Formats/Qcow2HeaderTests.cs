using System.Buffers.Binary;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;
using Eider.Storage.Operations;

namespace Eider.Storage.Tests.Formats;

/// <summary>What later versions may add to a header, what a rewrite must keep, and how long a chain may be.</summary>
public sealed class Qcow2HeaderTests : IDisposable
{
    private const int Incompatible = 72;
    private const int Compatible = 80;
    private const int Autoclear = 88;
    private const uint Unknown = 0x1234_5678;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_unknown_incompatible_feature_is_refused_by_the_name_that_the_image_gives_it()
    {
        var file = await CreateAsync([]);
        await SetBitAsync(file, Incompatible, 40);
        await NameFeatureAsync(file, 40, "time travel");
        var refused = await Assert.ThrowsAsync<BlockStorageException>(async () => await OpenAsync(file));
        Assert.Equal(BlockErrorKind.UnsupportedFeature, refused.Kind);
        Assert.Contains("time travel", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_compatible_bits_stay_and_unknown_autoclear_bits_go_before_the_first_write()
    {
        var file = await CreateAsync([]);
        await SetBitAsync(file, Compatible, 40);
        await SetBitAsync(file, Autoclear, 40);
        await using (await OpenAsync(file))
        {
            // Who only looks changes nothing.
            Assert.Equal(1UL << 40, await WordAsync(file, Autoclear));
        }

        var log = new WriteLogStorage(file, leaveOpen: true);
        await using (var image = await OpenAsync(log))
        {
            Assert.Equal(BlockResult.Ok, await image.WriteAsync(0, new byte[512], Cancel));
            Assert.Equal(0UL, await WordAsync(file, Autoclear));
        }

        Assert.Equal((BlockOperation.Write, (long)Autoclear), (log.Log[0].Operation, log.Log[0].OffsetBytes));
        Assert.Equal(1UL << 40, await WordAsync(file, Compatible));
    }

    [Fact]
    public async Task A_snapshot_that_does_not_exist_leaves_the_image_as_it_was()
    {
        var file = await CreateAsync([]);
        await using var image = (Qcow2Image)await OpenAsync(file);
        Assert.Equal(BlockResult.Ok, await image.WriteAsync(0, new byte[4096], Cancel));
        foreach (var change in (Func<ValueTask>[])[() => image.ApplySnapshotAsync("none", Cancel), () => image.DeleteSnapshotAsync("none", Cancel)])
        {
            Assert.Equal(BlockErrorKind.NotFound, (await Assert.ThrowsAsync<BlockStorageException>(async () => await change())).Kind);
            Assert.Equal(0UL, await WordAsync(file, Incompatible));
            Assert.Equal(BlockResult.Ok, await image.WriteAsync(1 << 20, new byte[4096], Cancel));
        }

        var check = await image.CheckAsync(cancellationToken: Cancel);
        Assert.Equal((0, 0), (check.Corruptions, check.Leaks));
    }

    [Fact]
    public async Task A_header_that_is_written_anew_keeps_the_way_of_compression_and_extensions_that_nobody_knows()
    {
        var file = await CreateAsync(new() { ["compression_type"] = "zstd" });
        await AddExtensionAsync(file, [1, 2, 3, 4, 5]);
        await using (var image = await OpenAsync(file))
        {
            Assert.Equal(BlockResult.Ok, await image.ResizeAsync(8 << 20, Cancel));
            await ImageBacking.SetAsync(image, "/a/rather/long/name/of/a/backing/file/" + new string('x', 500), "raw", Cancel);
        }

        await using var again = await OpenAsync(file);
        var header = ((Qcow2Image)again).Header;
        Assert.Equal(1, header.CompressionType);
        Assert.Equal([1, 2, 3, 4, 5], header.Find((Qcow2ExtensionType)Unknown)!.Data.ToArray());
        Assert.EndsWith("xxx", again.BackingName, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chain_of_sixteen_opens_and_one_of_seventeen_is_refused()
    {
        await File.WriteAllBytesAsync(_folder["0"], new byte[1 << 20], Cancel);
        for (var depth = 1; depth <= ImageOpenOptions.MaxDepth; depth++)
        {
            await using var file = FileStorage.Create(_folder[$"{depth}"], 0);
            await Qcow2Format.CreateAsync(
                file, 1 << 20, new Qcow2CreateOptions { BackingName = $"{depth - 1}", BackingFormat = depth == 1 ? "raw" : "qcow2" }, null, Cancel);
        }

        var options = new ImageOpenOptions { IsReadOnly = true, Chain = ImageChainPolicy.Allow };
        await using (await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(_folder[$"{ImageOpenOptions.MaxDepth - 1}"]), options, Cancel))
        {
        }

        await using var longer = FileStorage.Open(_folder[$"{ImageOpenOptions.MaxDepth}"]);
        var refused = await Assert.ThrowsAsync<BlockStorageException>(async () => await ImageFormats.Qcow2.OpenAsync(longer, options, Cancel));
        Assert.Contains("longer than 16 images", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guessed_raw_disk_cannot_be_turned_into_an_image_by_its_guest()
    {
        var magic = new byte[512];
        BinaryPrimitives.WriteUInt32BigEndian(magic, 0x5146_49FB);
        BinaryPrimitives.WriteInt32BigEndian(magic.AsSpan(4), 3);
        await using var guessed = await ImageFormats.Raw.OpenAsync(new MemoryStorage(1 << 20), new ImageOpenOptions { IsFormatProbed = true }, Cancel);
        var refused = await Assert.ThrowsAsync<BlockStorageException>(async () => await guessed.WriteAsync(0, magic, Cancel));
        Assert.Equal(BlockErrorKind.AccessDenied, refused.Kind);

        // In two pieces it is the same; elsewhere, and where the format is named, it is only bytes.
        Assert.Equal(BlockResult.Ok, await guessed.WriteAsync(2, magic.AsMemory(2, 510), Cancel));
        await Assert.ThrowsAsync<BlockStorageException>(async () => await guessed.WriteAsync(0, magic.AsMemory(0, 2), Cancel));
        Assert.Equal(BlockResult.Ok, await guessed.WriteAsync(4096, magic, Cancel));
        await using var named = await ImageFormats.Raw.OpenAsync(new MemoryStorage(1 << 20), ImageOpenOptions.Default, Cancel);
        Assert.Equal(BlockResult.Ok, await named.WriteAsync(0, magic, Cancel));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<MemoryStorage> CreateAsync(Dictionary<string, string> options)
    {
        var file = new MemoryStorage(0);
        await ImageFormats.Qcow2.CreateAsync(file, new ImageCreateOptions { SizeBytes = 4 << 20, Options = options }, Cancel);
        return file;
    }

    private static ValueTask<ImageStorage> OpenAsync(BlockStorage file) => ImageFormats.Qcow2.OpenAsync(
        new Kept(file), new ImageOpenOptions { Chain = ImageChainPolicy.Ignore }, Cancel);

    private static async Task SetBitAsync(MemoryStorage file, long field, int bit) =>
        await WriteAsync(file, field, (await WordAsync(file, field)) | (1UL << bit));

    /// <summary>Gives an incompatible bit a name, in the place of the first one of the table.</summary>
    private static async Task NameFeatureAsync(MemoryStorage file, byte bit, string name)
    {
        var head = new byte[1024];
        await file.ReadAsync(0, head, Cancel);
        var table = head.AsSpan().IndexOf(new byte[] { 0x68, 0x03, 0xF8, 0x57 }) + 8;
        var entry = new byte[48];
        entry[1] = bit;
        System.Text.Encoding.ASCII.GetBytes(name).CopyTo(entry, 2);
        await file.WriteAsync(table, entry, Cancel);
    }

    /// <summary>Puts an extension in front of all others.</summary>
    private static async Task AddExtensionAsync(MemoryStorage file, byte[] data)
    {
        var head = new byte[1024];
        await file.ReadAsync(112, head, Cancel);
        var extension = new byte[8 + ((data.Length + 7) & ~7)];
        BinaryPrimitives.WriteUInt32BigEndian(extension, Unknown);
        BinaryPrimitives.WriteInt32BigEndian(extension.AsSpan(4), data.Length);
        data.CopyTo(extension, 8);
        await file.WriteAsync(112, extension, Cancel);
        await file.WriteAsync(112 + extension.Length, head, Cancel);
    }

    private static async Task<ulong> WordAsync(MemoryStorage file, long offset)
    {
        var word = new byte[8];
        await file.ReadAsync(offset, word, Cancel);
        return BinaryPrimitives.ReadUInt64BigEndian(word);
    }

    private static async Task WriteAsync(MemoryStorage file, long offset, ulong value)
    {
        var word = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(word, value);
        await file.WriteAsync(offset, word, Cancel);
    }

    private sealed class Kept(BlockStorage inner) : BlockStorageLayer(inner, leaveOpen: true);
}
