using System.Globalization;
using System.Security.Cryptography;

namespace Eider.Storage.Encryption;

/// <summary>
/// Header and key slots of a LUKS1 volume where they lie: at the beginning of a file, or in an area of an image.
/// One caller at a time.
/// </summary>
public sealed class LuksArea
{
    private const int AlignmentSectors = 8;
    private const int DigestShare = 8;

    /// <summary>
    /// Most hashing that one passphrase is tried with, in rounds of the hash: a minute, or two of a slow processor. It is more
    /// than the most costly slot that is made here; what costs more wants to keep somebody busy.
    /// </summary>
    private const long MaxRounds = 1L << 27;

    private readonly BlockStorage _storage;
    private readonly long _offsetBytes;

    private LuksArea(BlockStorage storage, long offsetBytes, LuksHeader header)
    {
        _storage = storage;
        _offsetBytes = offsetBytes;
        Header = header;
    }

    /// <summary>The header as it is on disk now.</summary>
    public LuksHeader Header { get; private set; }

    /// <summary>Bytes that header and key slots of a new volume take; the data come after them.</summary>
    public static long SizeOf(LuksCipherName cipher)
    {
        ArgumentNullException.ThrowIfNull(cipher);
        return (AlignmentSectors + (LuksHeader.SlotCount * SlotStride(cipher))) * SectorCipher.SectorBytes;
    }

    /// <summary>Reads the header of a volume. No passphrase is needed.</summary>
    /// <param name="storage">Where it lies; stays the caller's.</param>
    /// <param name="offsetBytes">Where in it.</param>
    /// <param name="lengthBytes">How long the area is; header and keys must lie inside.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">It is none, is damaged, or uses what is not supported.</exception>
    public static async ValueTask<LuksArea> OpenAsync(
        BlockStorage storage, long offsetBytes, long lengthBytes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        var bytes = new byte[Math.Clamp(lengthBytes, 0, LuksHeader.SizeBytes)];
        await ReadAsync(storage, offsetBytes, bytes, cancellationToken).ConfigureAwait(false);
        try
        {
            var header = LuksHeader.Parse(bytes);
            var end = header.Slots.Max(slot => slot.MaterialSector + (long)header.MaterialSectors) * SectorCipher.SectorBytes;
            return end <= lengthBytes
                ? new LuksArea(storage, offsetBytes, header)
                : throw new FormatException($"found keys up to byte {end} of an area of {lengthBytes} bytes");
        }
        catch (Exception exception) when (exception is FormatException or NotSupportedException)
        {
            var kind = exception is NotSupportedException ? BlockErrorKind.UnsupportedFeature
                : LuksHeader.HasMagic(bytes) ? BlockErrorKind.CorruptImage : BlockErrorKind.InvalidFormat;
            throw new BlockStorageException(
                kind, BlockOperation.Open, storage.Name, offsetBytes, $"{storage.Name}: LUKS: {exception.Message}", exception);
        }
    }

    /// <summary>Makes a new volume with one passphrase.</summary>
    /// <param name="storage">Where it shall lie; stays the caller's.</param>
    /// <param name="offsetBytes">Where in it; <see cref="SizeOf"/> bytes are written.</param>
    /// <param name="password">The passphrase.</param>
    /// <param name="options">Cipher and effort.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <returns>The area, and the cipher for the data.</returns>
    /// <exception cref="BlockStorageException">The cipher does not exist, or the storage fails.</exception>
    public static async ValueTask<(LuksArea Area, SectorCipher Cipher)> CreateAsync(
        BlockStorage storage, long offsetBytes, ReadOnlyMemory<byte> password, LuksCreateOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        ArgumentNullException.ThrowIfNull(options);
        var cipher = CheckedCipher(storage, options.Cipher);
        var masterKey = RandomNumberGenerator.GetBytes(cipher.KeyBytes);
        try
        {
            var area = new LuksArea(storage, offsetBytes, NewHeader(cipher, masterKey, options));
            await WriteAsync(storage, offsetBytes, new byte[SizeOf(cipher)], cancellationToken).ConfigureAwait(false);
            await area.StoreKeyAsync(0, masterKey, password, options, cancellationToken).ConfigureAwait(false);
            return (area, CipherOf(cipher, masterKey));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(masterKey);
        }
    }

