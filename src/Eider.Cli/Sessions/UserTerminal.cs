using System.Runtime.InteropServices;
using Eider.Cli.Errors;
using Eider.Cli.Terminal;
using Eider.Devices.Virtio.Console;
using Microsoft.Win32.SafeHandles;

namespace Eider.Cli.Sessions;

/// <summary>
/// Joins the user's terminal, or whatever standard input and output are, with a console of the guest: keys go in,
/// output comes out, Ctrl-A X leaves, Ctrl-A C changes the disc, the window's size follows.
/// </summary>
internal sealed class UserTerminal : IDisposable
{
    private const int PieceBytes = 16 << 10;
    private const byte EndOfInput = 0x04;

    private const string Help =
        "Ctrl-A X leaves\r\neider: Ctrl-A C puts the next disc into the CD drive\r\n"
        + "eider: Ctrl-A A sends a Ctrl-A to the guest\r\neider: Ctrl-A H tells these keys";

    private readonly ConsoleEndpoint _console;
    private readonly StopSignals _stop;
    private readonly Func<ValueTask<string>> _changeDisc;
    private readonly RawTerminal? _raw;
    private readonly PosixSignalRegistration? _windowChange;

    /// <summary>Takes the terminal over.</summary>
    /// <param name="console">The host's end of the guest's console.</param>
    /// <param name="stop">Told when the user leaves.</param>
    /// <param name="resize">Told of each size of the window; null if the console has none.</param>
    /// <param name="changeDisc">Puts the next disc into the CD drive and says what became of it.</param>
    public UserTerminal(ConsoleEndpoint console, StopSignals stop, Action<ConsoleSize>? resize, Func<ValueTask<string>> changeDisc)
    {
        _changeDisc = changeDisc;
        _console = console;
        _stop = stop;
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        _raw = RawTerminal.TryEnter();
        if (_raw != null && resize != null)
        {
            _windowChange = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => resize(Size()));
        }
    }

    /// <summary>True if standard input is a terminal.</summary>
    public bool IsTerminal => _raw != null;

    /// <summary>The window's size now; 80 by 24 where there is no window.</summary>
    public static ConsoleSize Size()
    {
        // TIOCGWINSZ of Linux: rows, columns and two more of 16 bits. Console.WindowWidth would take the terminal over.
        const int RequestWindowSize = 0x5413;
        const int Output = 1;
        Span<ushort> size = stackalloc ushort[4];
        return OperatingSystem.IsLinux() && TerminalCalls.Control(Output, RequestWindowSize, size) == 0 && size[0] > 0 && size[1] > 0
            ? new ConsoleSize(size[1], size[0])
            : new ConsoleSize(80, 24);
    }

    /// <summary>Starts to hand keys to the guest, on a thread of its own: a read of a terminal cannot be cancelled.</summary>
    public void StartInput() =>
        new Thread(ReadKeys) { IsBackground = true, Name = "terminal input" }.Start();

    /// <summary>Hands output of a console on until it is closed.</summary>
    /// <param name="console">The host's end of it.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="stop">Told when the output takes no more: the guest would wait for a reader, or talk to nobody.</param>
    /// <exception cref="IOException">The output takes no more.</exception>
    public static async Task PumpOutputAsync(ConsoleEndpoint console, Stream output, StopSignals stop)
    {
        var piece = new byte[PieceBytes];
        try
        {
            while (await console.ReceiveAsync(piece, CancellationToken.None) is > 0 and var length)
            {
                await output.WriteAsync(piece.AsMemory(0, length));
                await output.FlushAsync();
            }
        }
        catch (IOException)
        {
            console.CloseOutput();
            stop.Stop(ExitCode.HostInputOutput);
            throw;
        }
    }

    /// <summary>Gives the terminal back.</summary>
    public void Dispose()
    {
        _windowChange?.Dispose();
        if (!OperatingSystem.IsWindows())
        {
            _raw?.Dispose();
        }
    }

    // On a terminal the stream of Console is an editor of lines, with an echo and a mode of its own.
    private Stream OpenInput() => IsTerminal
        ? new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0)
        : Console.OpenStandardInput();

    // Keys go on meanwhile: a change waits for what the drive reads just now.
    private void Obey(Queue<EscapeCommand> commands)
    {
        while (commands.TryDequeue(out var command))
        {
            _ = AnswerAsync(command);
        }
    }

    // The terminal is raw: an end of line takes both characters.
    private async Task AnswerAsync(EscapeCommand command)
    {
        var answer = command == EscapeCommand.Help ? Help : await _changeDisc();
        StandardError.Writer.Write($"\r\neider: {answer}\r\n");
    }

    private void ReadKeys()
    {
        try
        {
            using var input = OpenInput();
            var filter = new EscapeFilter();
            var piece = new byte[PieceBytes];
            while (input.Read(piece) is > 0 and var length)
            {
                // Without a terminal every byte is the guest's.
                var kept = IsTerminal ? filter.Filter(piece.AsSpan(0, length)) : length;
                _console.SendAsync(piece.AsMemory(0, kept), _stop.Token).AsTask().GetAwaiter().GetResult();
                if (filter.IsLeaving)
                {
                    _stop.Stop(ExitCode.Ok);
                    return;
                }

                Obey(filter.Commands);
            }

            // The end of a file is typed as a person would: the guest's terminal makes an end of it.
            _console.SendAsync(new[] { EndOfInput }, _stop.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The terminal went away, or the machine ended: nobody is left to type for.
        }
    }
}
