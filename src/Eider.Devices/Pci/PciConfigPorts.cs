using System.Buffers.Binary;
using Eider.Hardware.Bus;

namespace Eider.Devices.Pci;

/// <summary>
/// Configuration mechanism 1 of PCs (PCI Local Bus 3.0, section 3.2.2.3.2): CONFIG_ADDRESS at port 0xCF8, CONFIG_DATA at
/// 0xCFC. The address takes double words only, which leaves bytes at 0xCF8 to 0xCFB to others.
/// </summary>
/// <param name="bus">The bus with number 0; there is no other.</param>
public sealed class PciConfigPorts(PciBus bus) : IDeviceIo
{
    /// <summary>The first port.</summary>
    public const ushort Port = 0xCF8;

    /// <summary>Number of ports.</summary>
    public const int SizePorts = 8;

    private const int DataOffset = 4;
    private const uint EnableBit = 1U << 31;

    // Bits 30 to 24 and 1 to 0 are reserved and read 0.
    private const uint AddressBits = EnableBit | 0x00FF_FFFC;

    private uint _address;

    /// <summary>Who answers bytes and words at the address port, by offset from it; nobody if null.</summary>
    public IDeviceIo? Beside { get; init; }

    /// <inheritdoc/>
    public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data)
    {
        if (offset.Value >= DataOffset)
        {
            var address = Volatile.Read(ref _address);
            if ((address & EnableBit) == 0)
            {
                data.Fill(0xFF);
                return BusResult.Ok;
            }

            return bus.ReadConfig(Bus(address), DevFn(address), Register(address, offset), data);
        }

        if (data.Length == 4)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data, Volatile.Read(ref _address));
            return BusResult.Ok;
        }

        return Beside?.PioRead(rangeBase, offset, data) ?? BusStatus.NoDevice;
    }

    /// <inheritdoc/>
    public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data)
    {
        if (offset.Value >= DataOffset)
        {
            var address = Volatile.Read(ref _address);
            return (address & EnableBit) == 0
                ? BusResult.Ok
                : bus.WriteConfig(Bus(address), DevFn(address), Register(address, offset), data);
        }

        if (data.Length == 4)
        {
            Volatile.Write(ref _address, BinaryPrimitives.ReadUInt32LittleEndian(data) & AddressBits);
            return BusResult.Ok;
        }

        return Beside?.PioWrite(rangeBase, offset, data) ?? BusStatus.NoDevice;
    }

    private static int Bus(uint address) => (int)(address >> 16 & 0xFF);

    private static int DevFn(uint address) => (int)(address >> 8 & 0xFF);

    private static int Register(uint address, PioAddress offset) => (int)(address & 0xFC) + (offset.Value - DataOffset);
}
