using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Eider.Storage.Layers;

/// <summary>
/// The partition table of a disk: MBR with logical partitions, or GPT (UEFI Specification 2.10, 5.2 and 5.3) with its
/// copy at the end when the first one is damaged. What does not lie inside the disk is not listed.
/// </summary>
public sealed class PartitionTable
{
    private const int MbrEntries = 446;
    private const int MbrEntryBytes = 16;
    private const byte ProtectiveType = 0xEE;
    private const int MaxLogical = 128;
    private const int GptEntryBytes = 128;
    private const int MaxGptEntries = 1024;
    private const int MbrSectorBytes = 512;

    private static readonly int[] SectorSizes = [512, 4096];

    private PartitionTable(PartitionTableKind kind, IReadOnlyList<DiskPartition> partitions)
    {
        Kind = kind;
        Partitions = partitions;
    }

    /// <summary>Which kind.</summary>
    public PartitionTableKind Kind { get; }

    /// <summary>The partitions in use, by number.</summary>
    public IReadOnlyList<DiskPartition> Partitions { get; }

    /// <summary>Reads the table of a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">There is none, or it is damaged.</exception>
    public static async ValueTask<PartitionTable> ReadAsync(BlockStorage disk, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(disk);
        var first = new byte[MbrSectorBytes];
        if (disk.SizeBytes < first.Length || await disk.ReadAsync(0, first, cancellationToken).ConfigureAwait(false) != BlockResult.Ok
            || first[510] != 0x55 || first[511] != 0xAA)
        {
            throw Bad(disk, 510, "found no partition table, expected the bytes 55 AA at the end of the first sector");
        }

        for (var index = 0; index < 4; index++)
        {
            if (first[MbrEntries + (index * MbrEntryBytes) + 4] == ProtectiveType)
            {
                return new PartitionTable(PartitionTableKind.Gpt, await ReadGptAsync(disk, cancellationToken).ConfigureAwait(false));
            }
        }

        return new PartitionTable(PartitionTableKind.Mbr, await ReadMbrAsync(disk, first, cancellationToken).ConfigureAwait(false));
    }

    private static async ValueTask<List<DiskPartition>> ReadMbrAsync(BlockStorage disk, byte[] sector, CancellationToken cancellationToken)
    {
        var partitions = new List<DiskPartition>();
        for (var index = 0; index < 4; index++)
        {
            var entry = MbrEntry.Read(sector, index);
            if (entry.IsExtended)
            {
                await ReadLogicalAsync(disk, entry.Start, partitions, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                AddMbr(disk, partitions, index + 1, entry.Type, entry.Start, entry.Sectors);
            }
        }

        return [.. partitions.OrderBy(partition => partition.Number)];
    }

    /// <summary>Follows the chain of an extended partition: each link holds one partition and the next link.</summary>
    private static async ValueTask ReadLogicalAsync(
        BlockStorage disk, long extendedStart, List<DiskPartition> partitions, CancellationToken cancellationToken)
    {
        var link = extendedStart;
        var sector = new byte[MbrSectorBytes];
        for (var count = 0; count < MaxLogical && link > 0 && link < disk.SizeBytes / MbrSectorBytes; count++)
        {
            await disk.ReadAsync(link * MbrSectorBytes, sector, cancellationToken).ConfigureAwait(false);
            if (sector[510] != 0x55 || sector[511] != 0xAA)
            {
                return;
            }

            var data = MbrEntry.Read(sector, 0);
            AddMbr(disk, partitions, Math.Max(4, partitions.Count == 0 ? 4 : partitions.Max(p => p.Number)) + 1, data.Type, link + data.Start, data.Sectors);
            var next = MbrEntry.Read(sector, 1);
            if (!next.IsExtended || next.Start == 0)
            {
                return;
            }

            link = extendedStart + next.Start;
        }
    }

    private static void AddMbr(BlockStorage disk, List<DiskPartition> partitions, int number, byte type, long start, long sectors)
    {
        var size = disk.SizeBytes / MbrSectorBytes;
        if (type != 0 && sectors > 0 && start > 0 && start < size && sectors <= size - start)
        {
            partitions.Add(new DiskPartition(
                number, start * MbrSectorBytes, sectors * MbrSectorBytes, type.ToString("x2", CultureInfo.InvariantCulture), ""));
        }
    }

    private static async ValueTask<List<DiskPartition>> ReadGptAsync(BlockStorage disk, CancellationToken cancellationToken)
    {
        foreach (var sectorBytes in SectorSizes)
        {
            foreach (var place in new[] { sectorBytes, (disk.SizeBytes / sectorBytes * sectorBytes) - sectorBytes })
            {
                if (place > 0 && await TryReadGptAsync(disk, place, sectorBytes, cancellationToken).ConfigureAwait(false) is { } found)
                {
                    return found;
                }
            }
        }

        throw Bad(disk, MbrSectorBytes, "found a protective MBR, but no GPT with right checksums, neither at the beginning nor at the end");
    }

    private static async ValueTask<List<DiskPartition>?> TryReadGptAsync(
        BlockStorage disk, long place, int sectorBytes, CancellationToken cancellationToken)
    {
        var header = new byte[MbrSectorBytes];
        if (place > disk.SizeBytes - header.Length)
        {
            return null;
        }

        await disk.ReadAsync(place, header, cancellationToken).ConfigureAwait(false);
        var headerBytes = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12));
        if (!header.AsSpan().StartsWith("EFI PART"u8) || headerBytes is < 92 or > MbrSectorBytes || !HasChecksum(header, (int)headerBytes))
        {
            return null;
        }

