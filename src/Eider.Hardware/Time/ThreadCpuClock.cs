namespace Eider.Hardware.Time;

/// <summary>CPU time of the calling thread, user and system together.</summary>
public static class ThreadCpuClock
{
    /// <summary>What the calling thread used so far; null where the host does not tell.</summary>
    public static TimeSpan? Elapsed =>
        OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() ? UnixThreadClock.Elapsed
        : OperatingSystem.IsWindows() ? WindowsThreadClock.Elapsed
        : null;
}
