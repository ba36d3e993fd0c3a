using Eider.Machines;
using Eider.Serving.Http;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.GuestTests;

/// <summary>A stock kernel with its root in an image, made and looked at by the command.</summary>
[Trait("Category", "Slow")]
public sealed class ImageRootTests : IDisposable
{
    private const string Release = "trixie";

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task A_root_in_qcow2_is_whole_and_clean_and_a_snapshot_between_two_boots_brings_the_first_one_back()
    {
        await ImgAsync("convert", "-f", "raw", "-O", "qcow2", await RootAsync(), At("root.qcow2"));
        var written = await BootAsync(new() { Image = At("root.qcow2"), Format = "qcow2" }, GuestCommands.WriteAndHash);
        await ImgAsync("snapshot", "--create", "first", At("root.qcow2"));
        await AssertCleanAsync("root.qcow2", written);

        await BootAsync(new() { Image = At("root.qcow2"), Format = "qcow2" }, "set -e; rm /data; echo second >/second; sync");
        await AssertCleanAsync("root.qcow2", null);
        await ImgAsync("snapshot", "--apply", "first", At("root.qcow2"));
        await AssertCleanAsync("root.qcow2", written);
    }

    [Fact]
    public async Task A_root_on_a_chain_of_three_is_whole_and_clean_and_the_lower_ones_stay_as_they_are()
    {
        await ImgAsync("convert", "-f", "raw", "-O", "qcow2", await RootAsync(), At("base.qcow2"));
        await ImgAsync("create", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", At("middle.qcow2"));
        await ImgAsync("create", "-f", "qcow2", "-b", "middle.qcow2", "-F", "qcow2", At("top.qcow2"));
        var before = (await HostImage.Sha256Async(At("base.qcow2")), await HostImage.Sha256Async(At("middle.qcow2")));

        var written = await BootAsync(
            new() { Image = At("top.qcow2"), Format = "qcow2", Chain = _folder.Path }, GuestCommands.WriteAndHash);

        Assert.Equal(before, (await HostImage.Sha256Async(At("base.qcow2")), await HostImage.Sha256Async(At("middle.qcow2"))));
        await AssertCleanAsync("top.qcow2", written, "--within", _folder.Path);
    }

    [Fact]
    public async Task A_compressed_root_over_HTTP_is_fetched_once_and_the_second_boot_fetches_no_byte_of_it()
    {
        await ImgAsync("convert", "-f", "raw", "-O", "qcow2", "-c", await RootAsync(), At("small.qcow2"));
        Assert.True(new FileInfo(At("small.qcow2")).Length < new FileInfo(await RootAsync()).Length / 2);
        var served = new StatisticsStorage(FileStorage.Open(At("small.qcow2"), new FileStorageOptions { IsReadOnly = true }), TimeProvider.System);
        await using var server = RangeServer.Start(served, "small.qcow2");
        var disk = new DiskConfiguration
        {
            Image = server.Address.ToString(),
            Format = "qcow2",
            Cache = At("cache"),
            Overlay = DiskOverlay.Memory,
        };
        const string Command = "set -e; sha256sum /bin/busybox; echo kept >/mine; sync; cat /mine";

        var first = await BootAsync(disk, Command);
        var fetched = served[BlockOperation.Read].Bytes;
        var second = await BootAsync(disk, Command);

        Assert.Equal(first, second);
        Assert.True(fetched > 1 << 20, $"the first boot fetched {fetched} bytes");
        Assert.Equal(0, served[BlockOperation.Read].Bytes - fetched);
        await AssertCleanAsync("small.qcow2", null);
    }

    [Fact]
    public async Task An_encrypted_root_is_whole_and_clean_and_no_word_of_it_stands_in_the_file()
    {
        await File.WriteAllTextAsync(At("key"), "correct horse\n", TestContext.Current.CancellationToken);
        await ImgAsync(
            "convert", "-f", "raw", "-O", "qcow2", "-o", "encrypt.format=luks,encrypt.iter-time=10", "--target-key-file", At("key"), await RootAsync(),
            At("secret.qcow2"));

        var written = await BootAsync(
            new() { Image = At("secret.qcow2"), Format = "qcow2", KeyFile = At("key") },
            "set -e; yes 'a word that nobody else may read' | head -n 10000 >/words; sync\n" + GuestCommands.WriteAndHash);

        Assert.False((await File.ReadAllBytesAsync(At("secret.qcow2"), TestContext.Current.CancellationToken))
            .AsSpan().IndexOf("a word that nobody else may read"u8) >= 0);
        await AssertCleanAsync("secret.qcow2", written, "--key-file", At("key"));
    }

    public void Dispose() => _folder.Dispose();

    private string At(string name) => _folder.At(name);

    private static async Task<string> RootAsync() => (await GuestSuite.FilesAsync(Release)).Root;

    /// <summary>Boots, runs a command, powers off.</summary>
    /// <returns>What the command printed.</returns>
    private static async Task<string> BootAsync(DiskConfiguration disk, string command)
    {
        var guest = new AgentGuest(await GuestSuite.FilesAsync(Release), disk);
        var result = await guest.RunAsync(command);
        Assert.Equal((0, ""), (result.Code, result.Errors));
        Assert.Empty(guest.Exit!.HostErrors);
        return result.Output.Trim();
    }

    /// <summary>The image checks clean, and so does the file system in it; the file that the guest wrote is there.</summary>
    private async Task AssertCleanAsync(string name, string? written, params string[] access)
    {
        await ImgAsync(["check", "-f", "qcow2", .. access, At(name)]);
        await ImgAsync(["convert", "-f", "qcow2", "-O", "raw", .. access, At(name), At("out.img")]);
        await HostImage.AssertCleanAsync(At("out.img"));
        if (written != null)
        {
            Assert.Equal(written, await HostImage.Sha256InsideAsync(At("out.img"), "/data", At("data")));
        }
    }

    private static async Task ImgAsync(params string[] arguments)
    {
        var result = await EiderProcess.RunAsync(["img", .. arguments]);
        Assert.True(result.Code == 0, $"eider img {string.Join(' ', arguments)}: {result.Code}: {result.Errors}");
    }
}
