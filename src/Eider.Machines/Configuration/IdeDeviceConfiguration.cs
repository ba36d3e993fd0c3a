using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Storage;

namespace Eider.Machines;

/// <summary>A disk or a CD drive on an IDE channel.</summary>
public sealed record IdeDeviceConfiguration
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

    /// <summary>Format of the image; only <c>raw</c>.</summary>
    [Description("Format of the image: \"raw\".")]
    public string Format { get; set; } = "raw";

    /// <summary>Where writes go.</summary>
    [Description("Where writes go: into the image, or into memory until the machine ends.")]
    public DiskOverlay Overlay { get; set; }

    /// <summary>Serial number, at most 20 printable characters; null for one made of the place.</summary>
    [Description("Serial number that the guest sees, at most 20 printable ASCII characters; made of its place by default.")]
    public string? Serial { get; set; }

    /// <summary>Model, at most 40 printable characters; null for Eider's.</summary>
    [Description("Model that the guest sees, at most 40 printable ASCII characters.")]
    public string? Model { get; set; }

    /// <summary>The same image as a virtio disk would have it, to be checked and opened alike.</summary>
    internal DiskConfiguration AsDisk => new()
    {
        Image = Image,
        Storage = Storage,
        ReadOnly = ReadOnly || Type == IdeDeviceKind.Cdrom,
        Format = Format,
        Serial = Serial ?? "",
        Overlay = Overlay,
    };
}
