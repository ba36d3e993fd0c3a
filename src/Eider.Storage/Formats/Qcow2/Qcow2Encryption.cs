using System.Buffers.Binary;
using Eider.Storage.Encryption;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// The encryption of an image's data: LUKS1 whose header lies in clusters of the image (header extension 0x0537be77),
/// or the old AES kind without any header.
/// </summary>
internal static class Qcow2Encryption
{
    private const int ExtensionBytes = 16;

    /// <summary>The cipher of an encrypted image.</summary>
    /// <exception cref="BlockStorageException">The passphrase does not fit, or the LUKS header is damaged or unsupported.</exception>
    public static async ValueTask<IDataCipher> UnlockAsync(Qcow2Core core, ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        if (core.Header.Encryption == Qcow2EncryptionMethod.Aes)
        {
            return new Qcow2DataCipher(LegacyAesKey.CreateCipher(key.Span), isByHostOffset: false);
        }

        var area = await OpenAreaAsync(core.Header, core.File.Storage, cancellationToken).ConfigureAwait(false);
        var cipher = await area.UnlockAsync(key, cancellationToken).ConfigureAwait(false)
            ?? throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Open, core.Name, null, $"{core.Name}: LUKS: the passphrase fits no key slot");
        return new Qcow2DataCipher(cipher, isByHostOffset: true);
    }

    /// <summary>The LUKS header of an image, for those who list, add or erase passphrases.</summary>
    public static ValueTask<LuksArea> OpenAreaAsync(Qcow2Header header, BlockStorage file, CancellationToken cancellationToken)
    {
        var (offset, length) = PlaceOf(header, file);
        return LuksArea.OpenAsync(file, offset, Math.Min(length, file.SizeBytes - offset), cancellationToken);
    }

    /// <summary>The header extension for a LUKS header at a place.</summary>
    public static Qcow2Extension ExtensionFor(long offsetBytes, long lengthBytes)
    {
        var data = new byte[ExtensionBytes];
        BinaryPrimitives.WriteInt64BigEndian(data, offsetBytes);
        BinaryPrimitives.WriteInt64BigEndian(data.AsSpan(8), lengthBytes);
        return new Qcow2Extension(Qcow2ExtensionType.EncryptionHeader, data);
    }

    /// <summary>Where the LUKS header lies and how much room it has, in bytes.</summary>
    public static (long OffsetBytes, long LengthBytes) PlaceOf(Qcow2Header header, BlockStorage file)
    {
        var data = (header.Find(Qcow2ExtensionType.EncryptionHeader)?.Data ?? default).Span;
        if (data.Length != ExtensionBytes)
        {
            throw ImageErrors.Invalid(
                file.Name, null, $"found {data.Length} bytes about the place of the LUKS header, expected {ExtensionBytes}");
        }

        var offset = BinaryPrimitives.ReadInt64BigEndian(data);
        var length = BinaryPrimitives.ReadInt64BigEndian(data[8..]);
        return offset > 0 && length > 0 && offset % (1L << header.ClusterBits) == 0 && offset < file.SizeBytes
            ? (offset, length)
            : throw ImageErrors.Invalid(
                file.Name, offset, $"found a LUKS header of {length} bytes at {offset}, expected a cluster inside the file");
    }
}
