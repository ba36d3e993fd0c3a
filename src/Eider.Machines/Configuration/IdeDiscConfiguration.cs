using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Storage;

namespace Eider.Machines;

/// <summary>A further disc of a CD drive, put in when the guest ejects the one before.</summary>
public sealed record IdeDiscConfiguration : IImageConfiguration
{
    /// <summary>As for a virtio disk; it is never written.</summary>
    [Description("A path (relative to the machine file), \"file:PATH\", \"mem:SIZE\" or an http or https address; it is never written.")]
    public string? Image { get; set; }

    /// <summary>The caller's own storage instead of <see cref="Image"/>; closed by the caller.</summary>
    [JsonIgnore]
    public BlockStorage? Storage { get; set; }

    /// <summary>Format of the image: <c>raw</c> (an ISO image is raw), <c>qcow2</c> or <c>luks</c>. It is never guessed.</summary>
    [Description("Format of the image: \"raw\" (as an ISO image is), \"qcow2\" or \"luks\"; it is never guessed.")]
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

    /// <summary>Layers over the disc, the first one lowest.</summary>
    [Description("Layers over the disc, the first one lowest, such as \"throttle:iops=500\".")]
    public IReadOnlyList<string> Layers { get; set; } = [];

    /// <summary>The same image as a virtio disk would have it, to be checked and opened alike.</summary>
    internal DiskConfiguration AsDisk => new()
    {
        Image = Image,
        Storage = Storage,
        ReadOnly = true,
        Format = Format,
        Chain = Chain,
        KeyFile = KeyFile,
        Cache = Cache,
        Layers = Layers,
    };
}
