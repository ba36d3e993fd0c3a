using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Devices.Ide;

/// <summary>A channel at fixed ports without a PCI function, as on old PCs: eight of the command block and one of the control block. PIO only.</summary>
/// <param name="channel">The channel; stays the caller's to dispose of.</param>
/// <param name="commandPort">The first of the eight: 0x1F0 or 0x170 by custom.</param>
/// <param name="controlPort">The one: 0x3F6 or 0x376 by custom.</param>
public sealed class IdeLegacyPorts(IdeChannel channel, PioAddress commandPort, PioAddress controlPort) : IDeviceIo
{
    private const int CommandPorts = 8;

    /// <inheritdoc/>
    public DeviceResources AssignedResources { get; } = new(
        new Resource.PioAddressRange(commandPort, CommandPorts), new Resource.PioAddressRange(controlPort, 1));

    /// <inheritdoc/>
    public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data) => rangeBase == controlPort
        ? IdeDecode.ReadControl(channel, offset.Value, data)
        : channel.ReadCommandBlock(offset.Value, data);

    /// <inheritdoc/>
    public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data) => rangeBase == controlPort
        ? IdeDecode.WriteControl(channel, offset.Value, data)
        : channel.WriteCommandBlock(offset.Value, data);
}
