using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Reads and checks a header. What a hostile file says is bounded before anything is allocated for it.</summary>
internal static class Qcow2HeaderReader
{
    private const int CompressionTypeOffset = 104;
    private const int ExtensionHeaderBytes = 8;
    private const int FeatureNameBytes = 48;

    /// <summary>Reads the header of a file.</summary>
    /// <exception cref="BlockStorageException">It is none, or contradicts itself.</exception>
    public static async ValueTask<Qcow2Header> ReadAsync(BlockStorage file, CancellationToken cancellationToken)
    {
        var start = new byte[(int)Math.Min(512, file.SizeBytes)];
        await file.ReadAsync(0, start, cancellationToken).ConfigureAwait(false);
        var fixedPart = ReadFixedPart(start, file.Name);
        CheckFixedPart(fixedPart, file.Name);

        // Extensions and the backing name end with the first cluster.
        var cluster = new byte[(int)Math.Min(fixedPart.ClusterBytes, file.SizeBytes)];
        await file.ReadAsync(0, cluster, cancellationToken).ConfigureAwait(false);
        return ReadVariablePart(fixedPart, cluster, file.Name);
    }

    /// <summary>True if the bytes begin as an image of a version that is known.</summary>
    public static bool IsQcow2(ReadOnlySpan<byte> beginning) =>
        beginning.Length >= 8 && BinaryPrimitives.ReadUInt32BigEndian(beginning) == Qcow2Header.Magic
        && BinaryPrimitives.ReadUInt32BigEndian(beginning[4..]) >= 2;

    private static Qcow2Header ReadFixedPart(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length < 8 || BinaryPrimitives.ReadUInt32BigEndian(bytes) != Qcow2Header.Magic)
        {
            throw ImageErrors.Invalid(name, 0, "not in qcow2 format: the magic number at offset 0 is missing");
        }

        var version = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (version is not (2 or 3))
        {
            throw ImageErrors.Unsupported(name, Text($"found qcow2 version {version}, expected 2 or 3"));
        }

        if (bytes.Length < (version == 2 ? Qcow2Header.Version2Bytes : Qcow2Header.Version3Bytes))
        {
            throw ImageErrors.Invalid(name, 0, Text($"the file ends inside the header, at {bytes.Length} bytes"));
        }

