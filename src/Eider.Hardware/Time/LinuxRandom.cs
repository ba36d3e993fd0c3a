using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Eider.Hardware.Time;

/// <summary>The kernel's random numbers by getrandom(2).</summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxRandom
{
    private const int InterruptedCall = 4; // EINTR

    /// <summary>Fills a span.</summary>
    /// <returns>False if the call is missing (an old C library) or forbidden by a sandbox; some bytes may be filled.</returns>
    public static bool TryFill(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            nint done;
            try
            {
                done = GetRandom(destination, (nuint)destination.Length, 0);
            }
            catch (EntryPointNotFoundException)
            {
                return false;
            }

            if (done < 0 && Marshal.GetLastPInvokeError() != InterruptedCall)
            {
                return false;
            }

            destination = destination[(int)Math.Max(0, done)..];
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "getrandom", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint GetRandom(Span<byte> buffer, nuint lengthBytes, uint flags);
}
