using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Reads the table of internal snapshots.</summary>
internal static class SnapshotTable
{
    /// <summary>Length of an entry without what is variable.</summary>
    public const int FixedBytes = 40;

    /// <summary>Extra data that is known: state size (8 bytes) and disk size (8 bytes).</summary>
    public const int KnownExtraBytes = 16;

    private const int MaxExtraBytes = 1024;
    private const long MaxTableBytes = 64L << 20;
    private const long MaxNameBytes = 8L << 20;

    /// <summary>Reads all entries.</summary>
    /// <returns>The snapshots, and how long the table is in bytes.</returns>
    /// <exception cref="BlockStorageException">An entry cannot be.</exception>
    public static async ValueTask<(List<Qcow2Snapshot> Snapshots, long LengthBytes)> ReadAsync(
        Qcow2Header header, ImageFile file, CancellationToken cancellationToken)
    {
        var snapshots = new List<Qcow2Snapshot>();
        var offset = header.SnapshotsOffset;
        var window = new ReadWindow(file);
        var allNameBytes = 0L;
        for (var index = 0; index < header.SnapshotCount; index++)
        {
            var fixedPart = await window.ReadAsync(offset, FixedBytes, cancellationToken).ConfigureAwait(false);
            var extra = BinaryPrimitives.ReadUInt32BigEndian(fixedPart.Span[36..]);
            int idBytes = BinaryPrimitives.ReadUInt16BigEndian(fixedPart.Span[12..]);
            int nameBytes = BinaryPrimitives.ReadUInt16BigEndian(fixedPart.Span[14..]);
            if (extra > MaxExtraBytes || offset - header.SnapshotsOffset > MaxTableBytes)
            {
                throw ImageErrors.Invalid(
                    file.Name, offset,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"entry {index} of the snapshot table has {extra} bytes of extra data at {offset}, expected at most {MaxExtraBytes} and a table of 64 MiB"));
            }

            allNameBytes += idBytes + nameBytes;
            if (allNameBytes > MaxNameBytes)
            {
                throw ImageErrors.Invalid(file.Name, offset, $"the names of the snapshots have more than {MaxNameBytes} bytes");
            }

            var entry = await window.ReadAsync(offset, FixedBytes + (int)extra + idBytes + nameBytes, cancellationToken).ConfigureAwait(false);
            snapshots.Add(Parse(entry.Span[..FixedBytes], entry.Span[FixedBytes..], (int)extra, idBytes, header, file.Name, offset));
            offset += (entry.Length + 7) & ~7;
        }

        return (snapshots, offset - header.SnapshotsOffset);
    }

    /// <summary>The snapshot with an id, or else with a name.</summary>
    /// <exception cref="BlockStorageException">There is none.</exception>
    public static Qcow2Snapshot Find(List<Qcow2Snapshot> snapshots, string idOrName, string path) =>
        snapshots.Find(snapshot => snapshot.Id == idOrName) ?? snapshots.Find(snapshot => snapshot.Name == idOrName)
        ?? throw new BlockStorageException(
            BlockErrorKind.NotFound, BlockOperation.Open, path, null, $"{path}: there is no snapshot '{idOrName}'");

    private static Qcow2Snapshot Parse(
        ReadOnlySpan<byte> fixedPart, ReadOnlySpan<byte> variable, int extra, int idBytes, Qcow2Header header, string name, long offset)
    {
        var l1Offset = BinaryPrimitives.ReadUInt64BigEndian(fixedPart);
        var l1Entries = BinaryPrimitives.ReadUInt32BigEndian(fixedPart[8..]);
        if (l1Entries > Qcow2Limits.MaxL1Bytes / 8 || l1Offset >= Qcow2Limits.MaxHostOffset
            || (l1Offset & (ulong)(header.ClusterBytes - 1)) != 0)
        {
            throw ImageErrors.Invalid(
                name, offset,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the snapshot at {offset} has an L1 table of {l1Entries} entries at {l1Offset}, which cannot be"));
        }

        var disk = extra >= KnownExtraBytes ? BinaryPrimitives.ReadUInt64BigEndian(variable[8..]) : (ulong?)null;
        return new Qcow2Snapshot
        {
            L1Offset = (long)l1Offset,
            L1Entries = (int)l1Entries,
            DateSeconds = BinaryPrimitives.ReadUInt32BigEndian(fixedPart[16..]),
            DateNanoseconds = BinaryPrimitives.ReadUInt32BigEndian(fixedPart[20..]),
            GuestClockNanoseconds = BinaryPrimitives.ReadUInt64BigEndian(fixedPart[24..]),
            StateBytes = extra >= 8
                ? BinaryPrimitives.ReadUInt64BigEndian(variable)
                : BinaryPrimitives.ReadUInt32BigEndian(fixedPart[32..]),
            DiskBytes = disk is { } bytes && bytes <= long.MaxValue ? (long)bytes : null,
            UnknownExtra = extra > KnownExtraBytes ? variable[KnownExtraBytes..extra].ToArray() : default,
            Raw = (variable.Slice(extra, idBytes).ToArray(), variable[(extra + idBytes)..].ToArray()),
            Id = Encoding.UTF8.GetString(variable.Slice(extra, idBytes)),
            Name = Encoding.UTF8.GetString(variable[(extra + idBytes)..]),
        };
    }
}