    /// <summary>The cipher for the data, by any passphrase of the volume.</summary>
    /// <param name="password">The passphrase.</param>
    /// <param name="cancellationToken">Ends the attempt between two key slots.</param>
    /// <returns>Null if the passphrase fits no slot.</returns>
    /// <exception cref="BlockStorageException">The storage fails.</exception>
    public async ValueTask<SectorCipher?> UnlockAsync(ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default)
    {
        var (slot, key) = await FindAsync(password, cancellationToken).ConfigureAwait(false);
        if (slot < 0)
        {
            return null;
        }

        var cipher = CipherOf(Header.Cipher, key);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }

    /// <summary>Adds a passphrase.</summary>
    /// <param name="password">One that fits already.</param>
    /// <param name="newPassword">The new one.</param>
    /// <param name="options">Effort of hashing; the cipher stays.</param>
    /// <param name="cancellationToken">Ends the attempt early; nothing is then added.</param>
    /// <returns>The key slot that was taken.</returns>
    /// <exception cref="BlockStorageException">The passphrase does not fit, all slots are taken, or the storage fails.</exception>
    public async ValueTask<int> AddKeyAsync(
        ReadOnlyMemory<byte> password, ReadOnlyMemory<byte> newPassword, LuksCreateOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var (used, masterKey) = await FindAsync(password, cancellationToken).ConfigureAwait(false);
        if (used < 0)
        {
            throw Refused(BlockErrorKind.AccessDenied, "the passphrase fits no key slot");
        }

        try
        {
            var free = Enumerable.Range(0, LuksHeader.SlotCount).FirstOrDefault(index => !Header.Slots[index].IsActive, -1);
            if (free < 0)
            {
                throw Refused(BlockErrorKind.NoSpace, $"all {LuksHeader.SlotCount} key slots are taken; erase one first");
            }

            await StoreKeyAsync(free, masterKey, newPassword, options with { Cipher = Header.Cipher }, cancellationToken)
                .ConfigureAwait(false);
            return free;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(masterKey);
        }
    }

    /// <summary>Erases a passphrase: its key is overwritten before the slot is marked as free.</summary>
    /// <param name="slot">Which, 0 to 7.</param>
    /// <param name="mayBeLast">True to allow it for the last passphrase too: the data are lost then.</param>
    /// <param name="cancellationToken">Ends the attempt early; the slot may be useless then.</param>
    /// <exception cref="BlockStorageException">It is the last one, or the storage fails.</exception>
    public async ValueTask EraseKeyAsync(int slot, bool mayBeLast = false, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, LuksHeader.SlotCount);
        if (!mayBeLast && Header.Slots[slot].IsActive && Header.Slots.Count(other => other.IsActive) == 1)
        {
            throw Refused(BlockErrorKind.AccessDenied, $"key slot {slot} holds the last passphrase; without it the data are lost");
        }

        var material = RandomNumberGenerator.GetBytes(Header.MaterialSectors * SectorCipher.SectorBytes);
        var place = _offsetBytes + (Header.Slots[slot].MaterialSector * (long)SectorCipher.SectorBytes);
        await WriteAsync(_storage, place, material, cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await StoreHeaderAsync(
            Header.WithSlot(slot, new LuksKeySlot { MaterialSector = Header.Slots[slot].MaterialSector }), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>The key slot that a passphrase fits, or -1.</summary>
    /// <param name="password">The passphrase.</param>
    /// <param name="cancellationToken">Ends the attempt between two key slots.</param>
    public async ValueTask<int> FindSlotAsync(ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default)
    {
        var (slot, key) = await FindAsync(password, cancellationToken).ConfigureAwait(false);
        CryptographicOperations.ZeroMemory(key);
        return slot;
    }

    private static long SlotStride(LuksCipherName cipher) =>
        (LuksHeader.MaterialSectorsOf(cipher.KeyBytes) + AlignmentSectors - 1) / AlignmentSectors * AlignmentSectors;

    private static AesSectorCipher CipherOf(LuksCipherName name, ReadOnlySpan<byte> key) =>
        new AesSectorCipher(name.Mode, key, name.Iv, name.EssivHash);

    private static LuksCipherName CheckedCipher(BlockStorage storage, LuksCipherName cipher)
    {
        try
        {
            return cipher.Checked();
        }
        catch (NotSupportedException exception)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Open, storage.Name, null, $"{storage.Name}: LUKS: {exception.Message}", exception);
        }
    }

