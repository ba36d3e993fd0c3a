using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Devices.SimpleVirtio;
using Eider.Storage;

namespace Eider.Machines;

/// <summary>A Simple VirtIO Block device (KeOS) with the disk behind it.</summary>
public sealed record SvirtbConfiguration : IImageConfiguration
{
    /// <summary>As for a virtio disk, but of any size.</summary>
    [Description("A path (relative to the machine file), \"file:PATH\", \"mem:SIZE\" or an http or https address; of any size.")]
    public string? Image { get; set; }

    /// <summary>The caller's own storage instead of <see cref="Image"/>; flushed by the machine, closed by the caller.</summary>
    [JsonIgnore]
    public BlockStorage? Storage { get; set; }

    /// <summary>Refuses the guest's writes: the device then asks for a reset.</summary>
    [Description("True if the guest cannot write; a write then makes the device ask for a reset.")]
    public bool ReadOnly { get; set; }

    /// <summary>Format of the image: <c>raw</c>, <c>qcow2</c> or <c>luks</c>.</summary>
    [Description("Format of the image: \"raw\", \"qcow2\" or \"luks\"; it is never guessed.")]
    public string Format { get; set; } = "raw";

    /// <summary>Which other files the image may open: <c>none</c>, <c>any</c>, or those in and below a directory.</summary>
    [Description("Which other files the image may name and open: \"none\", \"any\", or those in and below a directory.")]
    public string Chain { get; set; } = "none";

    /// <summary>A file with the passphrase of an encrypted image; a line feed at its end is not part of it.</summary>
    [Description("A file with the passphrase of an encrypted image; a line feed at its end is not part of it.")]
    public string? KeyFile { get; set; }

    /// <summary>A directory in which what is fetched from a server is kept over restarts; null for in memory only.</summary>
    [Description("A directory in which what is fetched from a server is kept over restarts.")]
    public string? Cache { get; set; }

    /// <summary>Layers over the image, the first one lowest, such as <c>throttle:iops=500</c>.</summary>
    [Description("Layers over the image, the first one lowest, such as \"throttle:iops=500\" or \"trace:file=disk.log\".")]
    public IReadOnlyList<string> Layers { get; set; } = [];

    /// <summary>Where writes go.</summary>
    [Description("Where writes go: into the image, or into memory until the machine ends.")]
    public DiskOverlay Overlay { get; set; }

    /// <summary>Distance of two entries of the ring in bytes: 32 or 28.</summary>
    [Description("Distance of two entries of the ring in bytes: 32 as compilers lay them out (KeOS), or 28 as the document is written.")]
    public int Stride { get; set; } = SvirtbLimits.CompiledStrideBytes;

    /// <summary>Guest-physical address of the registers, a multiple of 4096.</summary>
    [JsonConverter(typeof(AddressJsonConverter))]
    [Description("Guest-physical address of the registers, a multiple of 4096; 0xCAFE0000 + n * 0x1000 by default.")]
    public ulong? Address { get; set; }

    /// <summary>The same image as a virtio disk would have it, to be checked and opened alike.</summary>
    internal DiskConfiguration AsDisk => new()
    {
        Image = Image,
        Storage = Storage,
        ReadOnly = ReadOnly,
        Format = Format,
        Chain = Chain,
        KeyFile = KeyFile,
        Cache = Cache,
        Layers = Layers,
        Overlay = Overlay,
    };
}
