using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Eider.Storage.Encryption;

/// <summary>
/// Spreads a key over many stripes, so that losing one of them loses the key
/// (LUKS1 On-Disk Format Specification 1.2.3, 2.4).
/// </summary>
internal static class AntiForensicSplitter
{
    /// <summary>Splits: all stripes but the last are random.</summary>
    public static void Split(ReadOnlySpan<byte> key, int stripes, HashAlgorithmName hash, Span<byte> split)
    {
        Span<byte> block = stackalloc byte[key.Length];
        block.Clear();
        for (var index = 0; index < stripes - 1; index++)
        {
            var stripe = split.Slice(index * key.Length, key.Length);
            RandomNumberGenerator.Fill(stripe);
            Mix(block, stripe, hash);
        }

        var last = split.Slice((stripes - 1) * key.Length, key.Length);
        for (var index = 0; index < key.Length; index++)
        {
            last[index] = (byte)(block[index] ^ key[index]);
        }

        CryptographicOperations.ZeroMemory(block);
    }

    /// <summary>Puts the key together again.</summary>
    public static void Merge(ReadOnlySpan<byte> split, int stripes, HashAlgorithmName hash, Span<byte> key)
    {
        Span<byte> block = stackalloc byte[key.Length];
        block.Clear();
        for (var index = 0; index < stripes - 1; index++)
        {
            Mix(block, split.Slice(index * key.Length, key.Length), hash);
        }

        var last = split.Slice((stripes - 1) * key.Length, key.Length);
        for (var index = 0; index < key.Length; index++)
        {
            key[index] = (byte)(block[index] ^ last[index]);
        }

        CryptographicOperations.ZeroMemory(block);
    }

    private static void Mix(Span<byte> block, ReadOnlySpan<byte> stripe, HashAlgorithmName hash)
    {
        for (var index = 0; index < block.Length; index++)
        {
            block[index] ^= stripe[index];
        }

        Diffuse(block, hash);
    }

    /// <summary>Each piece as long as the hash becomes the hash of its number and itself; the last may be shorter.</summary>
    private static void Diffuse(Span<byte> block, HashAlgorithmName hash)
    {
        Span<byte> digest = stackalloc byte[64];
        Span<byte> input = stackalloc byte[4 + 64];
        var digestBytes = hash == HashAlgorithmName.SHA1 ? 20 : hash == HashAlgorithmName.SHA256 ? 32 : 64;
        var number = 0;
        for (var offset = 0; offset < block.Length; offset += digestBytes)
        {
            var piece = block.Slice(offset, Math.Min(digestBytes, block.Length - offset));
            BinaryPrimitives.WriteInt32BigEndian(input, number++);
            piece.CopyTo(input[4..]);
            CryptographicOperations.HashData(hash, input[..(4 + piece.Length)], digest[..digestBytes]);
            digest[..piece.Length].CopyTo(piece);
        }
    }
}
