using Eider.Cli.Errors;
using Eider.Devices.Virtio.Console;

namespace Eider.Cli.Sessions;

/// <summary>Consoles of a guest, joined with the terminal or with files until it is disposed.</summary>
/// <param name="stop">Told when the user leaves the terminal.</param>
/// <param name="changeDisc">Puts the next disc into the CD drive and says what became of it.</param>
internal sealed class AttachedConsoles(StopSignals stop, Func<ValueTask<string>> changeDisc) : IDisposable
{
    private readonly List<IDisposable> _held = [];
    private readonly List<Task> _pumps = [];

    /// <summary>Joins one.</summary>
    /// <param name="choice">Where it goes.</param>
    /// <param name="console">The host's end of it.</param>
    /// <param name="resize">Told of the window's size; null if the console has none.</param>
    public void Attach(ConsoleChoice choice, ConsoleEndpoint console, Action<ConsoleSize>? resize)
    {
        if (choice.IsOnTerminal)
        {
            var terminal = new UserTerminal(console, stop, resize, changeDisc);
            var output = StandardOutput.Open();
            _held.AddRange([terminal, output]);
            terminal.StartInput();
            _pumps.Add(UserTerminal.PumpOutputAsync(console, output, stop));
            return;
        }

        AttachInput(choice, console);
        AttachOutput(choice, console);
    }

    /// <summary>Waits until everything that the guest wrote has gone out; the consoles are closed before.</summary>
    public Task DrainAsync() => Task.WhenAll(_pumps);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var held in _held)
        {
            held.Dispose();
        }
    }

    private void AttachInput(ConsoleChoice choice, ConsoleEndpoint console)
    {
        if (choice.Input == null)
        {
            console.CloseInput();
            return;
        }

        _ = SendAsync(choice.Input, console, stop.Token);
    }

    private void AttachOutput(ConsoleChoice choice, ConsoleEndpoint console)
    {
        if (choice.Output == null)
        {
            console.CloseOutput();
            return;
        }

        var file = RunReports.Create("--console", choice.Output);
        _held.Add(file);
        _pumps.Add(UserTerminal.PumpOutputAsync(console, file, stop));
    }

    private static async Task SendAsync(string path, ConsoleEndpoint console, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = File.OpenRead(path);
            var piece = new byte[4096];
            while (await file.ReadAsync(piece, cancellationToken) is > 0 and var length)
            {
                await console.SendAsync(piece.AsMemory(0, length), cancellationToken);
            }

            console.CloseInput();
        }
        catch (Exception ended) when (ended is OperationCanceledException or InvalidOperationException)
        {
            // The machine ended before it had read everything.
        }
    }
}
