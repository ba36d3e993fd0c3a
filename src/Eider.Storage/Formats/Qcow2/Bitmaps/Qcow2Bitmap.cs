namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>A persistent dirty bitmap of an image, as its directory has it.</summary>
public sealed record Qcow2Bitmap
{
    /// <summary>Its name, unique in the image; it may hold any character.</summary>
    public required string Name { get; init; }

    /// <summary>How many bytes of the disk one bit stands for: a power of two from 512 to 2 GiB.</summary>
    public required long GranularityBytes { get; init; }

    /// <summary>True if every write of the disk is recorded in it.</summary>
    public required bool IsEnabled { get; init; }

    /// <summary>
    /// True if the file says that it was in use and never written back: whoever had the image open ended early, or has it
    /// open now.
    /// </summary>
    public required bool IsInUse { get; init; }

    /// <summary>Why it cannot be used, only removed; null if it can.</summary>
    public string? Problem { get; init; }

    /// <summary>True if it can be read, changed and copied.</summary>
    public bool IsUsable => Problem == null;
}
