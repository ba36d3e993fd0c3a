using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace Eider.Storage.Encryption;

/// <summary>
/// AES over sectors in the modes that LUKS1 and old qcow2 images use. Everything is brought down to long runs of
/// single blocks, which the system's AES does at the speed of its instructions: initial vectors of a batch in one
/// run, XTS and CBC decryption in one more, CBC encryption in one run for each block position of the batch.
/// </summary>
public sealed class AesSectorCipher : SectorCipher
{
    private const int BlockBytes = 16;
    private const int BlocksPerSector = SectorBytes / BlockBytes;
    private const int BatchSectors = 32;
    private const int BatchBytes = BatchSectors * SectorBytes;

    /// <summary>What x^128 is in the field of XTS (IEEE 1619, 5.2).</summary>
    private const ulong FieldPolynomial = 0x87;

    private readonly SectorCipherMode _mode;
    private readonly SectorIvKind _ivKind;
    private readonly byte[] _dataKey;
    private readonly byte[]? _ivKey;
    private readonly ContextPool<WorkSpace> _pool;

    /// <summary>A cipher.</summary>
    /// <param name="mode">How blocks hang together.</param>
    /// <param name="key">16, 24 or 32 bytes; twice that for XTS. It is copied.</param>
    /// <param name="ivKind">How sectors differ.</param>
    /// <param name="essivHash">The hash of ESSIV, whose result must be as long as a key; unused otherwise.</param>
    /// <exception cref="ArgumentException">The key, or the hash's length, does not fit.</exception>
    public AesSectorCipher(
        SectorCipherMode mode, ReadOnlySpan<byte> key, SectorIvKind ivKind, HashAlgorithmName essivHash = default)
    {
        var isXts = mode == SectorCipherMode.Xts;
        var dataBytes = isXts ? key.Length / 2 : key.Length;
        if (dataBytes is not (16 or 24 or 32) || (isXts && key.Length != 2 * dataBytes))
        {
            throw new ArgumentException($"AES has no keys of {key.Length} bytes here.", nameof(key));
        }

        _mode = mode;
        _ivKind = ivKind;
        _dataKey = key[..dataBytes].ToArray();
        TweakKey = isXts ? key[dataBytes..].ToArray() : null;
        if (ivKind == SectorIvKind.Essiv)
        {
            _ivKey = CryptographicOperations.HashData(essivHash, key);
            if (_ivKey.Length is not (16 or 24 or 32))
            {
                throw new ArgumentException($"AES has no keys of {_ivKey.Length} bytes, which {essivHash.Name} makes.", nameof(essivHash));
            }
        }

        _pool = new ContextPool<WorkSpace>(() => new WorkSpace(this));
    }

    private byte[]? TweakKey { get; }

    /// <inheritdoc/>
    public override void Encrypt(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination) =>
        Run(firstSector, source, destination, isEncryption: true);

