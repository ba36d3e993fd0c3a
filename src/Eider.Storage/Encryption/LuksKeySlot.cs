namespace Eider.Storage.Encryption;

/// <summary>One of the eight places of a LUKS1 header for a passphrase.</summary>
public sealed record LuksKeySlot
{
    /// <summary>True if a passphrase is stored in it.</summary>
    public bool IsActive { get; init; }

    /// <summary>How often the passphrase is hashed.</summary>
    public uint Iterations { get; init; }

    /// <summary>Salt of the passphrase, 32 bytes.</summary>
    public ReadOnlyMemory<byte> Salt { get; init; } = new byte[LuksHeader.SaltBytes];

    /// <summary>Where the split key begins, in sectors from the header.</summary>
    public uint MaterialSector { get; init; }

    /// <summary>Into how many parts the key is split.</summary>
    public uint Stripes { get; init; } = LuksHeader.Stripes;
}
