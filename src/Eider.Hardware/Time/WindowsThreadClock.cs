using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Eider.Hardware.Time;

/// <summary>CPU time of a thread by GetThreadTimes of the Windows API.</summary>
[SupportedOSPlatform("windows")]
internal static partial class WindowsThreadClock
{
    /// <summary>Of the calling thread; null if the host refuses.</summary>
    public static TimeSpan? Elapsed =>
        GetThreadTimes(GetCurrentThread(), out _, out _, out var kernel, out var user) ? new TimeSpan(kernel + user) : null;

    [LibraryImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint GetCurrentThread();

    [LibraryImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetThreadTimes(nint thread, out long creation, out long exit, out long kernel, out long user);
}
