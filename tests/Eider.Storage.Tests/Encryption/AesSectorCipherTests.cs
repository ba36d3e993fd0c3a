using System.Buffers.Binary;
using System.Security.Cryptography;
using Eider.Storage.Encryption;

namespace Eider.Storage.Tests.Encryption;

public sealed class AesSectorCipherTests
{
    /// <summary>IEEE 1619, annex B, vector 4.</summary>
    private const string Vector4 =
        "27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89cc78cf7f5e543445f8333d8fa7f56000005279fa5d8b5e4ad40e736ddb4d35412"
        + "328063fd2aab53e5ea1e0a9f332500a5df9487d07a5c92cc512c8866c7e860ce93fdf166a24912b422976146ae20ce846bb7dc9ba94a767aaef20c0d61ad0265"
        + "5ea92dc4c4e41a8952c651d33174be51a10c421110e6d81588ede82103a252d8a750e8768defffed9122810aaeb99f9172af82b604dc4b8e51bcb08235a6f434"
        + "1332e4ca60482a4ba1a03b3e65008fc5da76b70bf1690db4eae29c5f1badd03c5ccf2a55d705ddcd86d449511ceb7ec30bf12b1fa35b913f9f747a8afd1b130e"
        + "94bff94effd01a91735ca1726acd0b197c4e5b03393697e126826fb6bbde8ecc1e08298516e2c9ed03ff3c1b7860f6de76d4cecd94c8119855ef5297ca67e9f3"
        + "e7ff72b1e99785ca0a7e7720c5b36dc6d72cac9574c8cbbc2f801e23e56fd344b07f22154beba0f08ce8891e643ed995c94d9a69c9f1b5f499027a78572aeebd"
        + "74d20cc39881c213ee770b1010e4bea718846977ae119f7a023ab58cca0ad752afe656bb3c17256a9f6e9bf19fdd5a38fc82bbe872c5539edb609ef4f79c203e"
        + "bb140f2e583cb2ad15b4aa5b655016a8449277dbd477ef2c8d6c017db738b18deb4a427d1923ce3ff262735779a418f20a282df920147beabe421ee5319d0568";

    [Fact]
    public void Ieee_1619_vector_4_XTS_AES_128_is_met()
    {
        using var cipher = new AesSectorCipher(
            SectorCipherMode.Xts, Convert.FromHexString("2718281828459045235360287471352631415926535897932384626433832795"), SectorIvKind.Plain64);
        var sector = Counting();
        cipher.Encrypt(0, sector);
        Assert.Equal(Vector4, Convert.ToHexStringLower(sector));
        cipher.Decrypt(0, sector);
        Assert.Equal(Counting(), sector);
    }

    [Fact]
    public void Ieee_1619_vector_10_XTS_AES_256_at_sector_255_is_met()
    {
        using var cipher = new AesSectorCipher(
            SectorCipherMode.Xts,
            Convert.FromHexString(
                "2718281828459045235360287471352662497757247093699959574966967627"
                + "3141592653589793238462643383279502884197169399375105820974944592"),
            SectorIvKind.Plain64);
        var sector = Counting();
        cipher.Encrypt(0xFF, sector);
        Assert.StartsWith("1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b", Convert.ToHexStringLower(sector), StringComparison.Ordinal);
        Assert.Equal("e97e974fa393af794f7a4684395814cf820de60a01eaec677d87b452e316b364", Convert.ToHexStringLower(SHA256.HashData(sector)));
    }

