using System.Security.Cryptography;

namespace Eider.Storage.Encryption;

/// <summary>
/// The cipher of a LUKS1 volume: AES with a mode, a way to make initial vectors, and the hash for keys
/// (LUKS1 On-Disk Format Specification 1.2.3, 6).
/// </summary>
public sealed record LuksCipherName
{
    private static readonly HashAlgorithmName[] Hashes = [HashAlgorithmName.SHA1, HashAlgorithmName.SHA256, HashAlgorithmName.SHA512];

    /// <summary>The cipher that QEMU and cryptsetup take unless another is named: AES-256, XTS, plain64, SHA-256.</summary>
    public static LuksCipherName Default { get; } = new();

    /// <summary>Bits of the AES key: 128, 192 or 256. XTS has two such keys.</summary>
    public int AesBits { get; init; } = 256;

    /// <summary>How the blocks of a sector hang together.</summary>
    public SectorCipherMode Mode { get; init; } = SectorCipherMode.Xts;

    /// <summary>How sectors differ.</summary>
    public SectorIvKind Iv { get; init; } = SectorIvKind.Plain64;

    /// <summary>The hash of ESSIV.</summary>
    public HashAlgorithmName EssivHash { get; init; } = HashAlgorithmName.SHA256;

    /// <summary>The hash that stretches passphrases and splits keys.</summary>
    public HashAlgorithmName Hash { get; init; } = HashAlgorithmName.SHA256;

    /// <summary>Bytes of the master key.</summary>
    public int KeyBytes => AesBits / 8 * (Mode == SectorCipherMode.Xts ? 2 : 1);

    /// <summary>The mode as the header spells it, for example <c>cbc-essiv:sha256</c>.</summary>
    public string ModeText =>
        (Mode == SectorCipherMode.Xts ? "xts-" : "cbc-")
        + Iv switch
        {
            SectorIvKind.Plain => "plain",
            SectorIvKind.Plain64 => "plain64",
            _ => $"essiv:{NameOf(EssivHash)}",
        };

    /// <summary>As one line: <c>aes-256 xts-plain64 sha256</c>.</summary>
    public override string ToString() => $"aes-{AesBits} {ModeText} {NameOf(Hash)}";

    /// <summary>A hash as the header spells it.</summary>
    public static string NameOf(HashAlgorithmName hash) => hash.Name?.ToLowerInvariant() ?? "";

    /// <summary>A hash by its name in a header; null if it is none of SHA-1, SHA-256 and SHA-512.</summary>
    public static HashAlgorithmName? HashOf(string name)
    {
        foreach (var hash in Hashes)
        {
            if (string.Equals(hash.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                return hash;
            }
        }

        return null;
    }

    /// <summary>What a header's fields come to.</summary>
    /// <exception cref="NotSupportedException">Something of it is not supported; the message names it.</exception>
    internal static LuksCipherName Parse(string cipher, string mode, string hash, uint keyBytes)
    {
        if (cipher != "aes")
        {
            throw new NotSupportedException($"found cipher '{cipher}', expected 'aes'");
        }

        var keyHash = HashOf(hash) ?? throw new NotSupportedException($"found hash '{hash}', expected sha1, sha256 or sha512");
        var dash = mode.IndexOf('-', StringComparison.Ordinal);
        var chaining = (dash < 0 ? mode : mode[..dash]) switch
        {
            "xts" => SectorCipherMode.Xts,
            "cbc" => SectorCipherMode.Cbc,
            _ => throw new NotSupportedException($"found cipher mode '{mode}', expected xts-... or cbc-..."),
        };
        var (iv, ivHash) = ParseIv(dash < 0 ? "" : mode[(dash + 1)..], mode);
        var bits = checked((int)Math.Min(keyBytes, 1024)) * 8 / (chaining == SectorCipherMode.Xts ? 2 : 1);
        var name = new LuksCipherName { AesBits = bits, Mode = chaining, Iv = iv, EssivHash = ivHash, Hash = keyHash };
        if (bits is not (128 or 192 or 256) || name.KeyBytes != keyBytes)
        {
            throw new NotSupportedException($"found a key of {keyBytes} bytes for {mode}, which AES does not have");
        }

        return name.Checked();
    }

    /// <summary>The same, if all of it goes together.</summary>
    /// <exception cref="NotSupportedException">It does not.</exception>
    internal LuksCipherName Checked()
    {
        if (AesBits is not (128 or 192 or 256))
        {
            throw new NotSupportedException($"found AES with {AesBits} bits, expected 128, 192 or 256");
        }

        if (HashOf(NameOf(Hash)) == null)
        {
            throw new NotSupportedException($"found hash '{NameOf(Hash)}', expected sha1, sha256 or sha512");
        }

        // The hash makes the key of the IV cipher, and AES has none of 20 or 64 bytes.
        return Iv != SectorIvKind.Essiv || EssivHash == HashAlgorithmName.SHA256
            ? this
            : throw new NotSupportedException($"found {ModeText}, expected essiv:sha256: AES has no key as long as that hash");
    }

    private static (SectorIvKind Iv, HashAlgorithmName Hash) ParseIv(string text, string mode)
    {
        switch (text)
        {
            case "plain":
                return (SectorIvKind.Plain, HashAlgorithmName.SHA256);
            case "plain64":
                return (SectorIvKind.Plain64, HashAlgorithmName.SHA256);
            case var essiv when essiv.StartsWith("essiv:", StringComparison.Ordinal):
                return (SectorIvKind.Essiv, HashOf(essiv[6..]) ?? throw new NotSupportedException($"found cipher mode '{mode}', expected essiv:sha256"));
            default:
                throw new NotSupportedException($"found cipher mode '{mode}', expected plain, plain64 or essiv:sha256");
        }
    }
}
