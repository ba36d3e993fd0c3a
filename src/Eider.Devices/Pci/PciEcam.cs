using Eider.Hardware.Bus;

namespace Eider.Devices.Pci;

/// <summary>
/// Configuration spaces in memory: 4 KiB for each function of 256 buses (PCI Express 5.0, section 7.2.2, "Enhanced
/// Configuration Access Mechanism"). Accesses are 1, 2 or 4 bytes wide and aligned.
/// </summary>
/// <param name="bus">The bus with number 0; there is no other.</param>
public sealed class PciEcam(PciBus bus) : IDeviceIo
{
    /// <summary>Size of the window in bytes.</summary>
    public const ulong SizeBytes = 256UL << 20;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) =>
        IsAligned(offset.Value, data.Length)
            ? bus.ReadConfig(Bus(offset.Value), DevFn(offset.Value), Register(offset.Value), data)
            : BusStatus.Unaligned;

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) =>
        IsAligned(offset.Value, data.Length)
            ? bus.WriteConfig(Bus(offset.Value), DevFn(offset.Value), Register(offset.Value), data)
            : BusStatus.Unaligned;

    private static bool IsAligned(ulong offset, int width) => offset % (uint)width == 0;

    private static int Bus(ulong offset) => (int)(offset >> 20);

    private static int DevFn(ulong offset) => (int)(offset >> 12 & 0xFF);

    private static int Register(ulong offset) => (int)(offset & 0xFFF);
}
