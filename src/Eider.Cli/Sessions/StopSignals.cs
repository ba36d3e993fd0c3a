using System.Runtime.InteropServices;
using Eider.Cli.Errors;

namespace Eider.Cli.Sessions;

/// <summary>
/// Turns the signals that end a program into a wish to stop: the machine ends between two instructions, its disks
/// are flushed, then the process exits with the signal's code.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _exitCode = -1;

    /// <summary>Takes the signals over until it is disposed.</summary>
    public StopSignals()
    {
        foreach (var (signal, code) in ((PosixSignal, ExitCode)[])[
            (PosixSignal.SIGINT, ExitCode.Interrupted), (PosixSignal.SIGTERM, ExitCode.Terminated),
            (PosixSignal.SIGHUP, ExitCode.Terminated), (PosixSignal.SIGQUIT, ExitCode.Interrupted)])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Stop(code);
            }));
        }
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>The code that belongs to what stopped it; null if nothing did.</summary>
    public ExitCode? Reason => Volatile.Read(ref _exitCode) is >= 0 and var code ? (ExitCode)code : null;

    /// <summary>Stops as a signal does.</summary>
    public void Stop(ExitCode code)
    {
        if (Interlocked.CompareExchange(ref _exitCode, (int)code, -1) == -1)
        {
            _stop.Cancel();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }
}
