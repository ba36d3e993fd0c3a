using System.Text.Json;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Bitmaps;

namespace Eider.Storage.Tests.Formats;

/// <summary>
/// Persistent bitmaps by the rules of the qcow2 specification ("Bitmaps extension"), with QEMU as the judge of what is
/// written and as the writer of what is read.
/// </summary>
public sealed class Qcow2BitmapTests : IDisposable
{
    private const int DiskBytes = 8 << 20;
    private const int Unit = 512;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, long> Configurations() => new()
    {
        { "cluster_size=64k", 65536 },
        { "cluster_size=64k", 512 },
        { "cluster_size=512", 512 },
        { "cluster_size=512,refcount_bits=1", 1 << 20 },
        { "cluster_size=4k,lazy_refcounts=on", 4096 },
        { "cluster_size=2M", 32768 },
        { "cluster_size=16k,extended_l2=on", 2048 },
        { "cluster_size=4k,refcount_bits=64", 1L << 31 },
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task Qcow2_auto_records_every_write_zero_and_discard_and_qemu_reads_the_same_bits(string options, long granularity)
    {
        var path = await CreateAsync(options);
        var model = new bool[DiskBytes / Unit];
        await using (var image = await OpenAsync(path))
        {
            await image.WriteAsync(0, new byte[4096], Cancel);
            await image.Bitmaps.AddAsync("tracks", granularity, cancellationToken: Cancel);
            await image.Bitmaps.AddAsync("rests", granularity, isEnabled: false, Cancel);
            await ChangeAsync(image, model, granularity, new Random(5));
        }

        QemuTools.Check(path);
        AssertFlags(path, ("tracks", "auto", granularity), ("rests", "", granularity));
        QemuTools.Img("bitmap", "--disable", path, "tracks");
        Assert.Equal(model, QemuBitmap.Read(path, "tracks", DiskBytes, Unit));
        Assert.DoesNotContain(true, QemuBitmap.Read(path, "rests", DiskBytes, Unit));
        await using var again = await OpenAsync(path, isReadOnly: true);
        Assert.Equal(model, Marks(await again.Bitmaps.ReadAsync("tracks", Cancel)));
        Assert.Equal(0, (await again.Bitmaps.ReadAsync("rests", Cancel)).DirtyBytes);
        Assert.Empty((await again.CheckAsync(cancellationToken: Cancel)).Findings);
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task What_qemu_recorded_is_read_and_goes_on_here(string options, long granularity)
    {
        var path = _folder["theirs.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", options, path, $"{DiskBytes}");
        QemuTools.Img("bitmap", "--add", "-g", $"{Math.Min(granularity, 1L << 31)}", path, "b");
        var model = new bool[DiskBytes / Unit];
        QemuTools.Io(path, ["write -P 7 1M 96k", "write -z 3M 4k", "discard 5M 128k"], "-f", "qcow2");
        Mark(model, granularity, 1 << 20, 96 << 10);
        Mark(model, granularity, 3 << 20, 4096);
        Mark(model, granularity, 5 << 20, 128 << 10);
        await using (var image = await OpenAsync(path))
        {
            Assert.Equal(model, Marks(await image.Bitmaps.ReadAsync("b", Cancel)));
            await ChangeAsync(image, model, granularity, new Random(6));
            Assert.Equal(model, Marks(await image.Bitmaps.ReadAsync("b", Cancel)));
            var only = Assert.Single(await image.Bitmaps.ListAsync(Cancel));
            Assert.True(only is { Name: "b", IsEnabled: true, IsInUse: false, IsUsable: true } && only.GranularityBytes == granularity);
        }

        QemuTools.Check(path);
        QemuTools.Img("bitmap", "--disable", path, "b");
        Assert.Equal(model, QemuBitmap.Read(path, "b", DiskBytes, Unit));
    }

    [Fact]
    public async Task Qcow2_bitmaps_are_cleared_enabled_disabled_and_merged_across_granularities_and_images()
    {
        var (path, other) = (await CreateAsync("cluster_size=64k"), _folder["other.qcow2"]);
        QemuTools.Img("create", "-q", "-f", "qcow2", other, $"{DiskBytes}");
        QemuTools.Img("bitmap", "--add", "-g", "4k", other, "theirs");
        QemuTools.Io(other, ["write 6M 8k"], "-f", "qcow2");
        await using (var image = await OpenAsync(path))
        await using (var source = await OpenAsync(other, isReadOnly: true))
        {
            await image.Bitmaps.AddAsync("fine", 512, cancellationToken: Cancel);
            await image.WriteAsync(0, new byte[512], Cancel);
            await image.Bitmaps.DisableAsync("fine", Cancel);
            await image.WriteAsync(1 << 20, new byte[512], Cancel);
            await image.Bitmaps.AddAsync("coarse", 1 << 20, cancellationToken: Cancel);
            await image.Bitmaps.EnableAsync("fine", Cancel);
            await image.WriteAsync(2 << 20, new byte[1024], Cancel);
            Assert.Equal(1536, (await image.Bitmaps.ReadAsync("fine", Cancel)).DirtyBytes);
            await image.Bitmaps.MergeAsync("coarse", "fine", cancellationToken: Cancel);
            Assert.Equal(2 << 20, (await image.Bitmaps.ReadAsync("coarse", Cancel)).DirtyBytes);
            await image.Bitmaps.MergeAsync("fine", "theirs", source, Cancel);
            Assert.Equal(1536 + 8192, (await image.Bitmaps.ReadAsync("fine", Cancel)).DirtyBytes);
            await image.Bitmaps.ClearAsync("coarse", Cancel);
            Assert.Equal(0, (await image.Bitmaps.ReadAsync("coarse", Cancel)).DirtyBytes);
        }

        QemuTools.Check(path);
        QemuTools.Img("bitmap", "--disable", path, "fine");
        var marks = QemuBitmap.Read(path, "fine", DiskBytes, Unit);
        Assert.Equal(3 + 16, marks.Count(mark => mark));
        Assert.True(marks[0] && marks[(2 << 20) / Unit] && marks[(6 << 20) / Unit] && !marks[(1 << 20) / Unit]);
    }

    [Fact]
    public async Task Qcow2_the_last_bitmap_that_goes_takes_the_extension_and_the_autoclear_bit_with_it()
    {
        var path = await CreateAsync("cluster_size=4k");
        await using (var image = await OpenAsync(path))
        {
            await image.Bitmaps.AddAsync("a", cancellationToken: Cancel);
            await image.WriteAsync(0, new byte[65536], Cancel);
            await image.Bitmaps.AddAsync("b", cancellationToken: Cancel);
            await image.Bitmaps.RemoveAsync("a", Cancel);
            Assert.Equal("b", Assert.Single(await image.Bitmaps.ListAsync(Cancel)).Name);
            await image.Bitmaps.RemoveAsync("b", Cancel);
            Assert.Null(image.Header.Find(Qcow2ExtensionType.Bitmaps));
            Assert.Equal(Qcow2AutoclearFeatures.None, image.Header.AutoclearFeatures);
        }

        QemuTools.Check(path);
        await using var again = await OpenAsync(path, isReadOnly: true);
        Assert.Empty((await again.CheckAsync(cancellationToken: Cancel)).Findings);
        Assert.Null(again.Header.Find(Qcow2ExtensionType.Bitmaps));
    }

    [Fact]
    public async Task Qcow2_in_use_is_in_the_file_before_the_first_write_and_gone_after_the_last()
    {
        var path = await CreateAsync("cluster_size=4k");
        await using (var image = await OpenAsync(path))
        {
            await image.Bitmaps.AddAsync("a", cancellationToken: Cancel);
            await image.Bitmaps.AddAsync("rests", isEnabled: false, cancellationToken: Cancel);
            Assert.DoesNotContain(PlainBitmap.ReadAll(Bytes(path), out _), bitmap => bitmap.IsInUse);
            await image.ReadAsync(0, new byte[4096], Cancel);
            Assert.DoesNotContain(PlainBitmap.ReadAll(Bytes(path), out _), bitmap => bitmap.IsInUse);
            await image.WriteAsync(0, new byte[4096], Cancel);
            Assert.Equal([true, false], PlainBitmap.ReadAll(Bytes(path), out _).Select(bitmap => bitmap.IsInUse));

            // A copy of the file as it is now is what a crash leaves.
            File.Copy(path, _folder["crashed.qcow2"]);
        }

        Assert.DoesNotContain(PlainBitmap.ReadAll(Bytes(path), out _), bitmap => bitmap.IsInUse);
        AssertFlags(_folder["crashed.qcow2"], ("a", "in-use auto", 4096), ("rests", "", 4096));
    }

    [Fact]
    public async Task Qcow2_a_bitmap_in_use_is_inconsistent_and_can_only_be_removed()
    {
        await Qcow2_in_use_is_in_the_file_before_the_first_write_and_gone_after_the_last();
        var path = _folder["crashed.qcow2"];
        await using (var image = await OpenAsync(path))
        {
            var bitmaps = await image.Bitmaps.ListAsync(Cancel);
            Assert.Equal([(true, false), (false, true)], bitmaps.Select(bitmap => (bitmap.IsInUse, bitmap.IsUsable)));
            Func<ValueTask>[] uses =
            [
                () => image.Bitmaps.ClearAsync("a", Cancel), () => image.Bitmaps.EnableAsync("a", Cancel),
                () => image.Bitmaps.DisableAsync("a", Cancel), () => image.Bitmaps.MergeAsync("a", "rests", null, Cancel),
                () => image.Bitmaps.MergeAsync("rests", "a", null, Cancel),
            ];
            foreach (var use in uses)
            {
                var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await use());
                Assert.Equal(BlockErrorKind.UnsupportedFeature, failure.Kind);
            }

            await image.WriteAsync(65536, new byte[4096], Cancel);
            await image.ResizeAsync(2 * DiskBytes, Cancel);
        }

        AssertFlags(path, ("a", "in-use auto", 4096), ("rests", "", 4096));
        await using (var image = await OpenAsync(path))
        {
            await image.Bitmaps.RemoveAsync("a", Cancel);
        }

        AssertFlags(path, ("rests", "", 4096));
        QemuTools.CheckButLeaks(path);
    }

    [Fact]
    public async Task Qcow2_without_the_autoclear_bit_the_bitmaps_do_not_count_and_their_clusters_are_leaks()
    {
        var path = await CreateAsync("cluster_size=4k");
        await using (var image = await OpenAsync(path))
        {
            await image.Bitmaps.AddAsync("a", 512, cancellationToken: Cancel);
            await image.WriteAsync(0, new byte[65536], Cancel);
        }

        var bytes = Bytes(path);
        bytes[95] &= 0xFE;
        await File.WriteAllBytesAsync(path, bytes, Cancel);
        await using (var image = await OpenAsync(path))
        {
            Assert.Empty(await image.Bitmaps.ListAsync(Cancel));
            var found = await image.CheckAsync(cancellationToken: Cancel);
            Assert.True(found.Leaks == 3 && found.Corruptions == 0, $"{found.Leaks} leaks, {found.Corruptions} corruptions");
            await image.CheckAsync(Storage.Formats.Qcow2.Checking.Qcow2Repair.Leaks, Cancel);
            await image.WriteAsync(1 << 20, new byte[65536], Cancel);
            await image.Bitmaps.AddAsync("new", 512, cancellationToken: Cancel);
        }

        QemuTools.Check(path);
        AssertFlags(path, ("new", "auto", 512));
    }

    [Fact]
    public async Task Qcow2_table_entry_1_means_ones_without_a_cluster()
    {
        var path = _folder["ones.qcow2"];
        await using (var file = FileStorage.Create(path, 0))
        {
            await ImageFormats.Qcow2.CreateAsync(
                file, new ImageCreateOptions { SizeBytes = DiskBytes, Options = new Dictionary<string, string> { ["cluster_size"] = "512" } }, Cancel);
        }

        await using (var image = await OpenAsync(path))
        {
            // 16,384 bits are four clusters of 512 bytes: ones, a mix, zeroes, ones.
            await image.Bitmaps.AddAsync("a", 512, cancellationToken: Cancel);
            await image.WriteZeroesAsync(0, (2 << 20) + 512, true, Cancel);
            await image.WriteZeroesAsync(6 << 20, 2 << 20, true, Cancel);
        }

        var bitmap = Assert.Single(PlainBitmap.ReadAll(Bytes(path), out _));
        Assert.Equal([true, false, false, true], bitmap.Table.Select(entry => entry == 1));
        Assert.Equal(0UL, bitmap.Table[2]);
        QemuTools.Img("bitmap", "--disable", path, "a");
        Assert.Equal((4 << 11) + 1, QemuBitmap.Read(path, "a", DiskBytes, Unit).Count(mark => mark));
        await using var again = await OpenAsync(path, isReadOnly: true);
        Assert.Equal((4 << 20) + 512, (await again.Bitmaps.ReadAsync("a", Cancel)).DirtyBytes);
    }

    [Theory]
    [InlineData(3 << 20)]
    [InlineData(DiskBytes + 65536 + 512)]
    public async Task Bitmaps_follow_the_size_of_the_disk_and_what_is_added_counts_as_changed(int newSize)
    {
        var path = await CreateAsync("cluster_size=4k");
        await using (var image = await OpenAsync(path))
        {
            await image.Bitmaps.AddAsync("tracks", 512, cancellationToken: Cancel);
            await image.Bitmaps.AddAsync("rests", 65536, isEnabled: false, Cancel);
            await image.WriteAsync(1 << 20, new byte[4096], Cancel);
            await image.WriteAsync(4 << 20, new byte[4096], Cancel);
            await image.ResizeAsync(newSize, Cancel);
            var tracked = await image.Bitmaps.ReadAsync("tracks", Cancel);
            Assert.Equal(newSize, tracked.SizeBytes);
            Assert.Equal(newSize < DiskBytes ? 4096 : 8192 + newSize - DiskBytes, tracked.DirtyBytes);
            await image.ResizeAsync(DiskBytes * 2, Cancel);
            await image.WriteAsync(DiskBytes, new byte[4096], Cancel);
        }

        QemuTools.Check(path);
        QemuTools.Img("bitmap", "--disable", path, "tracks");
        var marks = QemuBitmap.Read(path, "tracks", DiskBytes * 2, Unit);
        Assert.True(marks[(1 << 20) / Unit] && marks[DiskBytes / Unit] && marks[^1]);
        Assert.DoesNotContain(true, QemuBitmap.Read(path, "rests", DiskBytes * 2, Unit));
    }

    [Fact]
    public async Task A_size_for_which_a_bitmap_would_be_too_large_is_refused_and_nothing_is_lost()
    {
        var path = await CreateAsync("cluster_size=64k");
        await using (var image = await OpenAsync(path))
        {
            await image.Bitmaps.AddAsync("fine", 512, cancellationToken: Cancel);
            await image.WriteAsync(4096, new byte[512], Cancel);
            var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await image.ResizeAsync(1L << 50, Cancel));
            Assert.Contains("would take more than 512 MiB", failure.Message, StringComparison.Ordinal);
            Assert.Equal(512, (await image.Bitmaps.ReadAsync("fine", Cancel)).DirtyBytes);
        }

        AssertFlags(path, ("fine", "auto", 512));
        QemuTools.Check(path);
    }

