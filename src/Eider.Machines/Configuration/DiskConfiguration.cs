using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Storage;

namespace Eider.Machines;

/// <summary>A virtio disk. A text converts to one: <c>"root.img"</c>, <c>"mem:64M"</c>, <c>"http://host/image"</c>.</summary>
public sealed record DiskConfiguration : VirtioDeviceConfiguration, IImageConfiguration
{
    /// <summary>A path, <c>file:PATH</c>, <c>mem:SIZE</c> or an http or https address; a suffix <c>:ro</c> makes it read-only.</summary>
    [Description("A path (relative to the machine file), \"file:PATH\", \"mem:SIZE\" or an http or https address; a suffix \":ro\" makes it read-only.")]
    public string? Image { get; set; }

    /// <summary>The caller's own storage instead of <see cref="Image"/>; flushed by the machine, closed by the caller.</summary>
    [JsonIgnore]
    public BlockStorage? Storage { get; set; }

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

    /// <summary>Most bytes that are kept there of one image.</summary>
    [JsonConverter(typeof(ByteSizeJsonConverter))]
    [Description("Most bytes that are kept there of one image, as a number or as text such as \"4G\".")]
    public ByteSize CacheSize { get; set; } = new(4L << 30);

    /// <summary>Layers over the disk, the first one lowest, such as <c>throttle:iops=500</c>.</summary>
    [Description("Layers over the disk, the first one lowest, such as \"throttle:iops=500\" or \"trace:file=disk.log\".")]
    public IReadOnlyList<string> Layers { get; set; } = [];

    /// <summary>Serial number that the guest sees, at most 20 printable characters.</summary>
    [Description("Serial number that the guest sees, at most 20 printable ASCII characters.")]
    public string Serial { get; set; } = "";

    /// <summary>Number of request queues.</summary>
    [Description("Number of request queues; Linux uses no more than there are harts.")]
    public int Queues { get; set; } = 1;

    /// <summary>Where writes go.</summary>
    [Description("Where writes go: into the image, or into memory until the machine ends.")]
    public DiskOverlay Overlay { get; set; }

    /// <summary>A disk from its location.</summary>
    public static implicit operator DiskConfiguration(string image) => FromString(image);

    /// <summary>A disk from the caller's storage.</summary>
    public static implicit operator DiskConfiguration(BlockStorage storage) => FromBlockStorage(storage);

    /// <summary>A disk from its location.</summary>
    public static DiskConfiguration FromString(string image) => new() { Image = image };

    /// <summary>A disk from the caller's storage.</summary>
    public static DiskConfiguration FromBlockStorage(BlockStorage storage) => new() { Storage = storage };
}
