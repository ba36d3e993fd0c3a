namespace Eider.Machines.Fdt;

/// <summary>What the device tree says about a machine.</summary>
public sealed record BoardDescription
{
    /// <summary>RAM regions, by address.</summary>
    public required IReadOnlyList<(ulong Base, ulong SizeBytes)> Ram { get; init; }

    /// <summary>Number of harts.</summary>
    public required int Harts { get; init; }

    /// <summary>What a hart can do, for <c>riscv,isa</c>, such as <c>rv64imafdc_zicsr</c>.</summary>
    public required string IsaString { get; init; }

    /// <summary>The same as single names, for <c>riscv,isa-extensions</c>.</summary>
    public required IReadOnlyList<string> IsaExtensions { get; init; }

    /// <summary>The widest address translation, such as <c>riscv,sv57</c>.</summary>
    public required string MmuType { get; init; }

    /// <summary>The kernel's command line.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>Where the initial ramdisk lies; null without one.</summary>
    public (ulong Base, ulong SizeBytes)? Initrd { get; init; }

    /// <summary>Fresh random bytes for the kernel's pool; empty for none.</summary>
    public ReadOnlyMemory<byte> RandomSeed { get; init; }

    /// <summary>True if the tree names the CLINT: machine-mode software uses it.</summary>
    public bool HasClint { get; init; }

    /// <summary>Base address of the power device.</summary>
    public ulong Power { get; init; } = BoardLayout.PowerBase;

    /// <summary>Base address and PLIC source of the real-time clock.</summary>
    public (ulong Base, int Source) Rtc { get; init; } = (BoardLayout.RtcBase, BoardLayout.RtcSource);

    /// <summary>Base address and PLIC source of the serial port.</summary>
    public (ulong Base, int Source) Serial { get; init; } = (BoardLayout.SerialBase, BoardLayout.SerialSource);

    /// <summary>The memory-mapped IDE channels: base address, PLIC source and distance of registers (as a power of two) of each.</summary>
    public IReadOnlyList<(ulong Base, int Source, int RegisterShift)> IdeChannels { get; init; } = [];

    /// <summary>Memory-mapped devices of the caller's own: name, compatible, base address, size in bytes and PLIC source of each.</summary>
    public IReadOnlyList<(string Name, string Compatible, ulong Base, ulong SizeBytes, int? Source)> CustomDevices { get; init; } = [];

    /// <summary>The Simple VirtIO Block devices: base address and distance of two entries of the ring in bytes of each.</summary>
    public IReadOnlyList<(ulong Base, int StrideBytes)> SvirtbDevices { get; init; } = [];

    /// <summary>The BIO devices: base address, PLIC source (null for one that does not interrupt) and ids of the storages of each.</summary>
    public IReadOnlyList<(ulong Base, int? Source, IReadOnlyList<uint> Sids)> BioDevices { get; init; } = [];

    /// <summary>The mapped files: base address and size in bytes of each.</summary>
    public IReadOnlyList<(ulong Base, ulong SizeBytes)> MappedFiles { get; init; } = [];

    /// <summary>True if there is ducky's hardware table; it stands where <see cref="BoardLayout"/> says.</summary>
    public bool HasHardwareTable { get; init; }

    /// <summary>True if there is a PCI bus; it stands where <see cref="BoardLayout"/> says.</summary>
    public bool HasPci { get; init; }

    /// <summary>The virtio-mmio devices: base address and PLIC source of each, in the order of their slots.</summary>
    public IReadOnlyList<(ulong Base, int Source)> VirtioDevices { get; init; } = [];
}