    private static LuksHeader NewHeader(LuksCipherName cipher, byte[] masterKey, LuksCreateOptions options)
    {
        var salt = RandomNumberGenerator.GetBytes(LuksHeader.SaltBytes);
        var digest = new byte[LuksHeader.DigestBytes];

        // The digest is checked after each guess of a passphrase, which has cost its full share already.
        var iterations = Math.Max(KeyStretching.MinIterations, KeyStretching.IterationsFor(options) / DigestShare);
        KeyStretching.Derive(masterKey, salt, iterations, cipher.Hash, digest);
        return new LuksHeader
        {
            Cipher = cipher,
            PayloadSector = (uint)(SizeOf(cipher) / SectorCipher.SectorBytes),
            Digest = digest,
            DigestSalt = salt,
            DigestIterations = iterations,
            Uuid = new Guid(RandomNumberGenerator.GetBytes(16)).ToString(),
            Slots =
            [
                .. Enumerable.Range(0, LuksHeader.SlotCount).Select(index => new LuksKeySlot
                {
                    MaterialSector = (uint)(AlignmentSectors + (index * SlotStride(cipher))),
                }),
            ],
        };
    }

    /// <summary>The key first, durably; then the header that says that it is there.</summary>
    private async ValueTask StoreKeyAsync(
        int index, byte[] masterKey, ReadOnlyMemory<byte> password, LuksCreateOptions options, CancellationToken cancellationToken)
    {
        var slot = Header.Slots[index] with
        {
            IsActive = true,
            Iterations = KeyStretching.IterationsFor(options),
            Salt = RandomNumberGenerator.GetBytes(LuksHeader.SaltBytes),
            Stripes = LuksHeader.Stripes,
        };
        var material = new byte[Header.MaterialSectors * SectorCipher.SectorBytes];
        Seal(slot, masterKey, password.Span, material);
        var place = _offsetBytes + (slot.MaterialSector * (long)SectorCipher.SectorBytes);
        await WriteAsync(_storage, place, material, cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await StoreHeaderAsync(Header.WithSlot(index, slot), cancellationToken).ConfigureAwait(false);
    }

    private void Seal(LuksKeySlot slot, byte[] masterKey, ReadOnlySpan<byte> password, byte[] material)
    {
        Span<byte> key = stackalloc byte[Header.Cipher.KeyBytes];
        KeyStretching.Derive(password, slot.Salt.Span, slot.Iterations, Header.Cipher.Hash, key);
        using var cipher = CipherOf(Header.Cipher, key);
        CryptographicOperations.ZeroMemory(key);
        AntiForensicSplitter.Split(masterKey, LuksHeader.Stripes, Header.Cipher.Hash, material.AsSpan(0, masterKey.Length * LuksHeader.Stripes));
        cipher.Encrypt(0, material);
    }

    private async ValueTask StoreHeaderAsync(LuksHeader header, CancellationToken cancellationToken)
    {
        var bytes = new byte[LuksHeader.SizeBytes];
        header.Write(bytes);
        await WriteAsync(_storage, _offsetBytes, bytes, cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        Header = header;
    }

    private async ValueTask<(int Slot, byte[] Key)> FindAsync(ReadOnlyMemory<byte> password, CancellationToken cancellationToken)
    {
        var material = new byte[Header.MaterialSectors * SectorCipher.SectorBytes];
        var key = new byte[Header.Cipher.KeyBytes];
        var roundsLeft = MaxRounds;
        for (var index = 0; index < LuksHeader.SlotCount; index++)
        {
            var slot = Header.Slots[index];
            if (slot.IsActive)
            {
                cancellationToken.ThrowIfCancellationRequested();
                roundsLeft -= RoundsOf(slot);
                ThrowIfTooLong(index, slot, roundsLeft);
                var place = _offsetBytes + (slot.MaterialSector * (long)SectorCipher.SectorBytes);
                await ReadAsync(_storage, place, material, cancellationToken).ConfigureAwait(false);
                if (TryOpen(slot, password.Span, material, key))
                {
                    CryptographicOperations.ZeroMemory(material);
                    return (index, key);
                }
            }
        }

        CryptographicOperations.ZeroMemory(material);
        CryptographicOperations.ZeroMemory(key);
        return (-1, key);
    }

    /// <summary>How often the hash runs for one try of a slot; each block of the key costs all iterations.</summary>
    private long RoundsOf(LuksKeySlot slot)
    {
        var hashBytes = Header.Cipher.Hash.Name switch { "SHA1" => 20, "SHA256" => 32, _ => 64 };
        return (slot.Iterations * (long)((Header.Cipher.KeyBytes + hashBytes - 1) / hashBytes)) + Header.DigestIterations;
    }

    private void ThrowIfTooLong(int index, LuksKeySlot slot, long roundsLeft)
    {
        if (roundsLeft < 0)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Open, _storage.Name, _offsetBytes,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_storage.Name}: LUKS: the passphrase fits no key slot before key slot {index}, and that one has {slot.Iterations} iterations: trying them all takes more than {MaxRounds} rounds of the hash, which is the limit"));
        }
    }

