namespace Eider.Storage.Encryption;

/// <summary>How the blocks of a sector hang together.</summary>
public enum SectorCipherMode
{
    /// <summary>Cipher block chaining (NIST SP 800-38A, 6.2).</summary>
    Cbc,

    /// <summary>XEX with a tweak for each block (IEEE 1619, XTS-AES); the key is two keys.</summary>
    Xts,
}
