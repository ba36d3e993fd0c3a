using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>
/// Which backing names inside images are the user's own. Names with a protocol (<c>json:</c>, <c>nbd:</c>) mean nothing inside
/// of an image, since a guest or a stranger may have written them; but one that this user wrote into it with this command is
/// noted beside the content, in an extended attribute of the file, together with the file's number. No guest and no copied
/// content can set it, a note that came along with a copy has the number of another file, and one in a file of somebody
/// else counts for nothing.
/// </summary>
internal static class UserNames
{
    private const string Attribute = "user.eider.backing-name";
    private const int MaxBytes = 2048;

    /// <summary>Notes that the user wrote a backing name into an image; a plain path needs no note. It is no failure if the file system keeps none.</summary>
    /// <param name="path">The file of the image.</param>
    /// <param name="name">The name; null for none.</param>
    public static void Note(string path, string? name)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        if (name != null && NodeNames.HasProtocol(name) && PrefixFor(path) is { } prefix)
        {
            var bytes = Encoding.UTF8.GetBytes(prefix + name);
            _ = LinuxAttributes.Set(path, Attribute, bytes, (nuint)bytes.Length, 0);
        }
        else if (Read(path) != null)
        {
            _ = LinuxAttributes.Remove(path, Attribute);
        }
    }

    /// <summary>The backing name with a protocol that the user wrote into an image; null for none.</summary>
    public static string? Find(string path) =>
        OperatingSystem.IsLinux() && Read(path) is { } note && PrefixFor(path) is { } prefix && note.StartsWith(prefix, StringComparison.Ordinal)
            ? note[prefix.Length..] : null;

    [SupportedOSPlatform("linux")]
    private static string? Read(string path)
    {
        var bytes = new byte[MaxBytes];
        var length = File.Exists(path) ? (int)LinuxAttributes.Get(path, Attribute, bytes, (nuint)bytes.Length) : 0;
        return length > 0 ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }

    /// <summary>What a note begins with: which file it is; null for a file of somebody else.</summary>
    [SupportedOSPlatform("linux")]
    private static string? PrefixFor(string path)
    {
        // The layout of struct statx is the same on every machine.
        var status = new byte[256];
        if (LinuxAttributes.GetStatus(LinuxAttributes.CurrentFolder, path, 0, LinuxAttributes.BasicFields, status) != 0)
        {
            return null;
        }

        var owner = BinaryPrimitives.ReadUInt32LittleEndian(status.AsSpan(20));
        var number = BinaryPrimitives.ReadUInt64LittleEndian(status.AsSpan(32));
        var (major, minor) = (BinaryPrimitives.ReadUInt32LittleEndian(status.AsSpan(136)), BinaryPrimitives.ReadUInt32LittleEndian(status.AsSpan(140)));
        return owner == LinuxAttributes.GetUser() ? string.Create(CultureInfo.InvariantCulture, $"{major}:{minor}:{number}:") : null;
    }
}
