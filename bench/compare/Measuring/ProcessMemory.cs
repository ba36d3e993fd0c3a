using System.Globalization;

namespace Eider.Compare.Measuring;

/// <summary>What a process holds in RAM, from <c>/proc/PID/smaps</c>.</summary>
public static class ProcessMemory
{
    // The name of the memory file behind guest RAM.
    private const string GuestRam = "memfd:eider-ram";

    /// <summary>Resident bytes of a process, without those that are a guest's RAM.</summary>
    /// <param name="process">Its id; 0 for this one.</param>
    public static long BeyondGuestRam(int process)
    {
        var total = 0L;
        var isGuest = false;
        foreach (var line in File.ReadLines(process == 0 ? "/proc/self/smaps" : $"/proc/{process}/smaps"))
        {
            if (line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                total += isGuest ? 0 : Kibibytes(line);
            }
            else if (line.Length != 0 && char.IsAsciiHexDigitLower(line[0]))
            {
                isGuest = line.Contains(GuestRam, StringComparison.Ordinal);
            }
        }

        return total;
    }

    private static long Kibibytes(string line) =>
        long.Parse(line.AsSpan(4, line.Length - 4 - 3).Trim(), NumberStyles.None, CultureInfo.InvariantCulture) * 1024;
}