    [Fact]
    public async Task Qcow2_auto_records_snapshot_switching_and_emptying()
    {
        var path = await CreateAsync("cluster_size=4k");
        await using (var image = await OpenAsync(path))
        {
            await image.WriteAsync(0, new byte[8192], Cancel);
            await image.CreateSnapshotAsync("s", DateTimeOffset.UnixEpoch, Cancel);
            await image.ResizeAsync(DiskBytes * 2, Cancel);
            await image.Bitmaps.AddAsync("tracks", 512, cancellationToken: Cancel);
            await image.Bitmaps.AddAsync("rests", 512, isEnabled: false, Cancel);
            await image.ApplySnapshotAsync("s", Cancel);
            Assert.Equal(DiskBytes, (await image.Bitmaps.ReadAsync("tracks", Cancel)).DirtyBytes);
            Assert.Equal(0, (await image.Bitmaps.ReadAsync("rests", Cancel)).DirtyBytes);
            await image.Bitmaps.ClearAsync("tracks", Cancel);
            await image.MakeEmptyAsync(Cancel);
            Assert.Equal(8192, (await image.Bitmaps.ReadAsync("tracks", Cancel)).DirtyBytes);
        }

        QemuTools.Check(path);
        AssertFlags(path, ("tracks", "auto", 512), ("rests", "", 512));
    }

