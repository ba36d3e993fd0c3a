using Eider.Devices.Interrupts;

namespace Eider.Machines;

/// <summary>Where things are on the RISC-V board: one memory map for every engine; the device tree tells the guest.</summary>
public static class BoardLayout
{
    /// <summary>First byte of RAM.</summary>
    public const ulong RamBase = 0x8000_0000;

    /// <summary>End of the RAM below device space; the rest begins at <see cref="HighRamBase"/>.</summary>
    public const ulong LowRamEnd = 0xC000_0000;

    /// <summary>First byte of the RAM that does not fit below device space.</summary>
    public const ulong HighRamBase = 0x1_0000_0000;

    /// <summary>The ROM page with ducky's hardware table; only in machines that have something of ducky's.</summary>
    public const ulong HardwareTablePageBase = 0;

    /// <summary>Where the table begins.</summary>
    public const ulong HardwareTableBase = 0x100;

    /// <summary>The first BIO; the next ones follow, 256 bytes each.</summary>
    public const ulong BioBase = 0x8400;

    /// <summary>PLIC source of the first BIO; the next ones follow.</summary>
    public const int BioFirstSource = 2;

    /// <summary>Where the program of a boot image goes: as far from the start of RAM as ducky's.</summary>
    public const ulong BootImageBase = RamBase + 0x3_0000;

    /// <summary>The power device.</summary>
    public const ulong PowerBase = 0x0010_0000;

    /// <summary>The real-time clock.</summary>
    public const ulong RtcBase = 0x0010_1000;

    /// <summary>PLIC source of the real-time clock.</summary>
    public const int RtcSource = 11;

    /// <summary>The core-local interruptor; in the device tree only with a firmware.</summary>
    public const ulong ClintBase = 0x0200_0000;

    /// <summary>The interrupt controller.</summary>
    public const ulong PlicBase = 0x0C00_0000;

    /// <summary>The serial port.</summary>
    public const ulong SerialBase = 0x1000_0000;

    /// <summary>PLIC source of the serial port.</summary>
    public const int SerialSource = 10;

    /// <summary>The first memory-mapped IDE channel; the next ones follow page by page.</summary>
    public const ulong IdeBase = 0x1001_0000;

    /// <summary>PLIC source of the first memory-mapped IDE channel; the next ones follow.</summary>
    public const int IdeFirstSource = 14;

    /// <summary>The first Simple VirtIO Block device, where its document puts it; the next ones follow page by page.</summary>
    public const ulong SvirtbBase = 0xCAFE_0000;

    /// <summary>The first virtio-mmio slot.</summary>
    public const ulong VirtioBase = 0xD000_0000;

    /// <summary>Distance of two slots, and the size of one, in bytes.</summary>
    public const ulong VirtioSlotBytes = 0x1000;

    /// <summary>PLIC source of the first slot; the next ones follow.</summary>
    public const int VirtioFirstSource = 40;

    /// <summary>Number of slots.</summary>
    public const int VirtioSlots = 32;

    /// <summary>The PCI host bridge: configuration space of all functions.</summary>
    public const ulong PciEcamBase = 0x3000_0000;

    /// <summary>The PCI host bridge: the window to the ports, 64 KiB.</summary>
    public const ulong PciPortBase = 0x0300_0000;

    /// <summary>The PCI host bridge: the window that base address registers lead into.</summary>
    public const ulong PciMemoryBase = 0x4000_0000;

    /// <summary>Size of that window in bytes.</summary>
    public const ulong PciMemoryBytes = 0x4000_0000;

    /// <summary>PLIC source of the first of the four PCI interrupt wires.</summary>
    public const int PciFirstSource = 32;

    /// <summary>Number of those wires.</summary>
    public const int PciWires = 4;

    /// <summary>The most harts that the interrupt controllers have room for.</summary>
    public const int MaxHarts = Clint.MaxHarts;

    /// <summary>Ticks a second of <c>time</c>, mtime and the real-time clock.</summary>
    public const uint TimebaseFrequencyHz = 10_000_000;

    /// <summary>The RAM regions of a machine with that much memory.</summary>
    /// <param name="memoryBytes">A multiple of 4096, at least one page.</param>
    public static (ulong Base, ulong SizeBytes)[] RamRegions(long memoryBytes)
    {
        var size = (ulong)memoryBytes;
        var low = Math.Min(size, LowRamEnd - RamBase);
        return size == low ? [(RamBase, low)] : [(RamBase, low), (HighRamBase, size - low)];
    }

    /// <summary>Base address of a virtio-mmio slot.</summary>
    public static ulong VirtioSlotBase(int slot) => VirtioBase + ((ulong)slot * VirtioSlotBytes);
}
