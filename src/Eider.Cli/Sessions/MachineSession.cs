using System.Text;
using Eider.Cli.Errors;
using Eider.Machines;

namespace Eider.Cli.Sessions;

/// <summary>One machine from its configuration to its end, with its trace and its statistics.</summary>
internal sealed class MachineSession : IAsyncDisposable
{
    private const int MostHostErrors = 20;

    private readonly Machine _machine;
    private readonly TraceWriter? _trace;
    private readonly FileStream? _statistics;
    private int _hostErrors;

    private MachineSession(Machine machine, TraceWriter? trace, FileStream? statistics)
    {
        _machine = machine;
        _trace = trace;
        _statistics = statistics;
        machine.HostError += (_, failure) => TellHostError(failure.Message);
    }

    /// <summary>What was counted so far.</summary>
    public MachineStatistics Statistics => _machine.GetStatistics();

    /// <summary>Makes the machine. Everything that can be refused is refused here, and no file is made.</summary>
    /// <param name="configuration">The machine.</param>
    /// <param name="reports">What is to be reported.</param>
    /// <exception cref="MachineConfigurationException">The user's mistake.</exception>
    /// <exception cref="CliException">A report cannot be written.</exception>
    public static async Task<MachineSession> CreateAsync(MachineConfiguration configuration, RunReports reports)
    {
        reports.Check(RunReports.InputsOf(configuration));
        var trace = reports.PrepareTrace();
        configuration.Trace = trace == null ? null : new MachineTrace(trace, reports.Trace);
        var machine = await Machine.CreateAsync(configuration);
        try
        {
            // Nothing is refused from here on but for these two files themselves.
            trace?.Start();
            return new MachineSession(machine, trace, reports.CreateStatistics());
        }
        catch
        {
            trace?.Dispose();
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs it to its end, or until it is stopped; the disks are flushed then.</summary>
    public async Task<MachineExit> RunAsync(CancellationToken stop)
    {
        var exit = await _machine.RunAsync(stop);
        if (_statistics is { } file)
        {
            await file.WriteAsync(Encoding.UTF8.GetBytes(Statistics.ToJson() + "\n"), CancellationToken.None);
            await file.FlushAsync(CancellationToken.None);
        }

        return exit;
    }

    /// <summary>Tells the user of a fault, and gives the exit code of a machine that ended.</summary>
    public static int Report(MachineExit exit, StopSignals stop)
    {
        if (exit.Fault is { } fault)
        {
            StandardError.Writer.WriteLine($"eider: a fault of Eider stopped the machine ({fault.Where}): {fault.Exception.Message}");
            StandardError.Writer.WriteLine(fault.Exception);
        }

        var code = exit.Reason switch
        {
            MachineExitReason.PoweredOff => (ExitCode)(exit.Code & 0xff),
            MachineExitReason.Stopped => stop.Reason ?? ExitCode.Ok,
            MachineExitReason.Faulted => ExitCode.Internal,
            _ => ExitCode.GuestDied,
        };
        return (int)(code == ExitCode.Ok && exit.HostErrors.Count > 0 ? ExitCode.HostInputOutput : code);
    }

    /// <summary>Puts the next disc into the CD drive, as a user wants with Ctrl-A C.</summary>
    /// <returns>What became of it, in words for the user.</returns>
    public async ValueTask<string> ChangeDiscAsync()
    {
        if (_machine.CdDrives.FirstOrDefault(drive => drive.Discs.Count != 0) is not { } drive)
        {
            return "there is no disc to put in; --cdrom FILE adds a drive with a disc";
        }

        return await drive.ChangeAsync() is { } disc
            ? $"{drive.Name}: {disc.Name} is in the drive"
            : $"{drive.Name}: the guest has locked the drive, and was asked to let go; unmount the disc, then try again";
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _machine.DisposeAsync();
        _trace?.Dispose();
        if (_statistics != null)
        {
            await _statistics.DisposeAsync();
        }
    }

    // A full disk fails every write: the first few say it all.
    private void TellHostError(string message)
    {
        var number = Interlocked.Increment(ref _hostErrors);
        if (number <= MostHostErrors)
        {
            StandardError.Writer.WriteLine($"eider: {message}");
        }

        if (number == MostHostErrors)
        {
            StandardError.Writer.WriteLine("eider: further errors of the host are not shown");
        }
    }
}