    [Theory]
    [InlineData(16, SectorIvKind.Plain64)]
    [InlineData(24, SectorIvKind.Plain)]
    [InlineData(32, SectorIvKind.Plain64)]
    [InlineData(32, SectorIvKind.Essiv)]
    [InlineData(16, SectorIvKind.Essiv)]
    public void CBC_is_what_the_framework_makes_of_each_sector_with_its_initial_vector(int keyBytes, SectorIvKind kind)
    {
        var key = Bytes(keyBytes, keyBytes);
        using var cipher = new AesSectorCipher(SectorCipherMode.Cbc, key, kind, HashAlgorithmName.SHA256);
        using var reference = Aes.Create();
        reference.Key = key;
        const long First = 0x1_2345_FFF0;
        var plain = Bytes(1, 70 * SectorCipher.SectorBytes);
        var result = new byte[plain.Length];
        cipher.Encrypt(First, plain, result);
        for (var index = 0; index < 70; index++)
        {
            var sector = plain.AsSpan(index * SectorCipher.SectorBytes, SectorCipher.SectorBytes);
            Assert.Equal(
                reference.EncryptCbc(sector, Iv(kind, key, First + index), PaddingMode.None),
                result.AsSpan(index * SectorCipher.SectorBytes, SectorCipher.SectorBytes).ToArray());
        }

        cipher.Decrypt(First, result);
        Assert.Equal(plain, result);
    }

    [Theory]
    [InlineData(SectorCipherMode.Xts, 48)]
    [InlineData(SectorCipherMode.Xts, 64)]
    [InlineData(SectorCipherMode.Cbc, 32)]
    public void Many_sectors_at_once_are_the_same_as_one_by_one(SectorCipherMode mode, int keyBytes)
    {
        using var cipher = new AesSectorCipher(mode, Bytes(9, keyBytes), SectorIvKind.Plain64);
        foreach (var sectors in new[] { 1, 2, 31, 32, 33, 100 })
        {
            var together = Bytes(sectors, sectors * SectorCipher.SectorBytes);
            var alone = (byte[])together.Clone();
            cipher.Encrypt(7, together);
            for (var index = 0; index < sectors; index++)
            {
                cipher.Encrypt(7 + index, alone.AsSpan(index * SectorCipher.SectorBytes, SectorCipher.SectorBytes));
            }

            Assert.Equal(alone, together);
            cipher.Decrypt(7, together);
            Assert.Equal(Bytes(sectors, sectors * SectorCipher.SectorBytes), together);
        }
    }

    [Fact]
    public void Many_threads_share_a_cipher_and_a_warm_one_allocates_nothing()
    {
        using var cipher = new AesSectorCipher(SectorCipherMode.Xts, Bytes(3, 64), SectorIvKind.Plain64);
        Parallel.For(0, 200, index =>
        {
            var data = Bytes(index, 4096);
            cipher.Encrypt(index * 8, data);
            cipher.Decrypt(index * 8, data);
            Assert.Equal(Bytes(index, 4096), data);
        });
        var buffer = new byte[65536];
        cipher.Encrypt(0, buffer);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var step = 0; step < 20; step++)
        {
            cipher.Encrypt(step, buffer);
            cipher.Decrypt(step, buffer);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void The_old_AES_kind_takes_sixteen_bytes_of_the_passphrase_as_they_are()
    {
        using var cipher = LegacyAesKey.CreateCipher("short"u8);
        using var reference = Aes.Create();
        reference.Key = [.. "short"u8, .. new byte[11]];
        var sector = Counting();
        cipher.Encrypt(3, sector);
        Assert.Equal(reference.EncryptCbc(Counting(), Iv(SectorIvKind.Plain64, [], 3), PaddingMode.None), sector);
    }

    [Theory]
    [InlineData(SectorCipherMode.Cbc, 64)]
    [InlineData(SectorCipherMode.Cbc, 0)]
    [InlineData(SectorCipherMode.Xts, 16)]
    [InlineData(SectorCipherMode.Xts, 33)]
    public void Keys_that_AES_does_not_have_are_refused(SectorCipherMode mode, int keyBytes) =>
        Assert.Throws<ArgumentException>(() => new AesSectorCipher(mode, new byte[keyBytes], SectorIvKind.Plain64));

    private static byte[] Counting() => [.. Enumerable.Range(0, 512).Select(index => unchecked((byte)index))];

    private static byte[] Bytes(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Iv(SectorIvKind kind, byte[] key, long sector)
    {
        var iv = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(iv, kind == SectorIvKind.Plain ? sector & 0xFFFF_FFFF : sector);
        if (kind == SectorIvKind.Essiv)
        {
            using var essiv = Aes.Create();
            essiv.Key = SHA256.HashData(key);
            iv = essiv.EncryptEcb(iv, PaddingMode.None);
        }

        return iv;
    }
}
