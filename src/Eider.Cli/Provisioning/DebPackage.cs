using System.Formats.Tar;

namespace Eider.Cli.Provisioning;

/// <summary>Reads Debian packages without installing or running anything of them.</summary>
internal static class DebPackage
{
    /// <summary>Shows every entry of a package's file system archive, in its order.</summary>
    public static Task VisitAsync(string package, Action<DebEntry> visit, CancellationToken cancellationToken) =>
        HostTool.Find("dpkg-deb", "dpkg").ReadAsync(
            ["--fsys-tarfile", package],
            async stream =>
            {
                await using var reader = new TarReader(stream, leaveOpen: true);
                while (await reader.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
                {
                    var isFile = entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile;
                    visit(new DebEntry(
                        entry.Name.TrimStart('.').TrimStart('/'), entry.Length, isFile ? entry.DataStream : null));
                }
            },
            cancellationToken);
}
