using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Eider.Cli.Terminal;

/// <summary>The C library's terminal calls (POSIX.1, termios.h; ioctl_tty(2)).</summary>
[UnsupportedOSPlatform("windows")]
internal static partial class TerminalCalls
{
    private const string Library = "libc";

    /// <summary>More than any system's struct termios: 60 bytes with glibc and musl, 72 on macOS.</summary>
    public const int TermiosBytes = 128;

    /// <summary><c>tcsetattr</c> at once (Linux and macOS).</summary>
    public const int SetNow = 0;

    [LibraryImport(Library, EntryPoint = "isatty")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int IsTerminal(int descriptor);

    [LibraryImport(Library, EntryPoint = "tcgetattr", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int GetAttributes(int descriptor, Span<byte> termios);

    [LibraryImport(Library, EntryPoint = "tcsetattr", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int SetAttributes(int descriptor, int when, ReadOnlySpan<byte> termios);

    [LibraryImport(Library, EntryPoint = "cfmakeraw")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void MakeRaw(Span<byte> termios);

    /// <summary>Asks for the window's size; the request's number is Linux's.</summary>
    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Control(int descriptor, nuint request, Span<ushort> size);
}
