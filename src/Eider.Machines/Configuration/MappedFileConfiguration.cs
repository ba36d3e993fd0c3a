using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>A part of a file in the guest's address space (ducky's <c>mmap</c>).</summary>
public sealed record MappedFileConfiguration
{
    /// <summary>The file; it must hold the whole part.</summary>
    [Description("The file, which must hold the whole part; a path relative to the machine file.")]
    public string? File { get; set; }

    /// <summary>Guest-physical address, a multiple of 256 in device space; must be given.</summary>
    [JsonConverter(typeof(AddressJsonConverter))]
    [Description("Guest-physical address, a multiple of 256 in device space; must be given.")]
    public ulong? Address { get; set; }

    /// <summary>Size of the part, a multiple of 256 bytes; must be given.</summary>
    [JsonConverter(typeof(ByteSizeJsonConverter))]
    [Description("Size of the part, a multiple of 256 bytes, as a number or as text such as \"16K\"; must be given.")]
    public ByteSize Size { get; set; }

    /// <summary>Where the part begins in the file, in bytes.</summary>
    [JsonConverter(typeof(ByteSizeJsonConverter))]
    [Description("Where the part begins in the file, in bytes.")]
    public ByteSize Offset { get; set; }

    /// <summary>What the guest may do: <c>r</c>, and <c>w</c> and <c>x</c> as well.</summary>
    [Description("What the guest may do: \"r\" (read), \"rw\" (write, too), \"rx\", \"x\" (run programs there), \"rwx\"; running needs whole pages.")]
    public string Access { get; set; } = "r";

    /// <summary>True: what the guest writes goes to the file. False: it is gone when the machine ends.</summary>
    [Description("True: what the guest writes goes to the file. False (the default): it is gone when the machine ends.")]
    public bool Shared { get; set; }

    /// <summary>True if the guest may write.</summary>
    internal bool IsWritable => Access.Contains('w', StringComparison.Ordinal);

    /// <summary>True if it is whole pages, and so RAM; else each access goes to the file by itself.</summary>
    internal bool IsRam => (Address!.Value | (ulong)Size.Bytes | (ulong)Offset.Bytes) % 4096 == 0;
}
