using System.Globalization;

namespace Eider.Compare.Processes;

/// <summary>The most memory that a command has resident while it runs.</summary>
public static class PeakMemory
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs a command to its end and looks at its peak (<c>VmHWM</c>) every few milliseconds.</summary>
    /// <returns>Mebibytes.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static double Of(IReadOnlyList<string> command)
    {
        using var process = new HostProcess(command, Patience);
        var peak = 0.0;
        while (!process.HasExited(5))
        {
            peak = Math.Max(peak, Now(process.Id));
        }

        return process.ExitCode == 0 ? peak : throw new InvalidOperationException($"{string.Join(' ', command)} failed: {process.Errors.Result}");
    }

    private static double Now(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.AsSpan(6, line.Length - 6 - 3).Trim(), NumberStyles.None, CultureInfo.InvariantCulture) / 1024.0;
        }
        catch (IOException)
        {
            return 0; // it has just ended
        }
    }
}
