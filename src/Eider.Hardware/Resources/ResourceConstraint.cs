namespace Eider.Hardware.Resources;

/// <summary>
/// One thing that a device asks for, and the conditions that it makes. One of eight kinds. A range is inclusive at
/// both ends and the whole block must lie in it; an alignment is a power of two, 0 and 1 meaning none.
/// </summary>
/// <remarks>The kinds and their defaults are those of dbs-device 0.2.</remarks>
public abstract record ResourceConstraint
{
    private protected ResourceConstraint()
    {
    }

    /// <summary>Ports.</summary>
    /// <param name="Size">How many.</param>
    /// <param name="Range">Where; anywhere if null.</param>
    /// <param name="Align">Alignment of the first one.</param>
    public sealed record PioAddress(ushort Size, PortRange? Range = null, ushort Align = 1) : ResourceConstraint;

    /// <summary>Memory-mapped registers.</summary>
    /// <param name="Size">Bytes.</param>
    /// <param name="Range">Where; anywhere if null.</param>
    /// <param name="Align">Alignment in bytes; a page by default.</param>
    public sealed record MmioAddress(ulong Size, AddressRange? Range = null, ulong Align = 0x1000) : ResourceConstraint;

    /// <summary>Device memory that is not trapped.</summary>
    /// <param name="Size">Bytes.</param>
    /// <param name="Range">Where; anywhere if null.</param>
    /// <param name="Align">Alignment in bytes; a page by default.</param>
    public sealed record MemAddress(ulong Size, AddressRange? Range = null, ulong Align = 0x1000) : ResourceConstraint;

    /// <summary>A wire to the interrupt controller.</summary>
    /// <param name="Irq">Which one; any if null.</param>
    public sealed record LegacyIrq(uint? Irq = null) : ResourceConstraint;

    /// <summary>PCI MSI vectors: a block aligned to its size, rounded up to a power of two.</summary>
    /// <param name="Size">How many.</param>
    public sealed record PciMsiIrq(uint Size) : ResourceConstraint;

    /// <summary>PCI MSI-X vectors.</summary>
    /// <param name="Size">How many.</param>
    public sealed record PciMsixIrq(uint Size) : ResourceConstraint;

    /// <summary>Message-signalled interrupts outside of PCI.</summary>
    /// <param name="Size">How many.</param>
    public sealed record GenericIrq(uint Size) : ResourceConstraint;

    /// <summary>Consecutive slots of the engine for memory regions.</summary>
    /// <param name="Slot">The first one; any if null.</param>
    /// <param name="Size">How many; each becomes a resource of its own.</param>
    public sealed record MemorySlot(ushort? Slot = null, ushort Size = 1) : ResourceConstraint;
}
