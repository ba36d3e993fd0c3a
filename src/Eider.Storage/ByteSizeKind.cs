namespace Eider.Storage;

/// <summary>What a text is, read as a size (<see cref="ByteSizes"/>).</summary>
public enum ByteSizeKind
{
    /// <summary>No size.</summary>
    None,

    /// <summary>A size.</summary>
    Size,

    /// <summary>A size above 2^63 - 1 bytes.</summary>
    TooLarge,
}
