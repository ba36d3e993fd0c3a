using System.Buffers.Binary;
using System.Diagnostics;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Checking;

namespace Eider.Storage.Tests.Formats;

/// <summary>
/// Directories of bitmaps that somebody made up: refused or shown as unusable in one line, with little memory and time; the
/// disk itself stays readable, a repair drops what is damaged.
/// </summary>
public sealed class Qcow2BitmapHostileTests
{
    private const int DiskBytes = 1 << 20;
    private const int MaxAllocatedBytes = 64 << 20;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Changes to one image: the field (of the extension, the entry or the table), its offset, its length, its value.</summary>
    public static TheoryData<string, int, int, ulong> Directories() => new()
    {
        { "extension", 0, 4, 0 },
        { "extension", 0, 4, 2 },
        { "extension", 0, 4, 65536 },
        { "extension", 0, 4, uint.MaxValue },
        { "extension", 4, 4, 1 },
        { "extension", 8, 8, 0 },
        { "extension", 8, 8, 24 },
        { "extension", 8, 8, 40 },
        { "extension", 8, 8, (64 << 20) - 1024 },
        { "extension", 8, 8, ulong.MaxValue },
        { "extension", 16, 8, 0 },
        { "extension", 16, 8, 512 },
        { "extension", 16, 8, 1UL << 40 },
        { "extension", 16, 8, ulong.MaxValue },
        { "extension", -4, 4, 16 },
        { "entry", 18, 2, 65535 },
        { "entry", 20, 4, 8 },
        { "entry", 20, 4, uint.MaxValue },
    };

    /// <summary>Changes that leave a directory, but no bitmap that could be used.</summary>
    public static TheoryData<string, int, int, ulong, bool> Bitmaps() => new()
    {
        { "entry", 0, 8, 0, true },
        { "entry", 0, 8, 512, true },
        { "entry", 0, 8, 1UL << 50, true },
        { "entry", 0, 8, ulong.MaxValue, true },
        { "entry", 8, 4, 0, true },
        { "entry", 8, 4, uint.MaxValue, true },
        { "entry", 12, 4, 1, false },
        { "entry", 12, 4, 10, false },
        { "entry", 16, 1, 0, false },
        { "entry", 16, 1, 2, false },
        { "entry", 17, 1, 8, false },
        { "entry", 17, 1, 63, false },
        { "entry", 17, 1, 255, false },
        { "table", 0, 8, 2, true },
        { "table", 0, 8, 4097, true },
        { "table", 0, 8, 512, true },
        { "table", 0, 8, 1UL << 40, true },
        { "table", 0, 8, 1UL << 63, true },
    };

    [Theory]
    [MemberData(nameof(Directories))]
    public async Task A_directory_that_cannot_be_is_refused_for_writing_and_dropped_by_a_repair(string structure, int offset, int length, ulong value)
    {
        var bytes = Spoiled(await ImageAsync(), structure, offset, length, value);
        await AssertHandledAsync(bytes, async () =>
        {
            await using (var image = await OpenAsync(bytes, isReadOnly: true))
            {
                await image.ReadAsync(0, new byte[4096], Cancel);
                AssertOneLine(await Assert.ThrowsAsync<BlockStorageException>(async () => await image.Bitmaps.ListAsync(Cancel)));
            }

            AssertOneLine(await Assert.ThrowsAsync<BlockStorageException>(async () => await OpenAsync(bytes, isReadOnly: false)));
        });
        await AssertRepairedAsync(bytes, leftBitmaps: 0);
    }

    [Theory]
    [MemberData(nameof(Bitmaps))]
    public async Task A_bitmap_that_cannot_be_is_shown_so_and_keeps_nobody_from_writing(
        string structure, int offset, int length, ulong value, bool isDamage)
    {
        var bytes = Spoiled(await ImageAsync(), structure, offset, length, value);
        await AssertHandledAsync(bytes, async () =>
        {
            var memory = new MemoryStorage(0);
            await memory.ResizeAsync(bytes.Length, Cancel);
            await memory.WriteAsync(0, bytes, Cancel);
            await using (var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(new KeptFile(memory), ImageOpenOptions.Default, Cancel))
            {
                await image.WriteAsync(65536, new byte[4096], Cancel);
                AssertOneLine(await Assert.ThrowsAsync<BlockStorageException>(async () => await image.Bitmaps.ReadAsync("a", Cancel)));
                await image.FlushAsync(Cancel);
            }

            var after = new byte[memory.SizeBytes];
            await memory.ReadAsync(0, after, Cancel);
            await using var again = await OpenAsync(after, isReadOnly: true);
            var bitmap = Assert.Single(await again.Bitmaps.ListAsync(Cancel));
            Assert.False(bitmap.IsUsable);
            Assert.True(bitmap.IsInUse, "it misses a write and does not say so");
        });
        if (isDamage)
        {
            await AssertRepairedAsync(bytes, leftBitmaps: 0);
        }
    }

    [Fact]
    public async Task A_name_with_control_characters_stays_one_line_and_can_be_removed()
    {
        var bytes = await ImageAsync("a\nrm -rf\u001b[2J");
        await using var image = await OpenAsync(bytes, isReadOnly: false);
        var name = Assert.Single(await image.Bitmaps.ListAsync(Cancel)).Name;
        Assert.Contains('\n', name);
        AssertOneLine(await Assert.ThrowsAsync<BlockStorageException>(async () => await image.Bitmaps.AddAsync(name, cancellationToken: Cancel)));
        await image.Bitmaps.RemoveAsync(name, Cancel);
        Assert.Empty(await image.Bitmaps.ListAsync(Cancel));
    }

