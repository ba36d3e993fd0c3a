namespace Eider.Storage.Layers;

/// <summary>When a <see cref="FaultStorage"/> fails a request, and how. A request must fit all that is set.</summary>
public sealed record FaultRule
{
    /// <summary>Which operation; null for any.</summary>
    public BlockOperation? Operation { get; init; }

    /// <summary>Fail the k-th, 2k-th, 3k-th ... request that fits the rest of the rule; 1 for each.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Fail only requests whose range holds this byte; null for any range, also for a flush.</summary>
    public long? OffsetBytes { get; init; }

    /// <summary>True to fail one request and then never again.</summary>
    public bool IsOnce { get; init; }

    /// <summary>The failure that is reported.</summary>
    public BlockErrorKind Kind { get; init; } = BlockErrorKind.Io;

    /// <summary>How many bytes a failing write still writes (a torn write).</summary>
    public long TornBytes { get; init; }
}
