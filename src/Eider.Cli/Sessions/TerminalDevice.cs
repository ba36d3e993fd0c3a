using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Console;

namespace Eider.Cli.Sessions;

/// <summary>A virtio console whose handler is kept, so that the terminal's size can be told to the guest.</summary>
/// <param name="settings">The console.</param>
internal sealed class TerminalDevice(ConsoleDevice settings) : IVirtioDeviceConfig
{
    private ConsoleHandler? _handler;

    /// <inheritdoc/>
    public VirtioDevice Build() => _handler = settings.Build();

    /// <summary>Tells the guest another size; before the machine is made, nothing.</summary>
    public void Resize(ConsoleSize size) => _handler?.Resize(size);
}
