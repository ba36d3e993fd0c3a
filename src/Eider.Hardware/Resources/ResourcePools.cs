namespace Eider.Hardware.Resources;

/// <summary>
/// What a machine has to give to its devices. The pools hold everything; where a pool has a default range, a
/// request that names no range is met from there only, and the rest is for requests that say where.
/// </summary>
public sealed record ResourcePools
{
    // The guest-physical space of today's hosts: 46 bits.
    private const ulong LastGuestPhysical = (1UL << 46) - 1;

    // What Sv39 to Sv57 address at most: 56 bits.
    private const ulong LastRiscVPhysical = (1UL << 56) - 1;
    private const ulong FourGiB = 1UL << 32;

    /// <summary>Ports.</summary>
    public IReadOnlyList<PortRange> Ports { get; init; } = [];

    /// <summary>Where ports come from that may be anywhere; all of <see cref="Ports"/> if null.</summary>
    public PortRange? DefaultPorts { get; init; }

    /// <summary>Addresses for memory-mapped registers.</summary>
    public IReadOnlyList<AddressRange> Mmio { get; init; } = [];

    /// <summary>Where registers come from that may be anywhere; all of <see cref="Mmio"/> if null.</summary>
    public AddressRange? DefaultMmio { get; init; }

    /// <summary>Addresses for device memory that is not trapped.</summary>
    public IReadOnlyList<AddressRange> Memory { get; init; } = [];

    /// <summary>Wires to the interrupt controller, first and last.</summary>
    public (uint First, uint Last)? LegacyIrqs { get; init; }

    /// <summary>Where wires come from that may be any; all of <see cref="LegacyIrqs"/> if null.</summary>
    public (uint First, uint Last)? DefaultLegacyIrqs { get; init; }

    /// <summary>The wire that all devices share that want to; null if there is none.</summary>
    public uint? SharedIrq { get; init; }

    /// <summary>Message-signalled interrupts, first and last.</summary>
    public (uint First, uint Last)? Msi { get; init; }

    /// <summary>How many memory slots the engine has.</summary>
    public uint MemorySlots { get; init; }

    /// <summary>
    /// An x86 board under KVM: IRQ 6 to 15 and 5 for sharing, MSI 24 to 1023, all ports, registers from 3 GiB to
    /// 4 GiB without the last 64 MiB (local APIC, I/O APIC, HPET) and above all memory, 509 memory slots.
    /// </summary>
    /// <param name="lastMemoryAddress">
    /// Where memory may reach to; registers come above it. By default the lower half of the guest-physical space.
    /// </param>
    public static ResourcePools ForX86(ulong lastMemoryAddress = LastGuestPhysical >> 1) => new()
    {
        Ports = [new PortRange(0, 0xFFFF)],
        Mmio =
        [
            new AddressRange(0xC000_0000UL, 0xFBFF_FFFFUL),
            new AddressRange(Math.Max(FourGiB, lastMemoryAddress + 1), LastGuestPhysical),
        ],
        Memory = lastMemoryAddress < FourGiB
            ? [new AddressRange(0UL, Math.Min(lastMemoryAddress, 0xBFFF_FFFFUL))]
            : [new AddressRange(0UL, 0xBFFF_FFFFUL), new AddressRange(FourGiB, lastMemoryAddress)],
        LegacyIrqs = (6, 15),
        SharedIrq = 5,
        Msi = (24, 1023),
        MemorySlots = 509,
    };

    /// <summary>
    /// The RISC-V board: the PLIC's 95 sources, device space below RAM, from 3 GiB to 4 GiB and above all memory
    /// (2^46 to 2^56), ports in the PCI host bridge's window. Requests that name no place get what no specification fixes: registers from
    /// 0xE000_0000 on, sources from 72 on, ports from 0x1000 on. Message-signalled interrupts are numbered, since PCI functions
    /// have them, but the board has no controller for them.
    /// </summary>
    public static ResourcePools ForBoard() => new()
    {
        Ports = [new PortRange(0, 0xFFFF)],
        DefaultPorts = new PortRange(0x1000, 0xFFFF),
        Mmio =
        [
            new AddressRange(0UL, 0x7FFF_FFFFUL),
            new AddressRange(0xC000_0000UL, 0xFFFF_FFFFUL),
            new AddressRange(LastGuestPhysical + 1, LastRiscVPhysical),
        ],
        DefaultMmio = new AddressRange(0xE000_0000UL, 0xFFFF_FFFFUL),
        Memory = [new AddressRange(0x8000_0000UL, 0xBFFF_FFFFUL), new AddressRange(FourGiB, LastGuestPhysical)],
        LegacyIrqs = (1, 95),
        DefaultLegacyIrqs = (72, 95),
        Msi = (0, 0xFFFF),
        MemorySlots = 509,
    };
}
