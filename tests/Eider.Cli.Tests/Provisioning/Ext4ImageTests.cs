using Eider.Cli.Provisioning;

namespace Eider.Cli.Tests.Provisioning;

public sealed class Ext4ImageTests
{
    [Fact]
    public async Task The_image_is_clean_sparse_owned_by_root_and_has_room()
    {
        using var folder = new TemporaryFolder();
        var token = TestContext.Current.CancellationToken;
        Directory.CreateDirectory(folder.At("tree/sub"));
        await File.WriteAllTextAsync(folder.At("tree/sub/file"), "content", token);
        File.CreateSymbolicLink(folder.At("tree/link"), "sub/file");

        // Somebody else's files, where this runs as root and may say so.
        if (Environment.IsPrivilegedProcess)
        {
            await HostTool.Find("chown", "coreutils").RunAsync(["-hR", "12345:23456", folder.At("tree")], token);
        }

        var image = folder.At("root.img");
        await Ext4Image.BuildAsync(folder.At("tree"), image, token);

        var debugfs = HostTool.Find("debugfs", "e2fsprogs");
        foreach (var path in (string[])["/", "/sub", "/sub/file", "/link", "/lost+found"])
        {
            var stat = await debugfs.RunAsync(["-R", $"stat {path}", image], token);
            Assert.Matches(@"User:\s+0\s+Group:\s+0\s", stat);
        }

        var header = await HostTool.Find("dumpe2fs", "e2fsprogs").RunAsync(["-h", image], token);
        foreach (var feature in (string[])["has_journal", "extent", "metadata_csum", "64bit"])
        {
            Assert.Matches($@"Filesystem features:.*\b{feature}\b", header);
        }

        Assert.Equal("content", (await debugfs.RunAsync(["-R", "cat /sub/file", image], token)).Split("debugfs")[0].TrimEnd());
        await HostTool.Find("fsck.ext4", "e2fsprogs").RunAsync(["-fn", image], token);
        var usage = await HostTool.Find("du", "coreutils").RunAsync(["-k", image], token);
        Assert.InRange(int.Parse(usage.Split('\t')[0], System.Globalization.CultureInfo.InvariantCulture), 1, 40_000);
        Assert.True(new FileInfo(image).Length > Ext4Image.FreeBytes);
    }
}