    [Fact]
    public async Task Compaction_and_amending_keep_bitmaps_and_mark_nothing()
    {
        var path = await CreateAsync("cluster_size=4k");
        await using (var image = await OpenAsync(path))
        {
            await image.WriteAsync(0, Filled(1 << 20, 1), Cancel);
            await image.WriteAsync(1 << 20, new byte[1 << 20], Cancel);
            await image.WriteAsync(4 << 20, Filled(1 << 20, 2), Cancel);
            await image.Bitmaps.AddAsync("tracks", 512, cancellationToken: Cancel);
            await image.WriteAsync(4 << 20, Filled(4096, 3), Cancel);
            await Storage.Operations.ImageCompactor.CompactAsync(image, cancellationToken: Cancel);
            await Storage.Operations.ImageAmender.AmendAsync(
                image, new Dictionary<string, string> { ["backing_file"] = "x.raw", ["backing_fmt"] = "raw" }, Cancel);
            Assert.Equal(4096, (await image.Bitmaps.ReadAsync("tracks", Cancel)).DirtyBytes);
        }

        await using (var image = await OpenAsync(path))
        {
            Assert.Equal("x.raw", image.BackingName);
            await Assert.ThrowsAsync<BlockStorageException>(async () => await Storage.Operations.ImageAmender.AmendAsync(
                image, new Dictionary<string, string> { ["compat"] = "0.10" }, Cancel));
            await Storage.Operations.ImageAmender.AmendAsync(image, new Dictionary<string, string> { ["backing_file"] = "" }, Cancel);
        }

        QemuTools.Check(path);
        QemuTools.Img("bitmap", "--disable", path, "tracks");
        Assert.Equal(8, QemuBitmap.Read(path, "tracks", DiskBytes, Unit).Count(mark => mark));
    }

