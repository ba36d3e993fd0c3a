using Eider.Hardware.Bus;

namespace Eider.Devices.Pci;

/// <summary>
/// The reset control register of the PIIX, a PCI chip of Intel, at port 0xCF9 (82371SB, order 290550), beside the configuration address: bit 2
/// going from 0 to 1 resets, bit 1 says that the whole board is meant.
/// </summary>
/// <param name="reset">
/// Called when the guest asks for it, with true for a reset of the whole board; what it answers is the answer to the guest's write, which
/// may be pending until the reset is over. Must not block or throw.
/// </param>
public sealed class PiixResetControl(Func<bool, BusResult> reset) : IDeviceIo
{
    private const int Offset = 0xCF9 - PciConfigPorts.Port;
    private const int ResetBit = 1 << 2;
    private const int BoardBit = 1 << 1;

    private int _value;

    /// <inheritdoc/>
    public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data)
    {
        if (offset.Value != Offset || data.Length != 1)
        {
            return BusStatus.NoDevice;
        }

        data[0] = (byte)Volatile.Read(ref _value);
        return BusResult.Ok;
    }

    /// <inheritdoc/>
    public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data)
    {
        if (offset.Value != Offset || data.Length != 1)
        {
            return BusStatus.NoDevice;
        }

        var before = Interlocked.Exchange(ref _value, data[0] & (ResetBit | BoardBit));
        if ((before & ResetBit) == 0 && (data[0] & ResetBit) != 0)
        {
            Volatile.Write(ref _value, data[0] & BoardBit);
            return reset((data[0] & BoardBit) != 0);
        }

        return BusResult.Ok;
    }
}
