using Eider.Devices.Serial;
using Eider.Devices.Virtio.Console;

namespace Eider.Machines;

/// <summary>Puts a console's host end behind the serial port.</summary>
internal sealed class ConsoleSerialPeer : ISerialPeer, IDisposable
{
    private readonly ConsoleBackend _backend;

    public ConsoleSerialPeer(ConsoleBackend backend)
    {
        _backend = backend;
        backend.Changed += BackendChanged;
    }

    public Action? Changed { get; set; }

    public int Write(ReadOnlySpan<byte> bytes) => _backend.Write(bytes);

    public int Read(Span<byte> bytes) => _backend.Read(bytes);

    public void Dispose() => _backend.Changed -= BackendChanged;

    private void BackendChanged(object? sender, EventArgs e) => Changed?.Invoke();
}
