using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Eider.Devices.Virtio.Console;

namespace Eider.Cli.Sessions;

/// <summary>
/// The host's side of the guest's agent (guests/quickstart/agent): sends a command, gives its output and errors to
/// two streams, takes its exit code.
/// </summary>
internal sealed class GuestAgentClient
{
    /// <summary>Name of the port for the conversation.</summary>
    public const string ControlPort = "eider.control";

    /// <summary>Name of the port of the command's output.</summary>
    public const string OutputPort = "eider.stdout";

    /// <summary>Name of the port of the command's errors.</summary>
    public const string ErrorPort = "eider.stderr";

    private const int PieceBytes = 64 << 10;
    private const int LongestLine = 256;

    private readonly string _mark = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>The host's end of <see cref="ControlPort"/>.</summary>
    public ConsoleEndpoint Control { get; } = new();

    /// <summary>The host's end of <see cref="OutputPort"/>.</summary>
    public ConsoleEndpoint Output { get; } = new();

    /// <summary>The host's end of <see cref="ErrorPort"/>.</summary>
    public ConsoleEndpoint Errors { get; } = new();

    /// <summary>The ports, for the guest's console device.</summary>
    public IReadOnlyList<ConsolePort> Ports =>
        [new(ControlPort, Control), new(OutputPort, Output), new(ErrorPort, Errors)];

    /// <summary>Runs one command. Returns after its output has been handed on whole.</summary>
    /// <param name="command">For <c>sh -c</c>.</param>
    /// <param name="output">Takes its standard output.</param>
    /// <param name="errors">Takes its standard error.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>The exit code, or null if the guest ended before the command did.</returns>
    public async Task<int?> RunAsync(string command, Stream output, Stream errors, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var both = Task.WhenAll(PumpAsync(Output, output, failed), PumpAsync(Errors, errors, failed));
        int? code;
        try
        {
            code = await TalkAsync(command, failed.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // A pump ended it: its failure is what is to be told.
            await both;
            throw;
        }

        await both;
        if (code != null)
        {
            await Control.SendAsync("off\n", cancellationToken);
        }

        return code;
    }

    /// <summary>The machine has stopped: nothing more will come; what has come is handed on.</summary>
    public void MachineStopped()
    {
        Control.Close();
        Output.Close();
        Errors.Close();
    }

    private async Task SendAsync(string command, CancellationToken cancellationToken)
    {
        var script = Encoding.UTF8.GetBytes(command);
        await Control.SendAsync($"run {script.Length} {_mark}\n", cancellationToken);
        await Control.SendAsync(script, cancellationToken);
    }

    private async Task<int?> TalkAsync(string command, CancellationToken cancellationToken)
    {
        while (await ReadLineAsync(cancellationToken) is { } line)
        {
            if (line == "ready")
            {
                await SendAsync(command, cancellationToken);
            }
            else if (line.StartsWith("exit ", StringComparison.Ordinal)
                && int.TryParse(line.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                return value & 0xff;
            }
        }

        return null;
    }

    private async Task PumpAsync(ConsoleEndpoint port, Stream target, CancellationTokenSource failed)
    {
        var marked = new MarkedStream(Encoding.ASCII.GetBytes(_mark), target);
        var piece = new byte[PieceBytes];
        try
        {
            while (!marked.IsEnded && await port.ReceiveAsync(piece, failed.Token) is > 0 and var length)
            {
                await marked.WriteAsync(piece.AsMemory(0, length), failed.Token);
            }

            if (!marked.IsEnded)
            {
                await marked.EndAsync(failed.Token);
            }
        }
        catch (IOException)
        {
            // Nobody takes it any more, and the command may go on without end.
            await failed.CancelAsync();
            throw;
        }
    }

    private async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (line.Length < LongestLine && await Control.ReceiveAsync(one, cancellationToken) > 0)
        {
            if (one[0] == '\n')
            {
                return line.ToString();
            }

            line.Append((char)one[0]);
        }

        return null;
    }
}
