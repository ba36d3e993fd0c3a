using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Eider.Compare.Processes;

/// <summary>A program that is watched from outside: what it says, how long it takes to say it, what it costs.</summary>
public sealed class HostProcess : IDisposable
{
    private readonly Process _process;
    private readonly Stream _output;
    private readonly Timer _watchdog;
    private readonly StringBuilder _seen = new();
    private readonly byte[] _piece = new byte[1 << 16];
    private readonly long _start;

    /// <summary>Starts it.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <param name="patience">Killed when it lives longer than this.</param>
    public HostProcess(IReadOnlyList<string> command, TimeSpan patience)
    {
        ArgumentNullException.ThrowIfNull(command);
        Name = Path.GetFileName(command[0]);
        var start = new ProcessStartInfo(command[0]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        _start = Stopwatch.GetTimestamp();
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.BaseStream;
        Errors = _process.StandardError.ReadToEndAsync();
        _watchdog = new Timer(_ => _process.Kill(), null, patience, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The program's name.</summary>
    public string Name { get; }

    /// <summary>Its id.</summary>
    public int Id => _process.Id;

    /// <summary>Time since it was started.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>What it says on standard error, when it has ended.</summary>
    public Task<string> Errors { get; }

    /// <summary>CPU time of all its threads so far.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            // Ticks of 10 ms that count threads that have ended, or nanoseconds that do not.
            var fields = File.ReadAllText($"/proc/{Id}/stat").Split(") ")[1].Split(' ');
            var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
            var nanoseconds = Directory.GetDirectories($"/proc/{Id}/task").Sum(ReadSchedule);
            return TimeSpan.FromMilliseconds(Math.Max(ticks * 10, nanoseconds / 1e6));
        }
    }

    /// <summary>Reads what it says until a text is there.</summary>
    /// <returns>All that was said since the last call, the text included.</returns>
    /// <exception cref="InvalidOperationException">It ended first.</exception>
    public string WaitFor(string text)
    {
        while (true)
        {
            var seen = _seen.ToString();
            var at = seen.IndexOf(text, StringComparison.Ordinal);
            if (at >= 0)
            {
                _seen.Remove(0, at + text.Length);
                return seen[..(at + text.Length)];
            }

            var length = _output.Read(_piece);
            if (length == 0)
            {
                throw new InvalidOperationException($"{Name} ended, or was stopped for its slowness, before it said '{text}': {seen} {Errors.Result}");
            }

            _seen.Append(Encoding.Latin1.GetString(_piece, 0, length));
        }
    }

    /// <summary>Types a line.</summary>
    public void Send(string line)
    {
        _process.StandardInput.Write(line + "\n");
        _process.StandardInput.Flush();
    }

    /// <summary>What it ended with.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Waits so many milliseconds for its end.</summary>
    public bool HasExited(int milliseconds) => _process.WaitForExit(milliseconds);

    /// <summary>Waits for its end.</summary>
    public void WaitForExit() => _process.WaitForExit();

    /// <summary>Lets it run to its end.</summary>
    /// <returns>CPU time of it all, as far as it was seen: up to 10 ms less.</returns>
    public TimeSpan RunToEnd()
    {
        var cpu = TimeSpan.Zero;
        while (!_process.WaitForExit(5))
        {
            try
            {
                cpu = CpuTime;
            }
            catch (IOException)
            {
                break; // it has just ended
            }
        }

        return cpu;
    }

    /// <summary>Asks it to end, and waits for that.</summary>
    public void Terminate()
    {
        using (var kill = Process.Start("kill", ["-TERM", Id.ToString(CultureInfo.InvariantCulture)]))
        {
            kill.WaitForExit();
        }

        while (_output.Read(_piece) != 0)
        {
            // What it still had to say.
        }

        _process.WaitForExit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watchdog.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static long ReadSchedule(string task)
    {
        try
        {
            return long.Parse(File.ReadAllText(task + "/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0; // the thread has just ended
        }
    }
}
