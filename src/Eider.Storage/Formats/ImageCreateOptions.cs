namespace Eider.Storage.Formats;

/// <summary>What a new image shall be like.</summary>
public sealed record ImageCreateOptions
{
    /// <summary>Size of the disk in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Values of the driver's own options by name (<see cref="ImageFormat.CreateOptions"/>).</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>The open external data file, where the options name one; it is resized and stays open.</summary>
    public BlockStorage? DataFile { get; init; }

    /// <summary>The key of an encrypted image; null for a plain one.</summary>
    public ReadOnlyMemory<byte>? Key { get; init; }
}
