using System.Globalization;
using System.Text.Json;

namespace Eider.Cli.Tests.Images;

/// <summary>eider img, each command judged by qemu-img.</summary>
public sealed class ImgCommandTests : IDisposable
{
    private readonly ImgFixture _img = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("raw", "10M", "")]
    [InlineData("qcow2", "10G", "")]
    [InlineData("qcow2", "1.5G", "compat=0.10,cluster_size=4K")]
    [InlineData("qcow2", "64M", "extended_l2=on,cluster_size=128K,preallocation=metadata,lazy_refcounts=on")]
    public async Task Creates_what_qemu_finds_in_order(string format, string size, string options)
    {
        await _img.RunAsync(["create", "-f", format, .. options.Length > 0 ? new[] { "-o", options } : [], "disk", size]);
        using var info = JsonDocument.Parse(await _img.QemuAsync("info", "-f", format, "--output=json", "disk"));
        var expected = size == "1.5G" ? 3L << 29 : long.Parse(size[..^1], CultureInfo.InvariantCulture) << (size[^1] == 'G' ? 30 : 20);
        Assert.Equal(expected, info.RootElement.GetProperty("virtual-size").GetInt64());
        if (format == "qcow2")
        {
            await _img.QemuAsync("check", "-f", "qcow2", "disk");
        }

        Assert.Equal(["disk"], _img.Files());
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task A_new_overlay_has_the_size_of_its_backing_image_and_keeps_the_mode_of_what_it_replaces()
    {
        await _img.QemuAsync("create", "-q", "-f", "raw", "base", "3M");
        await File.WriteAllTextAsync(_img.Folder.At("top.qcow2"), "old", Token);
        File.SetUnixFileMode(_img.Folder.At("top.qcow2"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        await _img.RunAsync("create", "-f", "qcow2", "-b", "base", "-F", "raw", "top.qcow2");
        var info = await _img.JsonAsync("info", "top.qcow2");
        Assert.Equal(3 << 20, info.GetProperty("virtual-size").GetInt64());
        Assert.Equal("base", info.GetProperty("backing-filename").GetString());
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(_img.Folder.At("top.qcow2")));
    }

    [Fact]
    public async Task Info_says_what_qemu_says_and_opens_nothing_but_the_file()
    {
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "-u", "-b", "/nowhere/base", "-F", "raw", "-o", "compat=1.1,refcount_bits=8", "a.img", "7M");
        using var expected = JsonDocument.Parse(await _img.QemuAsync("info", "-f", "qcow2", "--output=json", "a.img"));
        var found = await _img.JsonAsync("info", "a.img");
        foreach (var member in new[] { "virtual-size", "filename", "cluster-size", "format", "actual-size", "backing-filename", "dirty-flag" })
        {
            Assert.Equal(expected.RootElement.GetProperty(member).ToString(), found.GetProperty(member).ToString());
        }

        foreach (var member in new[] { "compat", "compression-type", "refcount-bits", "lazy-refcounts", "corrupt", "extended-l2" })
        {
            var data = expected.RootElement.GetProperty("format-specific").GetProperty("data");
            Assert.Equal(data.GetProperty(member).ToString(), found.GetProperty("format-specific").GetProperty("data").GetProperty(member).ToString());
        }

        Assert.Contains("backing file:      /nowhere/base\n", await _img.RunAsync("info", "a.img"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_of_a_chain_needs_permission_and_tells_each_image()
    {
        await MakeChainAsync();
        var (code, _, errors) = await _img.TryAsync("info", "--chain", "top.qcow2");
        Assert.Equal(66, code);
        Assert.Contains("--allow-chain", errors, StringComparison.Ordinal);
        var chain = await _img.JsonAsync("info", "--chain", "--within", ".", "top.qcow2");
        Assert.Equal(
            [("qcow2", "top.qcow2"), ("qcow2", "middle.qcow2"), ("raw", "base.raw")],
            chain.EnumerateArray().Select(image => (image.GetProperty("format").GetString()!, Path.GetFileName(image.GetProperty("filename").GetString()!))));
    }

    [Theory]
    [InlineData("vpc", "vhd", "dynamic", "subformat=dynamic,force_size=on")]
    [InlineData("vpc", "vhd", "fixed", "subformat=fixed,force_size=on")]
    [InlineData("vhdx", "vhdx", "dynamic", "subformat=dynamic")]
    [InlineData("vhdx", "vhdx", "fixed", "subformat=fixed")]
    [InlineData("vmdk", "vmdk", "monolithicSparse", "subformat=monolithicSparse")]
    [InlineData("vmdk", "vmdk", "streamOptimized", "subformat=streamOptimized")]
    [InlineData("vmdk", "vmdk", "monolithicFlat", "subformat=monolithicFlat")]
    [InlineData("vdi", "vdi", "dynamic", "static=off")]
    [InlineData("vdi", "vdi", "static", "static=on")]
    public async Task Info_reads_the_headers_of_other_formats(string qemuFormat, string format, string kind, string options)
    {
        await _img.QemuAsync("create", "-q", "-f", qemuFormat, "-o", options, "disk.img", "32M");
        var info = await _img.JsonAsync("info", "disk.img");
        Assert.Equal((format, kind, 32 << 20), (
            info.GetProperty("format").GetString(), info.GetProperty("kind").GetString(), info.GetProperty("virtual-size").GetInt64()));
        var (code, _, errors) = await _img.TryAsync("convert", "disk.img", "out.raw");
        Assert.Equal(65, code);
        Assert.Contains(format, errors, StringComparison.Ordinal);
        Assert.False(File.Exists(_img.Folder.At("out.raw")));
    }

    [Theory]
    [InlineData("-O", "qcow2")]
    [InlineData("-O", "qcow2", "-W", "-m", "4", "-t", "unsafe")]
    [InlineData("-O", "qcow2", "-o", "cluster_size=4K,compat=0.10", "-S", "0")]
    [InlineData("-O", "qcow2", "-c")]
    [InlineData("-O", "qcow2", "-c", "-W", "-o", "compression_type=zstd", "--level", "9")]
    [InlineData("-O", "qcow2", "-o", "data_file=disk.data,data_file_raw=on", "-t", "writethrough")]
    [InlineData("-O", "qcow2", "-o", "preallocation=full", "-t", "none")]
    public async Task Converts_both_ways_without_changing_a_byte(params string[] options)
    {
        var content = await _img.MakeDiskAsync("disk.raw", 5_000_192);
        await _img.RunAsync(["convert", "disk.raw", "disk.qcow2", .. options]);
        Assert.Equal(content, await _img.ContentAsync("qcow2", "disk.qcow2"));
        await _img.QemuAsync("check", "-f", "qcow2", "disk.qcow2");
        await _img.RunAsync("convert", "--within", ".", "disk.qcow2", "back.raw");
        Assert.Equal(content, await File.ReadAllBytesAsync(_img.Folder.At("back.raw"), Token));
        Assert.DoesNotContain(_img.Files(), name => name.EndsWith(".part", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_target_before_a_backing_image_has_only_what_differs()
    {
        var content = await _img.MakeDiskAsync("base.raw", 4_000_256);
        content.AsSpan(1_000_000, 10_000).Fill(7);
        content.AsSpan(2_000_000, 300_000).Clear();
        await File.WriteAllBytesAsync(_img.Folder.At("disk.raw"), content, Token);
        await _img.RunAsync("convert", "-O", "qcow2", "-B", "base.raw", "-F", "raw", "disk.raw", "disk.qcow2");
        Assert.Equal(content, await _img.ContentAsync("qcow2", "disk.qcow2"));
        Assert.InRange(new FileInfo(_img.Folder.At("disk.qcow2")).Length, 1, 1_500_000);
        await _img.QemuAsync("check", "-f", "qcow2", "disk.qcow2");
    }

    [Fact]
    public async Task An_existing_target_is_written_in_place_with_n()
    {
        var content = await _img.MakeDiskAsync("disk.raw", 1_000_448);
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "disk.qcow2", "2M");
        await _img.IoAsync("qcow2", "disk.qcow2", "write -P 9 0 2M");
        await _img.RunAsync("convert", "-n", "-O", "qcow2", "disk.raw", "disk.qcow2");
        var found = await _img.ContentAsync("qcow2", "disk.qcow2");
        Assert.Equal(content, found[..content.Length]);
        Assert.True(found.AsSpan(content.Length).IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public async Task The_map_is_the_one_of_qemu()
    {
        await MakeChainAsync();
        using var expected = JsonDocument.Parse(await _img.QemuAsync("map", "-f", "qcow2", "--output=json", "top.qcow2"));
        var found = await _img.JsonAsync("map", "--allow-chain", "top.qcow2");
        Assert.Equal(expected.RootElement.EnumerateArray().Select(Row), found.EnumerateArray().Select(Row));
        Assert.StartsWith("offset ", await _img.RunAsync("map", "--allow-chain", "-s", "64K", "-l", "64K", "top.qcow2"), StringComparison.Ordinal);

        static string Row(JsonElement run) => string.Join(
            ' ', ((string[])["start", "length", "depth", "zero", "data"]).Select(member => run.GetProperty(member).ToString()));
    }

    [Fact]
    public async Task Compare_tells_the_first_byte_that_differs()
    {
        await _img.MakeDiskAsync("a.raw", 3_000_320);
        await _img.QemuAsync("convert", "-f", "raw", "-O", "qcow2", "-c", "a.raw", "b.qcow2");
        Assert.Equal("The images are identical.\n", await _img.RunAsync("compare", "a.raw", "b.qcow2"));
        await _img.IoAsync("qcow2", "b.qcow2", "write -P 99 1234567 1");
        var (code, output, _) = await _img.TryAsync("compare", "a.raw", "b.qcow2", "--json");
        Assert.Equal(1, code);
        Assert.Contains("\"first-difference\": 1234567", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_longer_disk_differs_only_by_strict_comparison()
    {
        await _img.MakeDiskAsync("a.raw", 1_000_448);
        await _img.QemuAsync("convert", "-f", "raw", "-O", "qcow2", "a.raw", "b.qcow2");
        await _img.QemuAsync("resize", "-q", "-f", "qcow2", "b.qcow2", "2M");
        Assert.Contains("identical", await _img.RunAsync("compare", "a.raw", "b.qcow2"), StringComparison.Ordinal);
        Assert.Equal(1, (await _img.TryAsync("compare", "-s", "a.raw", "b.qcow2")).Code);
    }

    [Fact]
    public async Task The_checksum_is_the_contents_whatever_the_format()
    {
        await _img.MakeDiskAsync("a.raw", 3_000_320);
        await _img.QemuAsync("convert", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=4k", "a.raw", "b.qcow2");
        await _img.QemuAsync("convert", "-f", "raw", "-O", "qcow2", "-c", "a.raw", "c.qcow2");
        var sums = new HashSet<string>();
        foreach (var name in new[] { "a.raw", "b.qcow2", "c.qcow2" })
        {
            sums.Add((await _img.RunAsync("checksum", name)).Split(' ')[0]);
        }

        Assert.Single(sums);
        await _img.IoAsync("raw", "a.raw", "write -P 1 5 1");
        Assert.DoesNotContain((await _img.RunAsync("checksum", "a.raw")).Split(' ')[0], sums);
    }

    [Fact]
    public async Task Resize_grows_by_itself_and_shrinks_only_when_told()
    {
        await _img.MakeDiskAsync("a.raw", 1 << 20);
        await _img.QemuAsync("convert", "-f", "raw", "-O", "qcow2", "a.raw", "a.qcow2");
        await _img.RunAsync("resize", "a.qcow2", "+3M");
        Assert.Equal(4 << 20, (await _img.ContentAsync("qcow2", "a.qcow2")).Length);
        var (code, _, errors) = await _img.TryAsync("resize", "a.qcow2", "512K");
        Assert.Equal(64, code);
        Assert.Contains("--shrink", errors, StringComparison.Ordinal);
        await _img.RunAsync("resize", "--shrink", "a.qcow2", "--", "-3584K");
        Assert.Equal((await File.ReadAllBytesAsync(_img.Folder.At("a.raw"), Token))[..(512 << 10)], await _img.ContentAsync("qcow2", "a.qcow2"));
        await _img.QemuAsync("check", "-f", "qcow2", "a.qcow2");
    }

    [Fact]
    public async Task Measure_says_what_qemu_says()
    {
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "a.qcow2", "100M");
        await _img.IoAsync("qcow2", "a.qcow2", "write -P 1 3M 5M");
        foreach (var arguments in (string[][])[["-O", "qcow2", "--size", "20G"], ["-O", "qcow2", "-o", "cluster_size=4k", "a.qcow2"], ["-O", "raw", "a.qcow2"]])
        {
            using var expected = JsonDocument.Parse(await _img.QemuAsync(["measure", "--output=json", .. arguments]));
            var found = await _img.JsonAsync(["measure", .. arguments]);
            Assert.Equal(expected.RootElement.GetProperty("required").GetInt64(), found.GetProperty("required").GetInt64());
            Assert.Equal(expected.RootElement.GetProperty("fully-allocated").GetInt64(), found.GetProperty("fully-allocated").GetInt64());
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("base.raw")]
    public async Task Commit_moves_the_data_down(string? into)
    {
        await MakeChainAsync();
        var content = await _img.ContentAsync("qcow2", "top.qcow2");
        await _img.RunAsync(["commit", "--within", ".", "top.qcow2", .. into == null ? [] : new[] { "--base", into }]);
        Assert.Equal(content, into == null ? await _img.ContentAsync("qcow2", "middle.qcow2") : await File.ReadAllBytesAsync(_img.Folder.At(into), Token));
        Assert.Equal(content, await _img.ContentAsync("qcow2", "top.qcow2"));
        await _img.QemuAsync("check", "-f", "qcow2", "top.qcow2");
        using var map = JsonDocument.Parse(await _img.QemuAsync("map", "-f", "qcow2", "--output=json", "top.qcow2"));
        Assert.Equal(into != null, map.RootElement.EnumerateArray().Any(run => run.GetProperty("depth").GetInt32() == 0 && run.GetProperty("data").GetBoolean()));
    }

    [Fact]
    public async Task Rebase_keeps_the_disk_and_changes_what_lies_behind()
    {
        await MakeChainAsync();
        var content = await _img.ContentAsync("qcow2", "top.qcow2");
        await _img.RunAsync("rebase", "--allow-chain", "-b", "base.raw", "-F", "raw", "top.qcow2");
        Assert.Equal(content, await _img.ContentAsync("qcow2", "top.qcow2"));
        Assert.Equal("base.raw", (await _img.JsonAsync("info", "top.qcow2")).GetProperty("backing-filename").GetString());
        await _img.RunAsync("rebase", "--allow-chain", "-b", "", "top.qcow2");
        Assert.Equal(content, await _img.ContentAsync("qcow2", "top.qcow2"));
        await _img.RunAsync("rebase", "-u", "-b", "not/there.raw", "-F", "raw", "top.qcow2");
        Assert.Equal("not/there.raw", (await _img.JsonAsync("info", "top.qcow2")).GetProperty("backing-filename").GetString());
        await _img.RunAsync("rebase", "-u", "-b", "", "top.qcow2");
        await _img.QemuAsync("check", "-f", "qcow2", "top.qcow2");
    }

    [Fact]
    public async Task Empty_drops_the_own_data_of_an_overlay()
    {
        await MakeChainAsync();
        await _img.RunAsync("empty", "top.qcow2");
        var below = await _img.ContentAsync("qcow2", "middle.qcow2");
        Assert.Equal(below, (await _img.ContentAsync("qcow2", "top.qcow2"))[..below.Length]);
        await _img.QemuAsync("check", "-f", "qcow2", "top.qcow2");
    }

    [Fact]
    public async Task Snapshots_are_taken_listed_read_applied_and_deleted()
    {
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "a.qcow2", "4M");
        await _img.IoAsync("qcow2", "a.qcow2", "write -P 1 0 2M");
        var before = await _img.ContentAsync("qcow2", "a.qcow2");
        await _img.RunAsync("snapshot", "-c", "one", "a.qcow2");
        await _img.IoAsync("qcow2", "a.qcow2", "write -P 2 1M 2M");
        await _img.RunAsync("snapshot", "-c", "two", "a.qcow2");
        Assert.Equal(
            ["one", "two"], (await _img.JsonAsync("snapshot", "a.qcow2")).EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        await _img.RunAsync("convert", "-l", "one", "a.qcow2", "one.raw");
        Assert.Equal(before, await File.ReadAllBytesAsync(_img.Folder.At("one.raw"), Token));
        await _img.RunAsync("snapshot", "-a", "one", "a.qcow2");
        Assert.Equal(before, await _img.ContentAsync("qcow2", "a.qcow2"));
        await _img.RunAsync("snapshot", "-d", "two", "a.qcow2");
        Assert.Single((await _img.JsonAsync("snapshot", "-l", "a.qcow2")).EnumerateArray());
        await _img.QemuAsync("check", "-f", "qcow2", "a.qcow2");
        Assert.Equal(65, (await _img.TryAsync("snapshot", "-a", "three", "a.qcow2")).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Amend_goes_to_version_2_and_back(bool hasBacking)
    {
        await _img.MakeDiskAsync("base.raw", 3 << 20);
        string[] backing = hasBacking ? ["-b", "base.raw", "-F", "raw"] : [];
        await _img.QemuAsync(["create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=on", .. backing, "a.qcow2", "3M"]);
        await _img.IoAsync("qcow2", "a.qcow2", "write -P 1 100k 1M", "write -z 512k 256k", "write -z 2M 128k");
        var content = await _img.ContentAsync("qcow2", "a.qcow2");
        foreach (var compat in new[] { "0.10", "1.1" })
        {
            await _img.RunAsync("amend", "-o", $"compat={compat}", "a.qcow2");
            Assert.Equal(content, await _img.ContentAsync("qcow2", "a.qcow2"));
            await _img.QemuAsync("check", "-f", "qcow2", "a.qcow2");
            var data = (await _img.JsonAsync("info", "a.qcow2")).GetProperty("format-specific").GetProperty("data");
            Assert.Equal((compat, false), (data.GetProperty("compat").GetString(), data.GetProperty("lazy-refcounts").GetBoolean()));
        }
    }

    [Fact]
    public async Task Check_tells_leaks_and_damage_and_mends_only_when_told()
    {
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "a.qcow2", "10M");
        await _img.IoAsync("qcow2", "a.qcow2", "write -P 1 0 1M");
        await _img.RunAsync("check", "a.qcow2");
        await BreakAsync("a.qcow2");
        var before = await File.ReadAllBytesAsync(_img.Folder.At("a.qcow2"), Token);
        var (code, output, _) = await _img.TryAsync("check", "a.qcow2", "--json");
        using var expected = JsonDocument.Parse((await _img.TryQemuAsync("check", "-f", "qcow2", "--output=json", "a.qcow2")).Output);
        using var found = JsonDocument.Parse(output);
        Assert.Equal(2, code);
        Assert.Equal(expected.RootElement.GetProperty("corruptions").GetInt64(), found.RootElement.GetProperty("corruptions").GetInt64());
        Assert.Equal(before, await File.ReadAllBytesAsync(_img.Folder.At("a.qcow2"), Token));
        await _img.RunAsync("check", "--repair", "all", "a.qcow2");
        await _img.QemuAsync("check", "-f", "qcow2", "a.qcow2");
    }

    [Fact]
    public async Task Compact_shortens_the_file_and_refuses_a_damaged_one()
    {
        await _img.MakeDiskAsync("a.raw", 8 << 20);
        await _img.QemuAsync("convert", "-f", "raw", "-O", "qcow2", "-S", "0", "a.raw", "a.qcow2");
        await _img.IoAsync("qcow2", "a.qcow2", "write -P 0 0 5M");
        var content = await _img.ContentAsync("qcow2", "a.qcow2");
        var result = await _img.JsonAsync("compact", "a.qcow2");
        Assert.Equal(content, await _img.ContentAsync("qcow2", "a.qcow2"));
        Assert.InRange(new FileInfo(_img.Folder.At("a.qcow2")).Length, 1, 4 << 20);
        Assert.Equal(new FileInfo(_img.Folder.At("a.qcow2")).Length, result.GetProperty("after-bytes").GetInt64());
        await _img.QemuAsync("check", "-f", "qcow2", "a.qcow2");
        await BreakAsync("a.qcow2");
        Assert.Equal(2, (await _img.TryAsync("compact", "a.qcow2")).Code);
    }

    [Fact]
    public async Task Dd_copies_a_part()
    {
        var content = await _img.MakeDiskAsync("a.raw", 1 << 20);
        await _img.RunAsync("dd", "-O", "qcow2", "if=a.raw", "of=b.qcow2", "bs=64K", "skip=3", "count=5");
        Assert.Equal(content[(3 << 16)..(8 << 16)], await _img.ContentAsync("qcow2", "b.qcow2"));
    }

    [Theory]
    [InlineData("-d", "8")]
    [InlineData("-d", "1", "-w", "--pattern", "5", "--flush-interval", "100")]
    public async Task Bench_makes_the_requests_it_was_asked_for(params string[] options)
    {
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "a.qcow2", "1M");
        var result = await _img.JsonAsync(["bench", "-c", "1000", .. options, "a.qcow2"]);
        Assert.Equal(1000, result.GetProperty("requests").GetInt32());
        Assert.True(result.GetProperty("requests-per-second").GetDouble() > 0);
        if (options.Contains("-w"))
        {
            Assert.True((await _img.ContentAsync("qcow2", "a.qcow2")).AsSpan().IndexOfAnyExcept((byte)5) < 0);
        }
    }

    [Fact]
    public async Task Encrypted_images_are_made_and_read_with_a_key_file()
    {
        var content = await _img.MakeDiskAsync("a.raw", 1 << 20);
        await File.WriteAllTextAsync(_img.Folder.At("key"), "secret\n", Token);
        await File.WriteAllTextAsync(_img.Folder.At("key.plain"), "secret", Token);
        await _img.RunAsync(
            "convert", "-O", "qcow2", "-o", "encrypt.format=luks,encrypt.iter-time=10", "--target-key-file", "key", "a.raw", "b.qcow2");
        await _img.QemuAsync(
            "convert", "--object", "secret,id=k,file=key.plain", "--image-opts",
            "driver=qcow2,file.filename=b.qcow2,encrypt.key-secret=k", "-O", "raw", "c.raw");
        Assert.Equal(content, await File.ReadAllBytesAsync(_img.Folder.At("c.raw"), Token));
        await _img.RunAsync("compare", "a.raw", "b.qcow2", "--key-file", "key");
    }

    [Fact]
    public async Task Progress_as_json_counts_up_to_the_end()
    {
        await _img.MakeDiskAsync("a.raw", 3 << 20);
        var (code, _, errors) = await _img.TryAsync("convert", "--progress=json", "-r", "4M", "-O", "qcow2", "a.raw", "b.qcow2");
        Assert.Equal(0, code);
        var lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.All(lines, line => Assert.Equal(3 << 20, line.GetProperty("total-bytes").GetInt64()));
        Assert.Equal(lines.Select(line => line.GetProperty("done-bytes").GetInt64()).Order(), lines.Select(line => line.GetProperty("done-bytes").GetInt64()));
        Assert.Equal("done", lines[^1].GetProperty("event").GetString());
    }

    public void Dispose() => _img.Dispose();

    /// <summary>Sets the refcount of the first data cluster, the sixth of the file, to 0.</summary>
    private async Task BreakAsync(string file)
    {
        await using var stream = File.OpenWrite(_img.Folder.At(file));
        stream.Position = (2 << 16) + (5 * 2);
        await stream.WriteAsync(new byte[2], Token);
    }

    private async Task MakeChainAsync()
    {
        await _img.MakeDiskAsync("base.raw", 3 << 20);
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", "middle.qcow2", "4M");
        await _img.IoAsync("qcow2", "middle.qcow2", "write -P 2 200k 300k", "write -P 3 3M 70k");
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "-b", "middle.qcow2", "-F", "qcow2", "top.qcow2", "4M");
        await _img.IoAsync("qcow2", "top.qcow2", "write -P 4 300k 10k", "write -z 1M 128k");
    }
}
