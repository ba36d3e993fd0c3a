using System.Runtime.InteropServices;
using System.Text;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>
/// Which backing names inside images are the user's own. Names with a protocol (<c>json:</c>, <c>nbd:</c>) mean nothing inside
/// of an image, since a guest or a stranger may have written them; but one that this user wrote into it with this command is
/// kept beside the content too, in an extended attribute of the file, which no guest and no copied content can set.
/// </summary>
internal static partial class UserNames
{
    private const string Attribute = "user.eider.backing-name";
    private const int MaxBytes = 1023;

    /// <summary>Notes that the user wrote a backing name into an image; a plain path needs no note. It is no failure if the file system keeps none.</summary>
    /// <param name="path">The file of the image.</param>
    /// <param name="name">The name; null for none.</param>
    public static void Note(string path, string? name)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        if (name != null && NodeNames.HasProtocol(name))
        {
            var bytes = Encoding.UTF8.GetBytes(name);
            _ = SetAttribute(path, Attribute, bytes, (nuint)bytes.Length, 0);
        }
        else if (Find(path) != null)
        {
            _ = RemoveAttribute(path, Attribute);
        }
    }

    /// <summary>The backing name with a protocol that the user wrote into an image; null for none.</summary>
    public static string? Find(string path)
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(path))
        {
            return null;
        }

        var bytes = new byte[MaxBytes];
        var length = (int)GetAttribute(path, Attribute, bytes, (nuint)bytes.Length);
        return length > 0 ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }

    [LibraryImport("libc", EntryPoint = "setxattr", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetAttribute(string path, string name, byte[] value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint GetAttribute(string path, string name, byte[] value, nuint size);

    [LibraryImport("libc", EntryPoint = "removexattr", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int RemoveAttribute(string path, string name);
}
