using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;

namespace Eider.Devices.Pci;

/// <summary>
/// Where messages go on a board without a controller for them: a message is a write of a double word (PCI Local Bus 3.0,
/// section 6.8), so it lands in RAM, where the guest looks for it, or in the one device that the board lets it reach.
/// </summary>
/// <param name="memory">The guest's RAM.</param>
public sealed class PciMessageSink(GuestMemory memory) : IMsiSink
{
    private IDeviceIo? _target;
    private ulong _base;
    private ulong _sizeBytes;
    private long _dropped;

    /// <summary>Messages that went nowhere.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Lets messages reach a device: such as the software interrupts of harts. Before the machine runs.</summary>
    /// <param name="target">The device; its handler must not block and raises no message itself.</param>
    /// <param name="base">The first address.</param>
    /// <param name="sizeBytes">How many bytes from there on.</param>
    public void Reach(IDeviceIo target, IoAddress @base, ulong sizeBytes) => (_target, _base, _sizeBytes) = (target, @base.Value, sizeBytes);

    /// <inheritdoc/>
    public void Send(uint vector, in MsiMessage message)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, message.Data);
        if (_target is { } target && message.Address >= _base && message.Address - _base < _sizeBytes)
        {
            target.Write(_base, message.Address - _base, data);
        }
        else if (!memory.TryWrite(message.Address, data))
        {
            Interlocked.Increment(ref _dropped);
        }
    }
}
