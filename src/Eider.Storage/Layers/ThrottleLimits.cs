namespace Eider.Storage.Layers;

/// <summary>What a <see cref="ThrottleGroup"/> lets through. A limit that is 0 does not limit.</summary>
public sealed record ThrottleLimits
{
    /// <summary>Requests a second, of all kinds together.</summary>
    public double RequestsPerSecond { get; init; }

    /// <summary>Reads a second.</summary>
    public double ReadsPerSecond { get; init; }

    /// <summary>Writes, zeroes and discards a second.</summary>
    public double WritesPerSecond { get; init; }

    /// <summary>Bytes a second, of all kinds together; a discard has none.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>Bytes read a second.</summary>
    public double ReadBytesPerSecond { get; init; }

    /// <summary>Bytes written or zeroed a second.</summary>
    public double WriteBytesPerSecond { get; init; }

    /// <summary>How much of unused time may be made up for at once: one second of burst lets a second's worth pass after a pause.</summary>
    public TimeSpan Burst { get; init; }
}
