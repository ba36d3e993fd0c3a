using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Eider.Cli.Provisioning;

namespace Eider.Cli.Terminal;

/// <summary>
/// The user's terminal in raw mode: every key goes to the guest. It is put back at the end, on signals, and, by a
/// small guard process that outlives this one, even when this process is killed.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class RawTerminal : IDisposable
{
    private const int Input = 0;

    // Reads the settings, waits until its input ends, and puts them back unless it was told that all is well.
    private const string GuardScript =
        """
        trap '' INT QUIT HUP TERM TSTP TTOU TTIN
        saved=$(stty -g <"$0") || exit 1
        echo ready
        read -r word
        [ "$word" = done ] || stty "$saved" <"$0"
        """;

    private readonly byte[] _saved = new byte[TerminalCalls.TermiosBytes];
    private readonly byte[] _raw = new byte[TerminalCalls.TermiosBytes];
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly Process? _guard;
    private int _restored;

    private RawTerminal()
    {
        if (TerminalCalls.GetAttributes(Input, _saved) != 0)
        {
            throw new IOException($"tcgetattr failed with error {Marshal.GetLastPInvokeError()}");
        }

        _saved.CopyTo(_raw, 0);
        TerminalCalls.MakeRaw(_raw);
        _guard = StartGuard();

        // Back from the background, somebody else's settings may be in place.
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => SetRaw()));
        SetRaw();
    }

    /// <summary>True if standard input is a terminal.</summary>
    public static bool IsPresent => TerminalCalls.IsTerminal(Input) == 1;

    /// <summary>Takes the terminal over, if standard input is one.</summary>
    public static RawTerminal? TryEnter() => IsPresent ? new RawTerminal() : null;

    /// <summary>Puts the terminal back. Callable again, and from any thread.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _restored, 1) != 0)
        {
            return;
        }

        _ = TerminalCalls.SetAttributes(Input, TerminalCalls.SetNow, _saved);
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }

        try
        {
            _guard?.StandardInput.WriteLine("done");
            _guard?.StandardInput.Close();
        }
        catch (IOException)
        {
            // Somebody ended the guard; the terminal is back already.
        }

        _guard?.Dispose();
    }

    private void SetRaw()
    {
        if (Volatile.Read(ref _restored) == 0)
        {
            _ = TerminalCalls.SetAttributes(Input, TerminalCalls.SetNow, _raw);
        }
    }

    private static Process? StartGuard()
    {
        var terminal = File.ResolveLinkTarget("/proc/self/fd/0", returnFinalTarget: false)?.FullName ?? "/dev/tty";
        string[] shell = ["/bin/sh", "-c", GuardScript, terminal];

        // In a session of its own, a signal to our process group does not reach it.
        string[] command = HostTool.Locate("setsid") is { } setsid ? [setsid, .. shell] : shell;
        try
        {
            var guard = Process.Start(new ProcessStartInfo(command[0], command[1..])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });

            // Only now has it read the settings that it would put back.
            guard?.StandardOutput.ReadLine();
            return guard;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
