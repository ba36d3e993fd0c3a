using System.Buffers.Binary;
using System.Text;

namespace Eider.Storage.Formats.Qcow2.Snapshots;

/// <summary>Makes the bytes of a table of snapshots (qcow2 specification, "Snapshots").</summary>
internal static class SnapshotTableWriter
{
    /// <summary>The table; every entry says the size of its state in 64 bits and the size of its disk.</summary>
    /// <param name="snapshots">The snapshots, in order.</param>
    /// <param name="diskBytes">Size of the disk for entries that did not say theirs.</param>
    public static byte[] Write(IReadOnlyList<Qcow2Snapshot> snapshots, long diskBytes)
    {
        var table = new List<byte>();
        foreach (var snapshot in snapshots)
        {
            table.AddRange(Write(snapshot, diskBytes));
        }

        return [.. table];
    }

    private static byte[] Write(Qcow2Snapshot snapshot, long diskBytes)
    {
        var id = snapshot.Raw.Id.IsEmpty ? Encoding.UTF8.GetBytes(snapshot.Id) : snapshot.Raw.Id.ToArray();
        var name = snapshot.Raw.Name.IsEmpty ? Encoding.UTF8.GetBytes(snapshot.Name) : snapshot.Raw.Name.ToArray();
        var extra = SnapshotTable.KnownExtraBytes + snapshot.UnknownExtra.Length;
        var bytes = new byte[(SnapshotTable.FixedBytes + extra + id.Length + name.Length + 7) & ~7];
        BinaryPrimitives.WriteInt64BigEndian(bytes, snapshot.L1Offset);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), snapshot.L1Entries);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(12), (ushort)id.Length);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), (ushort)name.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), snapshot.DateSeconds);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(20), snapshot.DateNanoseconds);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(24), snapshot.GuestClockNanoseconds);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(32), (uint)Math.Min(snapshot.StateBytes, uint.MaxValue));
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(36), extra);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(40), snapshot.StateBytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(48), snapshot.DiskBytes ?? diskBytes);
        snapshot.UnknownExtra.Span.CopyTo(bytes.AsSpan(56));
        id.CopyTo(bytes.AsSpan(SnapshotTable.FixedBytes + extra));
        name.CopyTo(bytes.AsSpan(SnapshotTable.FixedBytes + extra + id.Length));
        return bytes;
    }
}
