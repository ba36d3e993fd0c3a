namespace Eider.Storage.Backends.Nbd;

/// <summary>How an NBD server is used.</summary>
public sealed record NbdStorageOptions
{
    /// <summary>The defaults.</summary>
    public static NbdStorageOptions Default { get; } = new();

    /// <summary>True to refuse writes, whatever the server allows.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>How long the server may take to be reached and to agree; at least 10 ms.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the server may be silent while requests wait for it; at least 10 ms.</summary>
    public TimeSpan ReplyTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
