using Eider.Storage.Formats;

namespace Eider.Cli.Images;

/// <summary>An image to make, as the user asked for it.</summary>
internal sealed record TargetRequest
{
    /// <summary>Where it shall be.</summary>
    public required string Path { get; init; }

    /// <summary>Its format.</summary>
    public required ImageFormat Format { get; init; }

    /// <summary>The options of the format, by name.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>How it is written.</summary>
    public CacheMode Cache { get; init; } = CacheMode.Writeback;

    /// <summary>The passphrase of an encrypted image.</summary>
    public ReadOnlyMemory<byte>? Key { get; init; }
}
