using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Makes the first cluster of an image out of a header.</summary>
internal static class Qcow2HeaderWriter
{
    private const int CompressionTypeOffset = 104;

    /// <summary>Where the two fields of the refcount table are: 12 bytes that are written at once.</summary>
    public const int RefcountTableField = 48;

    /// <summary>Where the fields of the L1 table are: 12 bytes that are written at once.</summary>
    public const int L1Field = 36;

    /// <summary>Where the fields of the snapshots are: 12 bytes that are written at once.</summary>
    public const int SnapshotsField = 60;

    /// <summary>Where the incompatible features are.</summary>
    public const int IncompatibleFeaturesField = 72;

    /// <summary>Where the autoclear features are.</summary>
    public const int AutoclearFeaturesField = 88;

    /// <summary>Where the place and the length of the backing name are.</summary>
    public const int BackingNameField = 8;

    /// <summary>The number of bytes that the fields and the extensions take, with the mark of their end.</summary>
    public static int EndOfExtensions(Qcow2Header header) =>
        header.HeaderBytes + header.Extensions.Sum(extension => 8 + ((extension.Data.Length + 7) & ~7)) + 8;

    /// <summary>The bytes of a header with its extensions and the backing name.</summary>
    /// <param name="header">The header.</param>
    /// <param name="name">Name of the image, for messages.</param>
    /// <param name="nameOffset">Where the backing name shall be, if that is behind the extensions.</param>
    /// <exception cref="BlockStorageException">They do not fit into a cluster.</exception>
    public static byte[] Write(Qcow2Header header, string name, int nameOffset = 0)
    {
        var bytes = new byte[header.ClusterBytes];
        WriteFields(header, bytes);
        var offset = header.HeaderBytes;
        foreach (var extension in header.Extensions)
        {
            offset = WriteExtension(bytes, offset, extension.Type, extension.Data.Span, name);
        }

        offset = WriteExtension(bytes, offset, Qcow2ExtensionType.End, default, name);
        if (header.BackingName is { } backing)
        {
            var text = Encoding.UTF8.GetBytes(backing);
            offset = Math.Max(offset, nameOffset);
            if (text.Length > Qcow2Limits.MaxBackingNameBytes || text.Length > bytes.Length - offset)
            {
                throw ImageErrors.Invalid(
                    name, null,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"the backing file name has {text.Length} bytes, expected at most {Math.Min(1023, bytes.Length - offset)}"));
            }

            text.CopyTo(bytes.AsSpan(offset));
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(BackingNameField), (ulong)offset);
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), (uint)text.Length);
        }

        return bytes;
    }

    private static void WriteFields(Qcow2Header header, Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Qcow2Header.Magic);
        BinaryPrimitives.WriteInt32BigEndian(bytes[4..], header.Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes[20..], header.ClusterBits);
        BinaryPrimitives.WriteInt64BigEndian(bytes[24..], header.SizeBytes);
        BinaryPrimitives.WriteInt32BigEndian(bytes[32..], (int)header.Encryption);
        BinaryPrimitives.WriteInt32BigEndian(bytes[36..], header.L1Entries);
        BinaryPrimitives.WriteInt64BigEndian(bytes[40..], header.L1Offset);
        BinaryPrimitives.WriteInt64BigEndian(bytes[RefcountTableField..], header.RefcountTableOffset);
        BinaryPrimitives.WriteInt32BigEndian(bytes[56..], header.RefcountTableClusters);
        BinaryPrimitives.WriteInt32BigEndian(bytes[SnapshotsField..], header.SnapshotCount);
        BinaryPrimitives.WriteInt64BigEndian(bytes[64..], header.SnapshotsOffset);
        if (header.Version == 2)
        {
            return;
        }

        BinaryPrimitives.WriteUInt64BigEndian(bytes[IncompatibleFeaturesField..], (ulong)header.IncompatibleFeatures);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[80..], (ulong)header.CompatibleFeatures);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[AutoclearFeaturesField..], (ulong)header.AutoclearFeatures);
        BinaryPrimitives.WriteInt32BigEndian(bytes[96..], header.RefcountOrder);
        BinaryPrimitives.WriteInt32BigEndian(bytes[100..], header.HeaderBytes);
        if (header.HeaderBytes > CompressionTypeOffset)
        {
            bytes[CompressionTypeOffset] = header.CompressionType;
            header.UnknownFields.Span.CopyTo(bytes[(CompressionTypeOffset + 1)..]);
        }
    }

    private static int WriteExtension(byte[] bytes, int offset, Qcow2ExtensionType type, ReadOnlySpan<byte> data, string name)
    {
        // The end marker may be missing where not even it fits; the area then ends with the cluster.
        var end = offset + 8 + ((data.Length + 7) & ~7);
        if (end > bytes.Length)
        {
            throw ImageErrors.Invalid(name, offset, "the header extensions do not fit into the first cluster");
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(offset), (uint)type);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(offset + 4), data.Length);
        data.CopyTo(bytes.AsSpan(offset + 8));
        return end;
    }
}
