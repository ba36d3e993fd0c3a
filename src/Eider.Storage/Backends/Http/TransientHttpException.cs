namespace Eider.Storage.Backends.Http;

/// <summary>An attempt failed in a way that the next one may not.</summary>
internal sealed class TransientHttpException : Exception
{
    public TransientHttpException(BlockErrorKind kind, string message, TimeSpan? retryAfter = null, Exception? cause = null)
        : base(message, cause)
    {
        Kind = kind;
        RetryAfter = retryAfter;
    }

    /// <summary>What it is reported as if no further attempt is made.</summary>
    public BlockErrorKind Kind { get; }

    /// <summary>How long the server asks to wait.</summary>
    public TimeSpan? RetryAfter { get; }
}
