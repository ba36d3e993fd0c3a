namespace Eider.Cli.Images;

/// <summary>Which requests a measurement makes.</summary>
internal sealed record BenchSettings
{
    /// <summary>How many.</summary>
    public required int Count { get; init; }

    /// <summary>How many at once.</summary>
    public required int Depth { get; init; }

    /// <summary>Bytes of each.</summary>
    public required int RequestBytes { get; init; }

    /// <summary>Bytes from one to the next.</summary>
    public required long StepBytes { get; init; }

    /// <summary>Where the first one begins.</summary>
    public long OffsetBytes { get; init; }

    /// <summary>True to write.</summary>
    public bool IsWrite { get; init; }

    /// <summary>The byte that is written.</summary>
    public byte Pattern { get; init; }

    /// <summary>A flush after so many writes; 0 for none.</summary>
    public int FlushInterval { get; init; }
}
