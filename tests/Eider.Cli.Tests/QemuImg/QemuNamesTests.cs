using Eider.Cli.QemuImg;

namespace Eider.Cli.Tests.QemuImg;

/// <summary>Which names the face of qemu-img gives a meaning, and which it does not.</summary>
public sealed class QemuNamesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("eider-names-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_name_with_a_protocol_inside_of_an_image_is_opened_if_the_user_wrote_it_here_and_by_nobody_else()
    {
        var json = $"json:{{\"driver\":\"raw\",\"file\":{{\"driver\":\"file\",\"filename\":\"{At("secret")}\"}}}}";
        await File.WriteAllBytesAsync(At("secret"), [.. Enumerable.Repeat((byte)7, 1 << 20)], Token);
        Assert.Equal(0, (await RunAsync("create", "-f", "qcow2", "-b", json, "-F", "raw", At("own"))).Code);
        File.Copy(At("own"), At("copied"));

        var own = await RunAsync("convert", "-O", "raw", At("own"), At("flat"));
        var copied = await RunAsync("convert", "-O", "raw", At("copied"), At("leak"));

        Assert.Equal((0, ""), own);
        Assert.Equal(await File.ReadAllBytesAsync(At("secret"), Token), await File.ReadAllBytesAsync(At("flat"), Token));
        Assert.Equal(1, copied.Code);
        Assert.Contains("No such file", copied.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(At("leak")));
    }

    [Fact]
    public async Task A_chain_of_names_in_images_is_a_chain_of_paths_also_for_info()
    {
        Assert.Equal(0, (await RunAsync("create", "-u", "-f", "qcow2", "-b", "null-co://", "-F", "raw", At("own"), "1M")).Code);
        File.Copy(At("own"), At("copied"));

        Assert.Equal(0, (await RunAsync("info", "--backing-chain", At("own"))).Code);
        Assert.Equal(1, (await RunAsync("info", "--backing-chain", At("copied"))).Code);
    }

    [Fact]
    public async Task Source_and_target_in_one_file_are_refused_and_the_file_stays()
    {
        await File.WriteAllBytesAsync(At("a"), [.. Enumerable.Repeat((byte)7, 1 << 20)], Token);

        Assert.NotEqual(0, (await RunAsync("convert", "-f", "raw", "-O", "qcow2", At("a"), At("a"))).Code);
        Assert.NotEqual(0, (await RunAsync("dd", "-f", "raw", $"if={At("a")}", $"of={At("a")}")).Code);

        Assert.Equal(Enumerable.Repeat((byte)7, 1 << 20), await File.ReadAllBytesAsync(At("a"), Token));
    }

    [Fact]
    public async Task Rules_fail_requests_and_the_failure_is_told()
    {
        await File.WriteAllTextAsync(At("rules"), "[inject-error]\nevent = \"read_aio\"\nerrno = \"5\"\nsector = \"8\"\nonce = \"on\"\n", Token);
        await File.WriteAllBytesAsync(At("a"), new byte[1 << 20], Token);

        var failed = await RunAsync("convert", "-f", "raw", "-O", "raw", $"blkdebug:{At("rules")}:{At("a")}", At("b"));
        var passed = await RunAsync("convert", "-f", "raw", "-O", "raw", $"blkdebug::{At("a")}", At("b"));

        Assert.Equal((1, "qemu-img: error while reading at byte 0: Input/output error\n"), failed);
        Assert.Equal((0, ""), passed);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private static async Task<(int Code, string Errors)> RunAsync(params string[] words)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await QemuImgCommand.RunAsync(words, new QemuOutput(output, errors), Token);
        return (code, errors.ToString());
    }
}
