using Eider.Storage.Operations;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Operations;

/// <summary>Commit, judged by qemu-img.</summary>
public sealed class ImageCommitterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("raw", 1)]
    [InlineData("qcow2", 1)]
    [InlineData("raw", 2)]
    [InlineData("qcow2", 2)]
    public async Task The_target_alone_reads_as_the_chain_did(string format, int depth)
    {
        MakeChain(format, "4M");
        var before = ImageFiles.ContentOf(_folder["top"], "qcow2");
        var (target, targetFormat) = depth == 1 ? ("middle", "qcow2") : ("base", format);
        await using (var image = await ImageFiles.OpenAsync(_folder["top"], "qcow2", writableDepth: depth))
        {
            var layer = ImageChainWalk.Of(image).ElementAt(depth);
            await ImageCommitter.CommitAsync(image, layer, 3, cancellationToken: Token);
        }

        Assert.Equal(before, ImageFiles.ContentOf(_folder[target], targetFormat));
        Assert.Equal(before, ImageFiles.ContentOf(_folder["top"], "qcow2"));
        QemuTools.Check(_folder["middle"]);
    }

    [Fact]
    public async Task A_smaller_target_grows_and_what_was_behind_its_end_is_kept()
    {
        MakeChain("raw", "1M");
        var before = ImageFiles.ContentOf(_folder["top"], "qcow2");
        var seen = new List<long>();
        await using (var image = await ImageFiles.OpenAsync(_folder["top"], "qcow2", writableDepth: 2))
        {
            var target = ImageChainWalk.Of(image).ElementAt(2);
            await ImageCommitter.CommitAsync(image, target, 1, (done, _) => seen.Add(done), cancellationToken: Token);
        }

        Assert.Equal(before, ImageFiles.ContentOf(_folder["base"], "raw"));
        Assert.Equal(before.Length, seen[^1]);
    }

    [Fact]
    public async Task A_target_that_is_not_behind_the_image_is_refused()
    {
        MakeChain("raw", "4M");
        await using var image = await ImageFiles.OpenAsync(_folder["top"], "qcow2");
        await Assert.ThrowsAsync<ArgumentException>(async () => await ImageCommitter.CommitAsync(image, image, cancellationToken: Token));
    }

    public void Dispose() => _folder.Dispose();

    private void MakeChain(string format, string baseSize)
    {
        QemuTools.Img("create", "-q", "-f", format, _folder["base"], baseSize);
        QemuTools.Io(_folder["base"], ["write -P 1 0 1M"], "-f", format);
        QemuTools.Img("create", "-q", "-f", "qcow2", "-b", "base", "-F", format, _folder["middle"], "5M");
        QemuTools.Io(_folder["middle"], ["write -P 2 200k 300k", "write -P 3 3M 70k", "write -z 64k 64k"], "-f", "qcow2");
        QemuTools.Img("create", "-q", "-f", "qcow2", "-b", "middle", "-F", "qcow2", _folder["top"], "6M");
        QemuTools.Io(_folder["top"], ["write -P 4 300k 10k", "write -z 3M 64k", "write -P 5 5500k 1k"], "-f", "qcow2");
    }
}