        var header = new Qcow2Header
        {
            Version = (int)version,
            ClusterBits = Int(bytes[20..], name, 20, "cluster bits"),
            SizeBytes = Long(bytes[24..], name, 24, "size"),
            Encryption = (Qcow2EncryptionMethod)Int(bytes[32..], name, 32, "encryption method"),
            L1Entries = Int(bytes[36..], name, 36, "size of the L1 table"),
            L1Offset = Long(bytes[40..], name, 40, "offset of the L1 table"),
            RefcountTableOffset = Long(bytes[48..], name, 48, "offset of the refcount table"),
            RefcountTableClusters = Int(bytes[56..], name, 56, "size of the refcount table"),
            SnapshotCount = Int(bytes[60..], name, 60, "number of snapshots"),
            SnapshotsOffset = Long(bytes[64..], name, 64, "offset of the snapshots"),
        };
        return version == 2 ? header : header with
        {
            IncompatibleFeatures = (Qcow2IncompatibleFeatures)BinaryPrimitives.ReadUInt64BigEndian(bytes[72..]),
            CompatibleFeatures = (Qcow2CompatibleFeatures)BinaryPrimitives.ReadUInt64BigEndian(bytes[80..]),
            AutoclearFeatures = (Qcow2AutoclearFeatures)BinaryPrimitives.ReadUInt64BigEndian(bytes[88..]),
            RefcountOrder = Int(bytes[96..], name, 96, "refcount order"),
            HeaderBytes = Int(bytes[100..], name, 100, "header length"),
        };
    }

    private static void CheckFixedPart(Qcow2Header header, string name)
    {
        Expect(
            header.ClusterBits is >= Qcow2Limits.MinClusterBits and <= Qcow2Limits.MaxClusterBits, name, 20,
            $"found {header.ClusterBits} cluster bits, expected 9 to 21");
        Expect(
            header.HeaderBytes <= header.ClusterBytes && header.HeaderBytes % 8 == 0
            && (header.Version == 2 || header.HeaderBytes >= Qcow2Header.Version3Bytes),
            name, 100, $"found header length {header.HeaderBytes}, expected a multiple of 8 from 104 to the cluster size");
        Expect(
            header.RefcountOrder is >= 0 and <= Qcow2Limits.MaxRefcountOrder, name, 96,
            $"found refcount order {header.RefcountOrder}, expected 0 to 6");
        Expect(
            header.Encryption is >= Qcow2EncryptionMethod.None and <= Qcow2EncryptionMethod.Luks, name, 32,
            $"found encryption method {(int)header.Encryption}, expected 0 (none), 1 (AES) or 2 (LUKS)");
        Expect(
            header.L1Entries <= Qcow2Limits.MaxL1Bytes / 8, name, 36,
            $"found an L1 table of {header.L1Entries} entries, expected at most {Qcow2Limits.MaxL1Bytes / 8}");
        Expect(
            (long)header.RefcountTableClusters << header.ClusterBits <= Qcow2Limits.MaxRefcountTableBytes, name, 56,
            $"found a refcount table of {header.RefcountTableClusters} clusters, expected at most 8 MiB");
        Expect(
            header.SnapshotCount <= Qcow2Limits.MaxSnapshots, name, 60,
            $"found {header.SnapshotCount} snapshots, expected at most {Qcow2Limits.MaxSnapshots}");
        ExpectPlace(header, header.L1Offset, header.L1Entries * 8L, name, 40, "L1 table");
        ExpectPlace(
            header, header.RefcountTableOffset, (long)header.RefcountTableClusters << header.ClusterBits, name, 48,
            "refcount table");
        ExpectPlace(header, header.SnapshotCount > 0 ? header.SnapshotsOffset : 0, 0, name, 64, "table of snapshots");
    }

    private static Qcow2Header ReadVariablePart(Qcow2Header header, byte[] cluster, string name)
    {
        if (header.HeaderBytes > cluster.Length)
        {
            throw ImageErrors.Invalid(name, 100, Text($"the file ends inside the header, at {cluster.Length} bytes"));
        }

        var backingOffset = Long(cluster.AsSpan(8), name, 8, "offset of the backing name");
        var backingBytes = Int(cluster.AsSpan(16), name, 16, "length of the backing name");
        var extensionsEnd = cluster.Length;
        string? backing = null;
        if (backingOffset != 0)
        {
            Expect(
                backingBytes <= Qcow2Limits.MaxBackingNameBytes && backingOffset <= cluster.Length - backingBytes
                && backingOffset >= header.HeaderBytes,
                name, 8,
                $"found a backing name of {backingBytes} bytes at {backingOffset}, expected at most 1023 inside of the first cluster");
            extensionsEnd = (int)backingOffset;
            backing = Encoding.UTF8.GetString(cluster.AsSpan((int)backingOffset, backingBytes));
        }

        if (header.HeaderBytes > CompressionTypeOffset)
        {
            header = header with
            {
                CompressionType = cluster[CompressionTypeOffset],
                UnknownFields = cluster.AsMemory(CompressionTypeOffset + 1, header.HeaderBytes - CompressionTypeOffset - 1),
            };
        }

        header = header with
        {
            BackingName = string.IsNullOrEmpty(backing) ? null : backing,
            Extensions = ReadExtensions(cluster.AsMemory(0, extensionsEnd), header.HeaderBytes, name),
        };
        CheckFeatures(header, name);
        return header;
    }

    private static List<Qcow2Extension> ReadExtensions(ReadOnlyMemory<byte> cluster, int offset, string name)
    {
        var found = new List<Qcow2Extension>();
        while (offset <= cluster.Length - ExtensionHeaderBytes)
        {
            var type = (Qcow2ExtensionType)BinaryPrimitives.ReadUInt32BigEndian(cluster.Span[offset..]);
            var length = BinaryPrimitives.ReadUInt32BigEndian(cluster.Span[(offset + 4)..]);
            if (type == Qcow2ExtensionType.End)
            {
                break;
            }

            Expect(
                length <= (uint)(cluster.Length - offset - ExtensionHeaderBytes), name, offset,
                $"the header extension {(uint)type:x8} has {length} bytes, more than there is room");
            found.Add(new Qcow2Extension(type, cluster.Slice(offset + ExtensionHeaderBytes, (int)length)));
            offset += ExtensionHeaderBytes + (((int)length + 7) & ~7);
        }

        return found;
    }

    private static void CheckFeatures(Qcow2Header header, string name)
    {
        const Qcow2IncompatibleFeatures Known = Qcow2IncompatibleFeatures.Dirty | Qcow2IncompatibleFeatures.Corrupt
            | Qcow2IncompatibleFeatures.ExternalDataFile | Qcow2IncompatibleFeatures.CompressionType
            | Qcow2IncompatibleFeatures.ExtendedL2;
        if ((header.IncompatibleFeatures & ~Known) is var unknown and not 0)
        {
            throw ImageErrors.Unsupported(name, $"the image needs features that are not known here: {NamesOf(header, (ulong)unknown)}");
        }

        var hasCompressionType = header.IncompatibleFeatures.HasFlag(Qcow2IncompatibleFeatures.CompressionType);
        Expect(
            hasCompressionType == (header.CompressionType != 0), name, CompressionTypeOffset,
            $"compression type {header.CompressionType} does not fit the feature bit, which is {(hasCompressionType ? "set" : "clear")}");
        if (header.CompressionType > 1)
        {
            throw ImageErrors.Unsupported(name, Text($"found compression type {header.CompressionType}, expected 0 (zlib) or 1 (zstd)"));
        }

        Expect(
            !header.HasExtendedL2 || header.ClusterBits >= Qcow2Limits.MinClusterBitsOfExtendedL2, name, 20,
            $"extended L2 entries need clusters of 16 KiB at least, found {header.ClusterBytes} bytes");
        Expect(
            !header.IsDataFileRaw || header.BackingName == null, name, 88,
            $"a raw external data file and a backing file exclude each other");
        Expect(
            header.Encryption != Qcow2EncryptionMethod.Luks || header.Find(Qcow2ExtensionType.EncryptionHeader) != null, name, 32,
            $"the image is encrypted with LUKS, but the header extension with its place is missing");
        Expect(
            !header.HasDataFile || header.SnapshotCount == 0, name, 60,
            $"found {header.SnapshotCount} snapshots, expected none with an external data file");
        Expect(L1EntriesFor(header) <= int.MaxValue, name, 24, $"the disk of {header.SizeBytes} bytes is too big for clusters of {header.ClusterBytes} bytes");
        Expect(header.L1Entries >= L1EntriesFor(header), name, 36, $"the L1 table is too small for the disk of {header.SizeBytes} bytes");
    }

    /// <summary>Entries that an L1 table needs at least; more than fit an int become the most there is.</summary>
    public static long L1EntriesFor(Qcow2Header header)
    {
        var entryBits = header.HasExtendedL2 ? 4 : 3;
        var bytesBits = header.ClusterBits + header.ClusterBits - entryBits;
        return header.SizeBytes == 0 ? 0 : ((header.SizeBytes - 1) >> bytesBits) + 1;
    }

    /// <summary>The names of bits, then those without a name as one number.</summary>
    private static string NamesOf(Qcow2Header header, ulong bits)
    {
        var table = (header.Find(Qcow2ExtensionType.FeatureNames)?.Data ?? default).Span;
        var names = new List<string>();
        var nameless = 0UL;
        for (var bit = 0; bit < 64; bit++)
        {
            if ((bits & (1UL << bit)) == 0)
            {
                continue;
            }

            if (NameOf(table, bit) is { } name)
            {
                names.Add(name);
            }
            else
            {
                nameless |= 1UL << bit;
            }
        }

        return string.Join(", ", nameless == 0 ? names : names.Append(Text($"bits {nameless:x}")));
    }

    private static string? NameOf(ReadOnlySpan<byte> table, int bit)
    {
        for (; table.Length >= FeatureNameBytes; table = table[FeatureNameBytes..])
        {
            if (table[0] == 0 && table[1] == bit)
            {
                var bytes = table[2..FeatureNameBytes];
                var end = bytes.IndexOf((byte)0);
                var name = Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
                return string.Concat(name.Select(character => char.IsControl(character) ? '?' : character));
            }
        }

        return null;
    }

    private static int Int(ReadOnlySpan<byte> bytes, string name, int offset, string what)
    {
        var value = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        Expect(value <= int.MaxValue, name, offset, $"the {what} is {value}, which is too large");
        return (int)value;
    }

    private static long Long(ReadOnlySpan<byte> bytes, string name, int offset, string what)
    {
        var value = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        Expect(value <= long.MaxValue, name, offset, $"the {what} is {value}, which is too large");
        return (long)value;
    }

    private static void ExpectPlace(Qcow2Header header, long offset, long length, string name, int field, string what)
    {
        Expect(
            (offset & (header.ClusterBytes - 1)) == 0, name, field, $"the {what} at {offset} does not begin with a cluster");
        Expect(
            offset <= Qcow2Limits.MaxHostOffset && length <= Qcow2Limits.MaxHostOffset - offset, name, field,
            $"the {what} at {offset} lies beyond what an image can reach");
    }

    private static void Expect(bool condition, string name, long offset, FormattableString what)
    {
        if (!condition)
        {
            throw ImageErrors.Invalid(name, offset, Text(what));
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
