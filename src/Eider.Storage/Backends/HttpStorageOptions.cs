namespace Eider.Storage.Backends;

/// <summary>Limits and patience of an <see cref="HttpStorage"/>.</summary>
public sealed record HttpStorageOptions
{
    /// <summary>The defaults.</summary>
    public static HttpStorageOptions Default { get; } = new();

    /// <summary>Memory for what was read, in bytes; at least 1 MiB. Twice as much may be in use for a moment.</summary>
    public long CacheBytes { get; init; } = 32L << 20;

    /// <summary>How far to read ahead of a sequential reader, in bytes; 0 for not at all.</summary>
    public int ReadAheadBytes { get; init; } = 1 << 20;

    /// <summary>How many requests may be under way at once.</summary>
    public int MaxConcurrentRequests { get; init; } = 4;

    /// <summary>How long one attempt may take, connection, headers and body together.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a request is tried before it fails; each attempt goes on where the last one ended.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>Pause before the second attempt; it doubles with each further one. A server's Retry-After counts more.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest pause between attempts, also when the server asks for more.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many redirections are followed; 0 for none.</summary>
    public int MaxRedirects { get; init; } = 5;

    /// <summary>The clock of time-outs and pauses.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
