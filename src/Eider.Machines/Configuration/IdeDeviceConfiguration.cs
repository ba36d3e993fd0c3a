using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Storage;

namespace Eider.Machines;

/// <summary>A disk or a CD drive on an IDE channel.</summary>
public sealed record IdeDeviceConfiguration : IImageConfiguration
{
    /// <summary>Disk or CD drive.</summary>
    [Description("\"disk\" or \"cdrom\".")]
    public IdeDeviceKind Type { get; set; }

    /// <summary>As for a virtio disk; what lies in a CD drive, null for an empty one.</summary>
    [Description("A path (relative to the machine file), \"file:PATH\", \"mem:SIZE\" or an http or https address; none for an empty CD drive.")]
    public string? Image { get; set; }

    /// <summary>The caller's own storage instead of <see cref="Image"/>; flushed by the machine, closed by the caller.</summary>
    [JsonIgnore]
    public BlockStorage? Storage { get; set; }

    /// <summary>Refuses the guest's writes; a CD is never written.</summary>
    [Description("True if the guest cannot write; a CD is never written.")]
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

    /// <summary>Most bytes that are kept there of one image.</summary>
    [JsonConverter(typeof(ByteSizeJsonConverter))]
    [Description("Most bytes that are kept there of one image, as a number or as text such as \"4G\".")]
    public ByteSize CacheSize { get; set; } = new(4L << 30);

    /// <summary>Layers over the image, the first one lowest, such as <c>fault:op=read:at=39424</c>.</summary>
    [Description("Layers over the image, the first one lowest, such as \"throttle:iops=500\" or \"trace:file=disk.log\".")]
    public IReadOnlyList<string> Layers { get; set; } = [];

    /// <summary>Where writes go.</summary>
    [Description("Where writes go: into the image, or into memory until the machine ends.")]
    public DiskOverlay Overlay { get; set; }

    /// <summary>Serial number, at most 20 printable characters; null for one made of the place.</summary>
    [Description("Serial number that the guest sees, at most 20 printable ASCII characters; made of its place by default.")]
    public string? Serial { get; set; }

    /// <summary>Model, at most 40 printable characters; null for Eider's.</summary>
    [Description("Model that the guest sees, at most 40 printable ASCII characters.")]
    public string? Model { get; set; }

    /// <summary>
    /// Further discs of a CD drive: when the guest ejects one, the next is put in, and after the last the first again
    /// (<see cref="MachineCdDrive"/>).
    /// </summary>
    [Description("Further discs of a CD drive: when the guest ejects one, the next is put in, and after the last the first again.")]
    public IReadOnlyList<IdeDiscConfiguration> Discs { get; set; } = [];

    /// <summary>The same image as a virtio disk would have it, to be checked and opened alike.</summary>
    internal DiskConfiguration AsDisk => new()
    {
        Image = Image,
        Storage = Storage,
        ReadOnly = ReadOnly || Type == IdeDeviceKind.Cdrom,
        Format = Format,
        Chain = Chain,
        KeyFile = KeyFile,
        Cache = Cache,
        CacheSize = CacheSize,
        Layers = Layers,
        Serial = Serial ?? "",
        Overlay = Overlay,
    };

    /// <summary>A device of a channel with the image of a disk and all that stands over it.</summary>
    /// <param name="disk">The disk; what only virtio has is left out.</param>
    public static IdeDeviceConfiguration FromDisk(DiskConfiguration disk)
    {
        ArgumentNullException.ThrowIfNull(disk);
        return new()
        {
            Image = disk.Image,
            Storage = disk.Storage,
            ReadOnly = disk.ReadOnly,
            Format = disk.Format,
            Chain = disk.Chain,
            KeyFile = disk.KeyFile,
            Cache = disk.Cache,
            CacheSize = disk.CacheSize,
            Layers = disk.Layers,
            Serial = disk.Serial.Length == 0 ? null : disk.Serial,
            Overlay = disk.Overlay,
        };
    }
}
