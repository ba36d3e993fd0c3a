using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Devices.BlockIo;
using Eider.Storage;

namespace Eider.Machines;

/// <summary>A storage of a BIO.</summary>
public sealed record BioStorageConfiguration : IImageConfiguration
{
    /// <summary>Its id, from 0 on; must be given.</summary>
    [Description("Its id, by which the guest selects it: 0 to 4294967295; must be given, once in a machine.")]
    public uint? Sid { get; set; }

    /// <summary>As for a virtio disk, but of any size: a last part that is no whole block is not reached.</summary>
    [Description("A path (relative to the machine file), \"file:PATH\", \"mem:SIZE\" or an http or https address; of any size, in whole blocks.")]
    public string? Image { get; set; }

    /// <summary>The caller's own storage instead of <see cref="Image"/>; flushed by the machine, closed by the caller.</summary>
    [JsonIgnore]
    public BlockStorage? Storage { get; set; }

    /// <summary>Blocks of the caller's own making instead of an image, with their id in them; the caller's to flush and close.</summary>
    [JsonIgnore]
    public BioStorage? Blocks { get; set; }

    /// <summary>Bytes of a block: a multiple of 4 up to 65536.</summary>
    [Description("Bytes of a block: a multiple of 4 up to 65536.")]
    public int BlockSize { get; set; } = BioLimits.BlockBytes;

    /// <summary>Refuses the guest's writes.</summary>
    [Description("True if the guest cannot write.")]
    public bool ReadOnly { get; set; }

    /// <summary>Format of the image: <c>raw</c>, <c>qcow2</c> or <c>luks</c>. It is never guessed.</summary>
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
