namespace Eider.Storage.Encryption;

/// <summary>How the initial vector of a sector comes from its number.</summary>
public enum SectorIvKind
{
    /// <summary>The lower 32 bits of the number, little endian, then zeroes.</summary>
    Plain,

    /// <summary>All 64 bits of the number, little endian, then zeroes.</summary>
    Plain64,

    /// <summary><see cref="Plain64"/>, encrypted with a hash of the key (ESSIV).</summary>
    Essiv,
}
