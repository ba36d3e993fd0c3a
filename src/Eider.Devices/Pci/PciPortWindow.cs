using Eider.Hardware.Bus;

namespace Eider.Devices.Pci;

/// <summary>Ports of PCI for processors that have none: each byte of the window is the port with its number.</summary>
/// <param name="io">The machine's bus, where the ports are.</param>
public sealed class PciPortWindow(IoManager io) : IDeviceIo
{
    /// <summary>Size of the window in bytes.</summary>
    public const ulong SizeBytes = 0x10000;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        if (data.Length is not (1 or 2 or 4))
        {
            return BusStatus.InvalidSize;
        }

        // A port without a device reads ones, which is an answer: guests look for devices that way.
        var result = io.PioRead((ushort)offset.Value, data);
        return result.Status == BusStatus.Pending ? result : BusResult.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        if (data.Length is not (1 or 2 or 4))
        {
            return BusStatus.InvalidSize;
        }

        var result = io.PioWrite((ushort)offset.Value, data);
        return result.Status == BusStatus.Pending ? result : BusResult.Ok;
    }
}
