using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>The calls of Linux behind <see cref="UserNames"/>: extended attributes (xattr(7)), and whose file it is (statx(2)).</summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxAttributes
{
    /// <summary>AT_FDCWD.</summary>
    public const int CurrentFolder = -100;

    /// <summary>STATX_BASIC_STATS.</summary>
    public const uint BasicFields = 0x7FF;

    [LibraryImport("libc", EntryPoint = "setxattr", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Set(string path, string name, byte[] value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Get(string path, string name, [Out] byte[] value, nuint size);

    [LibraryImport("libc", EntryPoint = "removexattr", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Remove(string path, string name);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int GetStatus(int folder, string path, int flags, uint mask, [Out] byte[] status);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial uint GetUser();
}
