using System.Globalization;
using System.Text;
using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>Makes an ext4 image of a folder with e2fsprogs: sparse, without root rights, every owner 0:0.</summary>
internal static class Ext4Image
{
    /// <summary>What is free in it, at least, for whoever boots it.</summary>
    public const long FreeBytes = 256L << 20;

    private const long Granule = 16L << 20;
    private const string Package = "e2fsprogs";
    private const int BlockBytes = 4096;

    // mke2fs.conf(5): ext4 as distributions make it.
    private const string Configuration =
        """
        [defaults]
            base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
            default_mntopts = acl,user_xattr
            blocksize = 4096
            inode_size = 256
            inode_ratio = 16384
        [fs_types]
            ext4 = {
                features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
            }

        """;

    /// <summary>Makes the image and checks it.</summary>
    /// <param name="tree">The folder.</param>
    /// <param name="image">The file; made anew.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="CliException">A tool is missing or failed.</exception>
    public static async Task BuildAsync(string tree, string image, CancellationToken cancellationToken)
    {
        var entries = Directory.GetFileSystemEntries(tree, "*", SearchOption.AllDirectories);
        await using (var file = File.Create(image))
        {
            file.SetLength(SizeFor(entries));
        }

        // Not the host's configuration: the same features everywhere. The tables are written now, else the guest's
        // kernel does it in the background of its first minutes.
        var configuration = $"{image}.mke2fs";
        await File.WriteAllTextAsync(configuration, Configuration, cancellationToken);
        await HostTool.Find("mke2fs", Package).RunAsync(
            ["-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-L", "eider-root",
                "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0", "-d", tree, image],
            cancellationToken, new Dictionary<string, string> { ["MKE2FS_CONFIG"] = configuration });
        File.Delete(configuration);
        await OwnByRootAsync(image, entries.Select(entry => "/" + Path.GetRelativePath(tree, entry)), cancellationToken);
        await HostTool.Find("e2fsck", Package).RunAsync(["-fn", image], cancellationToken);
        await RequireFreeAsync(image, cancellationToken);
    }

    private static long SizeFor(IEnumerable<string> entries)
    {
        var content = entries.Where(entry => new FileInfo(entry) is { LinkTarget: null, Exists: true })
            .Sum(entry => (new FileInfo(entry).Length + BlockBytes - 1) / BlockBytes * BlockBytes);

        // Inode tables, bitmaps, journal: about a twentieth and 24 MiB; the check below holds it to its word.
        var size = content + FreeBytes + ((content + FreeBytes) / 16) + (32L << 20);
        return (size + Granule - 1) / Granule * Granule;
    }

    // mke2fs takes over the owners of the folder's files, which are the caller's.
    private static async Task OwnByRootAsync(string image, IEnumerable<string> paths, CancellationToken cancellationToken)
    {
        var script = $"{image}.debugfs";
        var text = new StringBuilder();
        foreach (var path in paths.Append("/").Append("/lost+found"))
        {
            text.Append(CultureInfo.InvariantCulture, $"sif \"{path}\" uid 0\nsif \"{path}\" gid 0\n");
        }

        await File.WriteAllTextAsync(script, text.ToString(), cancellationToken);
        var output = await HostTool.Find("debugfs", Package).RunAsync(["-w", "-f", script, image], cancellationToken);
        File.Delete(script);

        // It exits with 0 whatever happened, and echoes each command.
        var complaints = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith("debugfs", StringComparison.Ordinal)).ToList();
        if (complaints.Count > 0)
        {
            throw new CliException(ExitCode.Unavailable, $"debugfs could not set the owners: {complaints[0]}");
        }
    }

    private static async Task RequireFreeAsync(string image, CancellationToken cancellationToken)
    {
        var header = await HostTool.Find("dumpe2fs", Package).RunAsync(["-h", image], cancellationToken);
        var line = header.Split('\n').FirstOrDefault(text => text.StartsWith("Free blocks:", StringComparison.Ordinal));
        if (line == null || !long.TryParse(line.Split(':')[1], out var blocks) || blocks * BlockBytes < FreeBytes)
        {
            throw new CliException(
                ExitCode.Internal, $"{image}: {line ?? "no count of free blocks"}, expected {FreeBytes / BlockBytes} or more");
        }
    }
}
