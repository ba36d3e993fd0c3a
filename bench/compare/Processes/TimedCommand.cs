using System.Globalization;

namespace Eider.Compare.Processes;

/// <summary>A command that is run again and again to its end; keeps the least wall and CPU time, both by the shell's <c>time</c>.</summary>
/// <param name="command">Program and arguments.</param>
public sealed class TimedCommand(IReadOnlyList<string> command)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Least seconds that passed.</summary>
    public double Wall { get; private set; } = double.MaxValue;

    /// <summary>Least seconds of CPU, of user and kernel together.</summary>
    public double Cpu { get; private set; } = double.MaxValue;

    /// <summary>Runs it once.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public void Run()
    {
        using var shell = new HostProcess(
            ["bash", "-c", "TIMEFORMAT='%R %U %S'; { time \"$@\" </dev/null >/dev/null 2>&3; } 3>&1", "bash", .. command], Patience);
        shell.WaitForExit();
        var times = shell.Errors.Result.Trim().Split(' ');
        if (shell.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)} failed with {shell.ExitCode}");
        }

        Wall = Math.Min(Wall, Seconds(times[0]));
        Cpu = Math.Min(Cpu, Seconds(times[1]) + Seconds(times[2]));
    }

    private static double Seconds(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
