using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Eider.Testing.Qemu;

/// <summary>
/// A QEMU machine whose processor stands still, driven access by access over its qtest socket: text lines such as
/// <c>outl 0xcf8 0x80000000</c>, one answer each.
/// </summary>
public sealed class QtestMachine : IAsyncDisposable
{
    private readonly Process _qemu;
    private readonly Socket _socket;
    private readonly StreamReader _reader;
    private readonly NetworkStream _stream;
    private readonly string _path;

    private QtestMachine(Process qemu, Socket socket, string path)
    {
        _qemu = qemu;
        _socket = socket;
        _path = path;
        _stream = new NetworkStream(socket);
        _reader = new StreamReader(_stream, Encoding.ASCII);
    }

    /// <summary>Lines such as <c>IRQ raise 14</c> that came between answers.</summary>
    public IList<string> Interrupts { get; } = [];

    /// <summary>Starts one.</summary>
    /// <param name="program">Such as <c>qemu-system-x86_64</c>; it must be installed.</param>
    /// <param name="arguments">Machine and devices; the rest is added.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<QtestMachine> StartAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var path = Path.Combine(Path.GetTempPath(), $"eider-qtest-{Guid.NewGuid():n}");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        var qemu = Process.Start(new ProcessStartInfo(
            program, [.. arguments, "-S", "-nodefaults", "-display", "none", "-qtest", $"unix:{path}", "-qtest-log", "none"]))!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        return new QtestMachine(qemu, await listener.AcceptAsync(patience.Token), path);
    }

    /// <summary>Sends one command.</summary>
    /// <returns>The answer without its <c>OK</c>: empty, or a value as QEMU writes it.</returns>
    public async Task<string> SendAsync(string command, CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\n"), cancellationToken);
        while (await _reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("IRQ ", StringComparison.Ordinal))
            {
                Interrupts.Add(line);
                continue;
            }

            return line.StartsWith("OK", StringComparison.Ordinal) ? line[2..].Trim() : throw new InvalidDataException($"{command}: {line}");
        }

        throw new EndOfStreamException($"{command}: QEMU ended");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _reader.Dispose();
        await _stream.DisposeAsync();
        _socket.Dispose();
        _qemu.Kill();
        await _qemu.WaitForExitAsync();
        _qemu.Dispose();
        File.Delete(_path);
    }
}
