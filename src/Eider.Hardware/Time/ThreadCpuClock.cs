using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Eider.Hardware.Time;

/// <summary>CPU time of the calling thread, user and system together.</summary>
public static partial class ThreadCpuClock
{
    // clock_gettime(2): CLOCK_THREAD_CPUTIME_ID on Linux; the same clock on macOS (time.h there).
    private const int LinuxThreadCpuTime = 3;
    private const int MacThreadCpuTime = 16;

    /// <summary>What the calling thread used so far; null where the host does not tell.</summary>
    public static TimeSpan? Elapsed
    {
        get
        {
            if (OperatingSystem.IsLinux())
            {
                return ReadUnix(LinuxThreadCpuTime);
            }

            return OperatingSystem.IsMacOS() ? ReadUnix(MacThreadCpuTime)
                : OperatingSystem.IsWindows() ? ReadWindows()
                : null;
        }
    }

    [UnsupportedOSPlatform("windows")]
    private static TimeSpan? ReadUnix(int clock) =>
        ClockGetTime(clock, out var time) == 0
            ? new TimeSpan((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick))
            : null;

    [SupportedOSPlatform("windows")]
    private static TimeSpan? ReadWindows() =>
        GetThreadTimes(GetCurrentThread(), out _, out _, out var kernel, out var user) ? new TimeSpan(kernel + user) : null;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [UnsupportedOSPlatform("windows")]
    private static partial int ClockGetTime(int clock, out TimeSpecification time);

    [LibraryImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [SupportedOSPlatform("windows")]
    private static partial nint GetCurrentThread();

    [LibraryImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [SupportedOSPlatform("windows")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetThreadTimes(nint thread, out long creation, out long exit, out long kernel, out long user);

    // struct timespec of 64-bit hosts.
    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
