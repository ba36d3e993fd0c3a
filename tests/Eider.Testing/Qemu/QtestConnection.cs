using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Eider.Testing.Qemu;

/// <summary>QEMU with its CPU stopped and its devices at work, driven through the text protocol "qtest" on a socket.</summary>
public sealed class QtestConnection : IDisposable
{
    private readonly string _socketPath = Path.Combine(Path.GetTempPath(), $"eider-qtest-{Guid.NewGuid():n}");
    private readonly Process _process;
    private readonly Socket _socket;
    private readonly StreamReader _reader;
    private readonly HashSet<int> _raised = [];

    /// <summary>Starts QEMU.</summary>
    /// <param name="program">The program, such as <c>qemu-system-x86_64</c>.</param>
    /// <param name="arguments">Its options but those of qtest.</param>
    public QtestConnection(string program, params IEnumerable<string> arguments)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_socketPath));
        listener.Listen(1);
        _process = Process.Start(new ProcessStartInfo(
            program, ["-S", "-nodefaults", "-display", "none", "-qtest", "unix:" + _socketPath, "-qtest-log", "none", .. arguments])
        {
            RedirectStandardError = true,
        })!;
        var accepted = listener.AcceptAsync();
        if (!accepted.Wait(TimeSpan.FromSeconds(30)))
        {
            _process.Kill();
            throw new InvalidOperationException($"{program} did not come: {_process.StandardError.ReadToEnd()}");
        }

        _socket = accepted.Result;
        _reader = new StreamReader(new NetworkStream(_socket), Encoding.ASCII);
    }

    /// <summary>True while an interrupt input is up, once <c>irq_intercept_in</c> was sent.</summary>
    public bool IsRaised(int irq) => _raised.Contains(irq);

    /// <summary>Sends a command and gives what comes after OK.</summary>
    public string Send(string command)
    {
        _socket.Send(Encoding.ASCII.GetBytes(command + "\n"));
        while (_reader.ReadLine() is { } line)
        {
            if (line.StartsWith("OK", StringComparison.Ordinal))
            {
                return line[2..].Trim();
            }

            if (line.StartsWith("IRQ ", StringComparison.Ordinal))
            {
                var parts = line.Split(' ');
                var irq = int.Parse(parts[2], CultureInfo.InvariantCulture);
                _ = parts[1] == "raise" ? _raised.Add(irq) : _raised.Remove(irq);
                continue;
            }

            throw new InvalidOperationException($"{command}: {line}");
        }

        throw new InvalidOperationException($"{command}: QEMU is gone: {_process.StandardError.ReadToEnd()}");
    }

    /// <summary>Sends a command that is answered by a number.</summary>
    public ulong Read(string command) => ulong.Parse(Send(command).AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _socket.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
        File.Delete(_socketPath);
    }
}