    /// <inheritdoc/>
    public override void Decrypt(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination) =>
        Run(firstSector, source, destination, isEncryption: false);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _pool.Dispose();
        CryptographicOperations.ZeroMemory(_dataKey);
        CryptographicOperations.ZeroMemory(TweakKey);
        CryptographicOperations.ZeroMemory(_ivKey);
    }

    private void Run(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination, bool isEncryption)
    {
        CheckLengths(source, destination);
        var work = _pool.Rent();
        try
        {
            for (var offset = 0; offset < source.Length; offset += BatchBytes)
            {
                var length = Math.Min(BatchBytes, source.Length - offset);
                work.Prepare(firstSector + (offset / SectorBytes), length / SectorBytes, _ivKind);
                var from = source.Slice(offset, length);
                var to = destination.Slice(offset, length);
                if (_mode == SectorCipherMode.Xts)
                {
                    work.Xts(from, to, isEncryption);
                }
                else if (isEncryption)
                {
                    work.CbcEncrypt(from, to);
                }
                else
                {
                    work.CbcDecrypt(from, to);
                }
            }
        }
        finally
        {
            _pool.Return(work);
        }
    }

    private static void Xor(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> result)
    {
        // All lengths are multiples of a block.
        var a = MemoryMarshal.Cast<byte, Vector128<byte>>(left);
        var b = MemoryMarshal.Cast<byte, Vector128<byte>>(right)[..a.Length];
        var c = MemoryMarshal.Cast<byte, Vector128<byte>>(result)[..a.Length];
        for (var index = 0; index < a.Length; index++)
        {
            c[index] = a[index] ^ b[index];
        }
    }

    /// <summary>Buffers and transforms of one thread at a time.</summary>
    private sealed class WorkSpace : IDisposable
    {
        private readonly List<Aes> _algorithms = [];
        private readonly ICryptoTransform _encrypt;
        private readonly ICryptoTransform _decrypt;
        private readonly ICryptoTransform? _ivEncrypt;
        private readonly byte[] _ivs = GC.AllocateUninitializedArray<byte>(BatchSectors * BlockBytes);
        private readonly byte[] _rawIvs = GC.AllocateUninitializedArray<byte>(BatchSectors * BlockBytes);
        private readonly byte[] _mask = GC.AllocateUninitializedArray<byte>(BatchBytes);
        private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(BatchBytes);
        private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(BatchBytes);

        public WorkSpace(AesSectorCipher owner)
        {
            var data = Algorithm(owner._dataKey);
            _encrypt = data.CreateEncryptor();
            _decrypt = data.CreateDecryptor();
            _ivEncrypt = (owner.TweakKey ?? owner._ivKey) is { } key ? Algorithm(key).CreateEncryptor() : null;
            EssivOfXts = owner is { TweakKey: not null, _ivKey: { } essiv } ? Algorithm(essiv).CreateEncryptor() : null;
        }

        /// <summary>With XTS and ESSIV together two transforms lie between the number and the tweak.</summary>
        private ICryptoTransform? EssivOfXts { get; }

        /// <summary>Makes the initial vectors, or first tweaks, of a batch.</summary>
        public void Prepare(long firstSector, int sectors, SectorIvKind kind)
        {
            var target = _ivEncrypt == null ? _ivs : _rawIvs;
            var length = sectors * BlockBytes;
            target.AsSpan(0, length).Clear();
            for (var index = 0; index < sectors; index++)
            {
                var number = unchecked((ulong)(firstSector + index));
                BinaryPrimitives.WriteUInt64LittleEndian(
                    target.AsSpan(index * BlockBytes), kind == SectorIvKind.Plain ? number & uint.MaxValue : number);
            }

            if (EssivOfXts != null)
            {
                EssivOfXts.TransformBlock(_rawIvs, 0, length, _ivs, 0);
                _ivs.AsSpan(0, length).CopyTo(_rawIvs);
            }

            _ivEncrypt?.TransformBlock(_rawIvs, 0, length, _ivs, 0);
        }

        public void Xts(ReadOnlySpan<byte> source, Span<byte> destination, bool isEncryption)
        {
            var mask = _mask.AsSpan(0, source.Length);
            FillMask(mask);
            Xor(source, mask, _input);
            (isEncryption ? _encrypt : _decrypt).TransformBlock(_input, 0, source.Length, _output, 0);
            Xor(_output.AsSpan(0, source.Length), mask, destination);
        }

        public void CbcDecrypt(ReadOnlySpan<byte> source, Span<byte> destination)
        {
            source.CopyTo(_input);
            _decrypt.TransformBlock(_input, 0, source.Length, _output, 0);
            for (var sector = 0; sector < source.Length / SectorBytes; sector++)
            {
                var start = sector * SectorBytes;
                Xor(_output.AsSpan(start, BlockBytes), _ivs.AsSpan(sector * BlockBytes, BlockBytes), destination[start..]);
                Xor(
                    _output.AsSpan(start + BlockBytes, SectorBytes - BlockBytes),
                    _input.AsSpan(start, SectorBytes - BlockBytes), destination[(start + BlockBytes)..]);
            }
        }

        /// <summary>A chain is serial, but the sectors of a batch are not: block by block over all of them.</summary>
        public void CbcEncrypt(ReadOnlySpan<byte> source, Span<byte> destination)
        {
            var sectors = source.Length / SectorBytes;
            var length = sectors * BlockBytes;
            var chain = _output.AsSpan(0, length);
            _ivs.AsSpan(0, length).CopyTo(chain);
            for (var block = 0; block < BlocksPerSector; block++)
            {
                for (var sector = 0; sector < sectors; sector++)
                {
                    var place = sector * BlockBytes;
                    Xor(
                        source.Slice((sector * SectorBytes) + (block * BlockBytes), BlockBytes), chain.Slice(place, BlockBytes),
                        _input.AsSpan(place, BlockBytes));
                }

                _encrypt.TransformBlock(_input, 0, length, _output, 0);
                for (var sector = 0; sector < sectors; sector++)
                {
                    chain.Slice(sector * BlockBytes, BlockBytes)
                        .CopyTo(destination[((sector * SectorBytes) + (block * BlockBytes))..]);
                }
            }
        }

        public void Dispose()
        {
            _encrypt.Dispose();
            _decrypt.Dispose();
            _ivEncrypt?.Dispose();
            EssivOfXts?.Dispose();
            foreach (var algorithm in _algorithms)
            {
                algorithm.Dispose();
            }

            CryptographicOperations.ZeroMemory(_input);
            CryptographicOperations.ZeroMemory(_output);
        }

        /// <summary>Tweak of each block: the one before it times x (IEEE 1619, 5.2).</summary>
        private void FillMask(Span<byte> mask)
        {
            for (var start = 0; start < mask.Length; start += SectorBytes)
            {
                var iv = _ivs.AsSpan(start / BlocksPerSector, BlockBytes);
                var low = BinaryPrimitives.ReadUInt64LittleEndian(iv);
                var high = BinaryPrimitives.ReadUInt64LittleEndian(iv[8..]);
                var sector = mask.Slice(start, SectorBytes);
                while (!sector.IsEmpty)
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(sector, low);
                    BinaryPrimitives.WriteUInt64LittleEndian(sector[8..], high);
                    var carry = unchecked(0 - (high >> 63)) & FieldPolynomial;
                    high = (high << 1) | (low >> 63);
                    low = (low << 1) ^ carry;
                    sector = sector[BlockBytes..];
                }
            }
        }

        private Aes Algorithm(byte[] key)
        {
            var aes = Aes.Create();
            _algorithms.Add(aes);
            aes.Mode = CipherMode.ECB;
            aes.Padding = PaddingMode.None;
            aes.Key = key;
            return aes;
        }
    }
}
