using System.Buffers.Binary;

namespace Eider.Storage.Formats.Foreign;

/// <summary>VHDX (MS-VHDX 2.2 "Header Section" and 2.6 "Metadata Region").</summary>
internal static class VhdxHeader
{
    private const int TableBytes = 64 << 10;
    private const int EntryBytes = 32;
    private const int RegionTable1 = 192 << 10;
    private const int RegionTable2 = 256 << 10;
    private const int MaxRegions = 2047;
    private const uint HasParent = 2;

    private static readonly Guid MetadataRegion = new("8B7CA206-4790-4B9A-B8FE-575F050F886E");
    private static readonly Guid FileParameters = new("CAA16737-FA36-4D43-B3B6-33F0AA44E76B");
    private static readonly Guid DiskSize = new("2FA54224-CD1B-4876-B211-5DBED83BF4B8");

    public static async ValueTask<ForeignImage?> TryReadAsync(HeaderReader reader, CancellationToken cancellationToken)
    {
        var identifier = await reader.ReadAsync(0, 8, cancellationToken).ConfigureAwait(false);
        if (!identifier.AsSpan().SequenceEqual("vhdxfile"u8))
        {
            return null;
        }

        var region = await FindMetadataAsync(reader, RegionTable1, cancellationToken).ConfigureAwait(false)
            ?? await FindMetadataAsync(reader, RegionTable2, cancellationToken).ConfigureAwait(false)
            ?? throw reader.Wrong("no region table of the VHDX names a metadata region");
        var table = await reader.RequireAsync("the metadata table", region, TableBytes, cancellationToken).ConfigureAwait(false);
        if (!table.AsSpan().StartsWith("metadata"u8))
        {
            throw reader.Wrong($"there is no metadata table at {region}");
        }

        var size = await ItemAsync(reader, table, region, DiskSize, 8, cancellationToken).ConfigureAwait(false);
        var parameters = await ItemAsync(reader, table, region, FileParameters, 8, cancellationToken).ConfigureAwait(false);
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(parameters.AsSpan(4));
        var kind = (flags & HasParent) != 0 ? "differencing" : (flags & 1) != 0 ? "fixed" : "dynamic";
        return new ForeignImage("vhdx", kind, reader.SizeOf("the VHDX", BinaryPrimitives.ReadUInt64LittleEndian(size)))
        {
            BlockBytes = BinaryPrimitives.ReadUInt32LittleEndian(parameters),
        };
    }

    private static async ValueTask<long?> FindMetadataAsync(HeaderReader reader, long offset, CancellationToken cancellationToken)
    {
        var table = await reader.RequireAsync("the region table", offset, TableBytes, cancellationToken).ConfigureAwait(false);
        if (!table.AsSpan().StartsWith("regi"u8))
        {
            return null;
        }

        var count = Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(8)), MaxRegions);
        for (var index = 0; index < count; index++)
        {
            var entry = table.AsMemory(16 + (index * EntryBytes), EntryBytes);
            if (new Guid(entry.Span[..16]) == MetadataRegion)
            {
                return reader.SizeOf("the region table", BinaryPrimitives.ReadUInt64LittleEndian(entry.Span[16..]));
            }
        }

        return null;
    }

    private static async ValueTask<byte[]> ItemAsync(
        HeaderReader reader, byte[] table, long region, Guid wanted, int length, CancellationToken cancellationToken)
    {
        var count = Math.Min((int)BinaryPrimitives.ReadUInt16LittleEndian(table.AsSpan(10)), MaxRegions);
        for (var index = 1; index <= count; index++)
        {
            var entry = table.AsMemory(index * EntryBytes, EntryBytes);
            if (new Guid(entry.Span[..16]) == wanted)
            {
                var offset = BinaryPrimitives.ReadUInt32LittleEndian(entry.Span[16..]);
                return await reader.RequireAsync("a metadata item", region + offset, length, cancellationToken).ConfigureAwait(false);
            }
        }

        throw reader.Wrong($"the VHDX has no metadata item {wanted}");
    }
}
