using System.Numerics;
using Eider.Hardware.Bus;

namespace Eider.Devices.Pci;

/// <summary>A range of addresses that a function answers, by its number among them: what a base address register describes.</summary>
/// <remarks>PCI Local Bus 3.0, section 6.2.5.1.</remarks>
public sealed record PciRegion
{
    /// <summary>Number of base address registers; the numbers from here on are for fixed ports.</summary>
    public const int BarCount = 6;

    private PciRegion(int index, PciRegionKind kind, ulong sizeBytes) => (Index, Kind, SizeBytes) = (index, kind, sizeBytes);

    /// <summary>The number: that of the (first) base address register, 0 to 5, or one above.</summary>
    public int Index { get; }

    /// <summary>What it is.</summary>
    public PciRegionKind Kind { get; }

    /// <summary>Its size in bytes or ports.</summary>
    public ulong SizeBytes { get; }

    /// <summary>True if reads have no side effect, as the register then says.</summary>
    public bool IsPrefetchable { get; private init; }

    /// <summary>The first port of <see cref="PciRegionKind.FixedPorts"/>.</summary>
    public PioAddress Port { get; private init; }

    /// <summary>True for ports, false for memory.</summary>
    public bool IsPorts => Kind is PciRegionKind.Io or PciRegionKind.FixedPorts;

    /// <summary>Ports that a base address register moves.</summary>
    /// <param name="bar">The register, 0 to 5.</param>
    /// <param name="sizePorts">How many: a power of two, 4 to 256.</param>
    /// <exception cref="ArgumentException">No such register, or no such size.</exception>
    public static PciRegion Io(int bar, int sizePorts) =>
        sizePorts is >= 4 and <= 256 && BitOperations.IsPow2(sizePorts)
            ? new PciRegion(CheckBar(bar, 1), PciRegionKind.Io, (ulong)sizePorts)
            : throw new ArgumentException($"{sizePorts} ports, expected a power of two from 4 to 256", nameof(sizePorts));

    /// <summary>Memory that one base address register moves below 4 GiB.</summary>
    /// <param name="bar">The register, 0 to 5.</param>
    /// <param name="sizeBytes">How much: a power of two, 16 bytes to 2 GiB.</param>
    /// <param name="isPrefetchable">True if reads have no side effect.</param>
    /// <exception cref="ArgumentException">No such register, or no such size.</exception>
    public static PciRegion Memory32(int bar, ulong sizeBytes, bool isPrefetchable = false) =>
        new(CheckBar(bar, 1), PciRegionKind.Memory32, CheckSize(sizeBytes, 1UL << 31)) { IsPrefetchable = isPrefetchable };

    /// <summary>Memory that two base address registers move.</summary>
    /// <param name="bar">The first register, 0 to 4.</param>
    /// <param name="sizeBytes">How much: a power of two, 16 bytes to 2^62.</param>
    /// <param name="isPrefetchable">True if reads have no side effect.</param>
    /// <exception cref="ArgumentException">No such register, or no such size.</exception>
    public static PciRegion Memory64(int bar, ulong sizeBytes, bool isPrefetchable = false) =>
        new(CheckBar(bar, 2), PciRegionKind.Memory64, CheckSize(sizeBytes, 1UL << 62)) { IsPrefetchable = isPrefetchable };

    /// <summary>Ports that stay where they are, decoded while the command register's I/O Space bit is set.</summary>
    /// <param name="index">Number of the region: 6 or more.</param>
    /// <param name="port">The first port.</param>
    /// <param name="sizePorts">How many.</param>
    /// <exception cref="ArgumentException">The number is that of a register, or the ports are none.</exception>
    public static PciRegion FixedPorts(int index, ushort port, int sizePorts)
    {
        if (index < BarCount || sizePorts < 1 || sizePorts > ushort.MaxValue || sizePorts > 0x10000 - port)
        {
            throw new ArgumentException($"no {sizePorts} fixed ports at 0x{port:x} as region {index}", nameof(index));
        }

        return new PciRegion(index, PciRegionKind.FixedPorts, (ulong)sizePorts) { Port = port };
    }

    /// <summary>The bits of the register that are not the address.</summary>
    internal uint TypeBits => Kind switch
    {
        PciRegionKind.Io => 0b1,
        PciRegionKind.Memory64 => 0b100U | (IsPrefetchable ? 0b1000U : 0),
        _ => IsPrefetchable ? 0b1000U : 0,
    };

    private static int CheckBar(int bar, int registers) =>
        bar >= 0 && bar <= BarCount - registers
            ? bar
            : throw new ArgumentException($"base address register {bar}, expected 0 to {BarCount - registers}", nameof(bar));

    private static ulong CheckSize(ulong sizeBytes, ulong most) =>
        sizeBytes >= 16 && sizeBytes <= most && BitOperations.IsPow2(sizeBytes)
            ? sizeBytes
            : throw new ArgumentException($"a region of 0x{sizeBytes:x} bytes, expected a power of two from 16 on", nameof(sizeBytes));
}
