using Eider.Hardware.Bus;

namespace Eider.Devices.Pci;

/// <summary>
/// What is left of the memory window: an access that no function claims ends by itself, a read gives ones (PCI Local Bus 3.0,
/// section 3.3.3.1, "Master-Abort").
/// </summary>
internal sealed class PciUnclaimed : IDeviceIo
{
    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        data.Fill(0xFF);
        return BusResult.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => BusResult.Ok;
}
