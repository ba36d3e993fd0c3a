using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Devices.Virtio.Console;

namespace Eider.Machines;

/// <summary>
/// What a machine is made of: an object to fill in, or a file (<see cref="MachineFile"/>). Nothing is checked until
/// the machine is made from it.
/// </summary>
public sealed record MachineConfiguration
{
    /// <summary>Where a file's schema is, for editors; nothing reads it.</summary>
    [JsonPropertyName("$schema")]
    [Description("Where the schema is, for editors.")]
    public string? Schema { get; set; }

    /// <summary>Size of the RAM, a multiple of 4096 bytes.</summary>
    [JsonConverter(typeof(ByteSizeJsonConverter))]
    [Description("Size of the RAM, as a number of bytes or as text such as \"512M\".")]
    public ByteSize Memory { get; set; } = new(512L << 20);

    /// <summary>Number of harts, 1 to 8.</summary>
    [Description("Number of harts, 1 to 8.")]
    public int Harts { get; set; } = 1;

    /// <summary>Path of the kernel (flat Image, Image.gz, ELF) or of a bare-metal program (ELF).</summary>
    [Description("The kernel (flat Image, Image.gz or ELF) or a bare-metal program (ELF); a path relative to the machine file.")]
    public string? Kernel { get; set; }

    /// <summary>Path of a boot image of ducky instead of a kernel: its program goes to 0x80030000 and begins there.</summary>
    [Description("A boot image of ducky (eider bootimage) instead of a kernel: its program goes to 0x80030000 and begins there; a path relative to the machine file.")]
    public string? BootImage { get; set; }

    /// <summary>Path of the initial ramdisk.</summary>
    [Description("The initial ramdisk; a path relative to the machine file.")]
    public string? Initrd { get; set; }

    /// <summary>The kernel's command line.</summary>
    [Description("The kernel's command line.")]
    public string CommandLine { get; set; } = "";

    /// <summary>Path of a machine-mode firmware such as OpenSBI instead of the built-in one.</summary>
    [Description("A machine-mode firmware such as OpenSBI instead of the built-in one; a path relative to the machine file.")]
    public string? Firmware { get; set; }

    /// <summary>The disks, vda first.</summary>
    [Description("The disks, vda first.")]
    public IReadOnlyList<DiskConfiguration> Disks { get; set; } = [];

    /// <summary>IDE controllers with their disks and CD drives.</summary>
    [Description("IDE controllers with their disks and CD drives.")]
    public IReadOnlyList<IdeConfiguration> Ide { get; set; } = [];

    /// <summary>Simple VirtIO Block devices.</summary>
    [Description("Simple VirtIO Block devices (KeOS), each with its disk.")]
    public IReadOnlyList<SvirtbConfiguration> Svirtb { get; set; } = [];

    /// <summary>BIO devices (ducky) with their storages.</summary>
    [Description("BIO devices (ducky's Block IO) with their storages; a hardware table is at 0x100 then.")]
    public IReadOnlyList<BioConfiguration> Bio { get; set; } = [];

    /// <summary>Ducky's hardware table; null for one without arguments, if there is a BIO, or none.</summary>
    [Description("Ducky's hardware table at 0x100; there without this if there is a BIO.")]
    public HardwareTableConfiguration? Hdt { get; set; }

    /// <summary>Parts of files in the guest's address space.</summary>
    [Description("Parts of files in the guest's address space (ducky's mmap).")]
    public IReadOnlyList<MappedFileConfiguration> Mmap { get; set; } = [];

    /// <summary>The virtio consoles.</summary>
    [Description("The virtio consoles, hvc0 first; the serial port is always there.")]
    public IReadOnlyList<ConsoleConfiguration> Consoles { get; set; } = [];

    /// <summary>The entropy device; null for none.</summary>
    [Description("The entropy device; none by default.")]
    public EntropyConfiguration? Rng { get; set; }

    /// <summary>Virtio devices of the caller's own.</summary>
    [JsonIgnore]
    public IReadOnlyList<CustomDeviceConfiguration> Devices { get; set; } = [];

    /// <summary>Memory-mapped devices of the caller's own.</summary>
    [JsonIgnore]
    public IReadOnlyList<BoardDeviceConfiguration> BoardDevices { get; set; } = [];

    /// <summary>Where the board's devices stand, if not at their defaults.</summary>
    [Description("Where the board's own devices stand, if not at their defaults.")]
    public BoardConfiguration Board { get; set; } = new();

    /// <summary>
    /// Makes the machine deterministic: one thread, virtual time, randomness from this seed. Two machines of one
    /// configuration then do exactly the same. Null for real time.
    /// </summary>
    [Description("Makes the machine deterministic: one thread, virtual time, randomness from this seed.")]
    public ulong? Seed { get; set; }

    /// <summary>The host's end of the serial port; null for a <see cref="MachineConsole"/>. Stays the caller's.</summary>
    [JsonIgnore]
    public ConsoleBackend? Serial { get; set; }

    /// <summary>What is traced; null for nothing.</summary>
    [JsonIgnore]
    public MachineTrace? Trace { get; set; }

    /// <summary>The host's clock.</summary>
    [JsonIgnore]
    public TimeProvider Clock { get; set; } = TimeProvider.System;
}
