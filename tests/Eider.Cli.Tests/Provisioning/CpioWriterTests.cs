using System.Text;
using Eider.Cli.Provisioning;

namespace Eider.Cli.Tests.Provisioning;

public sealed class CpioWriterTests
{
    [Fact]
    public async Task Cpio_itself_reads_what_was_written_and_every_owner_is_root()
    {
        using var folder = new TemporaryFolder();
        var archive = folder.At("a.cpio");
        await using (var file = File.Create(archive))
        {
            var writer = new CpioWriter(file);
            writer.AddDirectory("bin");
            writer.AddFile("bin/tool", "abc"u8, executable: true);
            writer.AddFile("data", Encoding.ASCII.GetBytes(new string('x', 4097)), executable: false);
            writer.AddLink("link", "bin/tool");
            writer.AddCharacterDevice("console", 5, 1);
            writer.Finish();
        }

        var listing = await HostTool.Find("cpio", "cpio").RunAsync(
            ["-itv", "--numeric-uid-gid", "-F", archive], TestContext.Current.CancellationToken);
        var lines = listing.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();

        Assert.Equal("drwxr-xr-x", lines.Single(line => line[^1] == "bin")[0]);
        Assert.Equal("-rwxr-xr-x", lines.Single(line => line[^1] == "bin/tool" && line[^2] != "->")[0]);
        Assert.Equal("4097", lines.Single(line => line[^1] == "data")[4]);
        Assert.Equal("lrwxrwxrwx", lines.Single(line => line[^2] == "->")[0]);
        Assert.Equal(["5,", "1"], lines.Single(line => line[^1] == "console")[4..6]);
        Assert.All(lines.Where(line => line.Length > 5), line => Assert.Equal(["0", "0"], line[2..4]));
    }
}