    private bool TryOpen(LuksKeySlot slot, ReadOnlySpan<byte> password, byte[] material, Span<byte> key)
    {
        var hash = Header.Cipher.Hash;
        KeyStretching.Derive(password, slot.Salt.Span, slot.Iterations, hash, key);
        using (var cipher = CipherOf(Header.Cipher, key))
        {
            cipher.Decrypt(0, material);
        }

        AntiForensicSplitter.Merge(material.AsSpan(0, key.Length * LuksHeader.Stripes), LuksHeader.Stripes, hash, key);
        Span<byte> digest = stackalloc byte[LuksHeader.DigestBytes];
        KeyStretching.Derive(key, Header.DigestSalt.Span, Header.DigestIterations, hash, digest);
        return CryptographicOperations.FixedTimeEquals(digest, Header.Digest.Span);
    }

    private static async ValueTask ReadAsync(BlockStorage storage, long offsetBytes, byte[] bytes, CancellationToken cancellationToken) =>
        Expect(storage, BlockOperation.Read, offsetBytes, await storage.ReadAsync(offsetBytes, bytes, cancellationToken).ConfigureAwait(false));

    private static async ValueTask WriteAsync(BlockStorage storage, long offsetBytes, byte[] bytes, CancellationToken cancellationToken) =>
        Expect(storage, BlockOperation.Write, offsetBytes, await storage.WriteAsync(offsetBytes, bytes, cancellationToken).ConfigureAwait(false));

    private static void Expect(BlockStorage storage, BlockOperation operation, long? offsetBytes, BlockResult result)
    {
        if (result != BlockResult.Ok)
        {
            throw new BlockStorageException(
                result == BlockResult.ReadOnly ? BlockErrorKind.AccessDenied : BlockErrorKind.InvalidFormat, operation, storage.Name,
                offsetBytes, $"{storage.Name}: LUKS: found {storage.SizeBytes} bytes, expected header and keys at byte {offsetBytes} ({result})");
        }
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken) =>
        Expect(_storage, BlockOperation.Flush, null, await _storage.FlushAsync(cancellationToken).ConfigureAwait(false));

    private BlockStorageException Refused(BlockErrorKind kind, string why) =>
        new(kind, BlockOperation.Open, _storage.Name, _offsetBytes, $"{_storage.Name}: LUKS: {why}");
}