    [Fact]
    public async Task A_name_that_is_no_utf8_is_kept_byte_for_byte()
    {
        var bytes = Spoiled(await ImageAsync("abc"), "entry", 24, 1, 0xFF);
        var memory = new MemoryStorage(0);
        await memory.ResizeAsync(bytes.Length, Cancel);
        await memory.WriteAsync(0, bytes, Cancel);
        await using (var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(new KeptFile(memory), ImageOpenOptions.Default, Cancel))
        {
            await image.WriteAsync(0, new byte[4096], Cancel);
            await image.Bitmaps.AddAsync("new", cancellationToken: Cancel);
        }

        var after = new byte[memory.SizeBytes];
        await memory.ReadAsync(0, after, Cancel);
        Assert.True(after.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, (byte)'b', (byte)'c']) > 0);
        Assert.Equal(2, PlainBitmap.ReadAll(after, out _).Count);
    }

    [Fact]
    public async Task Thousands_of_bitmaps_over_one_table_cost_no_more_than_the_file_is_long()
    {
        var bytes = await ImageAsync();
        var extension = (int)PlainBitmap.FindExtension(bytes)!.Value;
        var entry = bytes.AsSpan((int)PlainBitmap.Long(bytes, extension + 16), 32).ToArray();
        const int Count = 60_000;
        var directory = (bytes.Length + 4095) & ~4095;
        Array.Resize(ref bytes, directory + (Count * 32));
        for (var index = 0; index < Count; index++)
        {
            entry.CopyTo(bytes.AsSpan(directory + (index * 32)));
        }

        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(extension), Count);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(extension + 8), Count * 32);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(extension + 16), directory);
        await AssertHandledAsync(bytes, async () =>
        {
            await using var image = await OpenAsync(bytes, isReadOnly: false);
            await image.WriteAsync(0, new byte[4096], Cancel);
        });
        await AssertHandledAsync(bytes, async () =>
        {
            await using var image = await OpenAsync(bytes, isReadOnly: true);
            Assert.True((await image.CheckAsync(cancellationToken: Cancel)).Corruptions > 0);
        });
    }

    /// <summary>An image with one enabled bitmap of which a cluster is written.</summary>
    private static async Task<byte[]> ImageAsync(string name = "a")
    {
        var memory = new MemoryStorage(0);
        await ImageFormats.Qcow2.CreateAsync(
            memory,
            new ImageCreateOptions { SizeBytes = DiskBytes, Options = new Dictionary<string, string> { ["cluster_size"] = "4k" } }, Cancel);
        await using (var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(new KeptFile(memory), ImageOpenOptions.Default, Cancel))
        {
            await image.Bitmaps.AddAsync(name, 512, cancellationToken: Cancel);
            await image.WriteAsync(0, new byte[4096], Cancel);
        }

        var bytes = new byte[memory.SizeBytes];
        await memory.ReadAsync(0, bytes, Cancel);
        return bytes;
    }

    private static byte[] Spoiled(byte[] image, string structure, int offset, int length, ulong value)
    {
        var extension = (int)PlainBitmap.FindExtension(image)!.Value;
        var entry = (int)PlainBitmap.Long(image, extension + 16);
        var start = structure switch
        {
            "extension" => extension,
            "entry" => entry,
            _ => (int)PlainBitmap.Long(image, entry),
        };
        Span<byte> field = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(field, value);
        field[^length..].CopyTo(image.AsSpan(start + offset));
        return image;
    }

    private static async Task AssertHandledAsync(byte[] image, Func<Task> use)
    {
        var copy = (byte[])image.Clone();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var watch = Stopwatch.StartNew();
        await use();
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.True(allocated < MaxAllocatedBytes, $"{allocated} bytes were allocated");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"it took {watch.Elapsed}");
        Assert.Equal(copy, image);
    }

    private static async Task AssertRepairedAsync(byte[] bytes, int leftBitmaps)
    {
        var memory = new MemoryStorage(0);
        await memory.ResizeAsync(bytes.Length, Cancel);
        await memory.WriteAsync(0, bytes, Cancel);
        await using (var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(
            new KeptFile(memory), new ImageOpenOptions { IsForRepair = true }, Cancel))
        {
            Assert.True((await image.CheckAsync(cancellationToken: Cancel)).Corruptions > 0);
            var repaired = await image.CheckAsync(Qcow2Repair.All, Cancel);
            Assert.Equal(repaired.Corruptions, repaired.CorruptionsFixed);
            var clean = await image.CheckAsync(cancellationToken: Cancel);
            Assert.True(
                clean.Findings.Count == 0, string.Join('\n', clean.Findings.Select(finding => finding.Text)));
            Assert.Equal(leftBitmaps, (await image.Bitmaps.ListAsync(Cancel)).Count);
            await image.WriteAsync(0, new byte[4096], Cancel);
        }

        var after = new byte[memory.SizeBytes];
        await memory.ReadAsync(0, after, Cancel);
        Assert.Null(PlainQcow2Checker.Check(after));
    }

    private static void AssertOneLine(BlockStorageException failure) =>
        Assert.DoesNotContain(failure.Message, char.IsControl);

    private static async Task<Qcow2Image> OpenAsync(byte[] bytes, bool isReadOnly)
    {
        BlockStorage file = new MemoryStorage((ReadOnlyMemory<byte>)bytes);
        if (!isReadOnly)
        {
            file = new MemoryStorage(0);
            await file.ResizeAsync(bytes.Length, Cancel);
            await file.WriteAsync(0, bytes, Cancel);
        }

        return (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(file, new ImageOpenOptions { IsReadOnly = isReadOnly }, Cancel);
    }

    /// <summary>A file whose content outlives the image that closes it.</summary>
    private sealed class KeptFile(BlockStorage inner) : Storage.Layers.BlockStorageLayer(inner, leaveOpen: true);
}
