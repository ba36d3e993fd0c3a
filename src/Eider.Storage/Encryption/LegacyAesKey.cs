namespace Eider.Storage.Encryption;

/// <summary>
/// The encryption of qcow images before LUKS (qcow2 specification, crypt_method 1): AES-128 in CBC mode, the sector's
/// number as initial vector, the passphrase itself as key. It is weak and only there for old images.
/// </summary>
public static class LegacyAesKey
{
    /// <summary>Bytes of a passphrase that count.</summary>
    public const int KeyBytes = 16;

    /// <summary>The cipher of a passphrase: its first 16 bytes, filled up with zeroes. No passphrase is wrong.</summary>
    public static SectorCipher CreateCipher(ReadOnlySpan<byte> password)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        key.Clear();
        password[..Math.Min(KeyBytes, password.Length)].CopyTo(key);
        return new AesSectorCipher(SectorCipherMode.Cbc, key, SectorIvKind.Plain64);
    }
}
