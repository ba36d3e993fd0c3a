namespace Eider.Cli.Images;

/// <summary>How an image is converted.</summary>
internal sealed record ConvertSettings
{
    /// <summary>True to compress.</summary>
    public bool IsCompressed { get; init; }

    /// <summary>How hard to compress; null for the usual.</summary>
    public int? Level { get; init; }

    /// <summary>True to write into an image that is there.</summary>
    public bool IsInPlace { get; init; }

    /// <summary>True to write only what the source's outermost image has itself; the target has the same image behind it.</summary>
    public bool IsOwnOnly { get; init; }

    /// <summary>True to have that image say each zero itself.</summary>
    public bool SaysEveryZero { get; init; }

    /// <summary>True if that image reads as zeroes.</summary>
    public bool TargetIsZero { get; init; }

    /// <summary>True to write in the order of the disk.</summary>
    public bool IsOrdered { get; init; }

    /// <summary>Requests at once.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Smallest run of zeroes that is left out; 0 for none.</summary>
    public int SparseBytes { get; init; }

    /// <summary>True to go on where the source cannot be read.</summary>
    public bool Salvages { get; init; }

    /// <summary>True to copy persistent bitmaps too.</summary>
    public bool CopiesBitmaps { get; init; }

    /// <summary>True to leave out those that cannot be used.</summary>
    public bool SkipsBrokenBitmaps { get; init; }

    /// <summary>Most bytes read a second; 0 for no limit.</summary>
    public long BytesPerSecond { get; init; }
}