    [Theory]
    [InlineData("", 65536L, "bytes, expected 1 to 1023")]
    [InlineData("twice", 65536L, "already")]
    [InlineData("x", 1000L, "power of two")]
    [InlineData("x", 256L, "power of two")]
    [InlineData("x", 1L << 32, "power of two")]
    public async Task A_bitmap_that_cannot_be_is_refused_in_one_line(string name, long granularity, string why)
    {
        var path = await CreateAsync("cluster_size=4k");
        await using var image = await OpenAsync(path);
        await image.Bitmaps.AddAsync("twice", cancellationToken: Cancel);
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await image.Bitmaps.AddAsync(name, granularity, cancellationToken: Cancel));
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.Equal("twice", Assert.Single(await image.Bitmaps.ListAsync(Cancel)).Name);
    }

    [Fact]
    public async Task An_image_of_version_2_has_no_bitmaps()
    {
        var path = _folder["two.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", "compat=0.10", path, "1M");
        await using var image = await OpenAsync(path);
        Assert.Empty(await image.Bitmaps.ListAsync(Cancel));
        await Assert.ThrowsAsync<BlockStorageException>(async () => await image.Bitmaps.AddAsync("x", cancellationToken: Cancel));
    }

    [Fact]
    public async Task Many_writers_at_once_lose_no_mark()
    {
        var path = await CreateAsync("cluster_size=64k");
        await using var image = await OpenAsync(path);
        await image.Bitmaps.AddAsync("tracks", 512, cancellationToken: Cancel);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(
            async () =>
            {
                for (var sector = worker; sector < DiskBytes / Unit; sector += 16)
                {
                    await image.WriteAsync((long)sector * Unit, new byte[Unit], Cancel);
                }
            },
            Cancel)));
        var marks = Marks(await image.Bitmaps.ReadAsync("tracks", Cancel));
        Assert.All(Enumerable.Range(0, marks.Length), sector => Assert.Equal(sector % 16 < 8, marks[sector]));
    }

    [Fact]
    public async Task A_write_in_place_with_a_bitmap_allocates_nothing()
    {
        var memory = new MemoryStorage(0);
        await ImageFormats.Qcow2.CreateAsync(memory, new ImageCreateOptions { SizeBytes = DiskBytes }, Cancel);
        await using var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(memory, ImageOpenOptions.Default, Cancel);
        await image.WriteAsync(0, new byte[1 << 20], Cancel);
        await image.FlushAsync(Cancel);
        await image.Bitmaps.AddAsync("tracks", 512, cancellationToken: Cancel);
        BufferList buffer = new byte[4096];
        await image.WriteAsync(0, buffer, Cancel);
        await image.WriteAsync(0, buffer, Cancel);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var index = 0; index < 256; index++)
        {
            var write = image.WriteAsync(index * 4096L, buffer, CancellationToken.None);
            Assert.True(write.IsCompletedSuccessfully);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1 << 20, (await image.Bitmaps.ReadAsync("tracks", Cancel)).DirtyBytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private static void AssertFlags(string path, params (string Name, string Flags, long Granularity)[] expected)
    {
        var data = JsonDocument.Parse(QemuTools.Img("info", "--output=json", path)).RootElement.GetProperty("format-specific").GetProperty("data");
        var found = data.GetProperty("bitmaps").EnumerateArray().Select(bitmap => (
            bitmap.GetProperty("name").GetString()!,
            string.Join(' ', bitmap.GetProperty("flags").EnumerateArray().Select(flag => flag.GetString())),
            bitmap.GetProperty("granularity").GetInt64()));
        Assert.Equal(expected, found);
    }

    private static async Task ChangeAsync(Qcow2Image image, bool[] model, long granularity, Random random)
    {
        for (var step = 0; step < 30; step++)
        {
            var sectors = random.Next(1, step % 5 == 0 ? 1500 : 20);
            var first = random.Next((DiskBytes / Unit) - sectors);
            var (offset, length) = ((long)first * Unit, sectors * Unit);
            var result = random.Next(5) switch
            {
                0 => await image.WriteZeroesAsync(offset, length, random.Next(2) == 0, Cancel),
                1 => await image.DiscardAsync(offset, length, Cancel),
                _ => await image.WriteAsync(offset, Filled(length, (byte)step), Cancel),
            };
            Assert.Equal(BlockResult.Ok, result);
            Mark(model, granularity, offset, length);
            if (step % 7 == 0)
            {
                await image.FlushAsync(Cancel);
            }
        }
    }

    private static void Mark(bool[] model, long granularity, long offset, long length)
    {
        var first = offset / granularity * granularity;
        var end = Math.Min(DiskBytes, (offset + length + granularity - 1) / granularity * granularity);
        model.AsSpan((int)(first / Unit), (int)((end - first) / Unit)).Fill(true);
    }

    private static bool[] Marks(Qcow2DirtyBits bits)
    {
        var marks = new bool[bits.SizeBytes / Unit];
        for (var from = 0L; bits.TryFindRun(from, out var offset, out var length); from = offset + length)
        {
            marks.AsSpan((int)(offset / Unit), (int)(length / Unit)).Fill(true);
        }

        return marks;
    }

    private static byte[] Filled(int length, byte value)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static byte[] Bytes(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private async Task<string> CreateAsync(string options)
    {
        var path = _folder["disk.qcow2"];
        await using var file = FileStorage.Create(path, 0);
        await ImageFormats.Qcow2.CreateAsync(
            file,
            new ImageCreateOptions { SizeBytes = DiskBytes, Options = options.Split(',').Select(option => option.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]) },
            Cancel);
        return path;
    }

    private static async Task<Qcow2Image> OpenAsync(string path, bool isReadOnly = false) => (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(
        FileStorage.Open(path, new FileStorageOptions { IsReadOnly = isReadOnly }),
        new ImageOpenOptions { IsReadOnly = isReadOnly, Chain = ImageChainPolicy.Ignore }, Cancel);
}