        var tableSector = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(72));
        var count = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(80));
        var entryBytes = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(84));
        if (count > MaxGptEntries || entryBytes is < GptEntryBytes or > 4096 || !uint.IsPow2(entryBytes)
            || tableSector <= 0 || tableSector > disk.SizeBytes / sectorBytes
            || count * (long)entryBytes > disk.SizeBytes - (tableSector * sectorBytes))
        {
            return null;
        }

        var table = new byte[count * entryBytes];
        await disk.ReadAsync(tableSector * sectorBytes, table, cancellationToken).ConfigureAwait(false);
        return Crc32(table) == BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(88))
            ? Entries(disk, table, (int)entryBytes, sectorBytes) : null;
    }

    private static List<DiskPartition> Entries(BlockStorage disk, byte[] table, int entryBytes, int sectorBytes)
    {
        var partitions = new List<DiskPartition>();
        var size = disk.SizeBytes / sectorBytes;
        for (var offset = 0; offset < table.Length; offset += entryBytes)
        {
            var entry = table.AsSpan(offset, GptEntryBytes);
            var type = new Guid(entry[..16]);
            var first = BinaryPrimitives.ReadInt64LittleEndian(entry[32..]);
            var last = BinaryPrimitives.ReadInt64LittleEndian(entry[40..]);
            if (type != Guid.Empty && first > 0 && last >= first && last < size)
            {
                var name = Encoding.Unicode.GetString(entry[56..GptEntryBytes]).TrimEnd('\0');
                partitions.Add(new DiskPartition(
                    (offset / entryBytes) + 1, first * sectorBytes, (last - first + 1) * sectorBytes, type.ToString(),
                    string.Concat(name.Where(character => !char.IsControl(character)))));
            }
        }

        return partitions;
    }

    /// <summary>The checksum of a header counts its own field as zero.</summary>
    private static bool HasChecksum(byte[] header, int headerBytes)
    {
        var found = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(16));
        var copy = header.AsSpan(0, headerBytes).ToArray();
        copy.AsSpan(16, 4).Clear();
        return Crc32(copy) == found;
    }

    /// <summary>CRC-32 of IEEE 802.3, bit by bit: a few kilobytes once.</summary>
    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB8_8320 : 0);
            }
        }

        return ~crc;
    }

    private static BlockStorageException Bad(BlockStorage disk, long offsetBytes, string what) =>
        new(BlockErrorKind.InvalidFormat, BlockOperation.Open, disk.Name, offsetBytes, $"{disk.Name}: {what}");

    private readonly record struct MbrEntry(byte Type, long Start, long Sectors)
    {
        public bool IsExtended => Type is 0x05 or 0x0F or 0x85;

        public static MbrEntry Read(byte[] sector, int index)
        {
            var entry = sector.AsSpan(MbrEntries + (index * MbrEntryBytes), MbrEntryBytes);
            return new MbrEntry(
                entry[4], BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]), BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]));
        }
    }
}
