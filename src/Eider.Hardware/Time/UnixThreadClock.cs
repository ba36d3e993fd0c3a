using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Eider.Hardware.Time;

/// <summary>CPU time of a thread by clock_gettime(2).</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
internal static partial class UnixThreadClock
{
    // CLOCK_THREAD_CPUTIME_ID of Linux; the same clock in time.h of macOS.
    private const int LinuxThreadCpuTime = 3;
    private const int MacThreadCpuTime = 16;

    /// <summary>Of the calling thread; null if the host refuses.</summary>
    public static TimeSpan? Elapsed =>
        GetTime(OperatingSystem.IsMacOS() ? MacThreadCpuTime : LinuxThreadCpuTime, out var time) == 0
            ? new TimeSpan((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick))
            : null;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetTime(int clock, out TimeSpecification time);

    // struct timespec of 64-bit hosts.
    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
