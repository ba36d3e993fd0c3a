using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Eider.Storage.Formats.Foreign;

/// <summary>VMDK (Virtual Disk Format 5.0): a sparse extent with a descriptor inside, or a descriptor alone.</summary>
internal static class VmdkHeader
{
    private const int SectorBytes = 512;
    private const int MaxDescriptorBytes = 64 << 10;
    private const string DescriptorMark = "# Disk DescriptorFile";

    public static async ValueTask<ForeignImage?> TryReadAsync(HeaderReader reader, CancellationToken cancellationToken)
    {
        var header = await reader.ReadAsync(0, SectorBytes, cancellationToken).ConfigureAwait(false);
        if (header.AsSpan().StartsWith(Encoding.ASCII.GetBytes(DescriptorMark)))
        {
            var text = await reader.ReadAsync(0, MaxDescriptorBytes, cancellationToken).ConfigureAwait(false);
            return OfDescriptor(reader, Encoding.UTF8.GetString(text), null);
        }

        return header.Length == SectorBytes && header.AsSpan().StartsWith("KDMV"u8)
            ? await OfSparseExtentAsync(reader, header, cancellationToken).ConfigureAwait(false)
            : null;
    }

    private static async ValueTask<ForeignImage> OfSparseExtentAsync(HeaderReader reader, byte[] header, CancellationToken cancellationToken)
    {
        var size = reader.SizeOf("the VMDK header", BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(12)), SectorBytes);
        var grain = reader.SizeOf("the VMDK header", BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(20)), SectorBytes);
        var offset = reader.SizeOf("the VMDK header", BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(28)), SectorBytes);
        var length = Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(36)), MaxDescriptorBytes / SectorBytes) * SectorBytes;
        var plain = new ForeignImage("vmdk", "sparse extent", size) { BlockBytes = grain };
        if (offset == 0 || length == 0)
        {
            return plain;
        }

        var descriptor = await reader.RequireAsync("the VMDK descriptor", offset, (int)length, cancellationToken).ConfigureAwait(false);
        return OfDescriptor(reader, Encoding.UTF8.GetString(descriptor), plain);
    }

    private static ForeignImage OfDescriptor(HeaderReader reader, string text, ForeignImage? extent)
    {
        var (kind, parent, sectors) = ("unknown", default(string), 0UL);
        foreach (var line in text.TrimEnd('\0').Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith("createType=", StringComparison.Ordinal))
            {
                kind = Value(line);
            }
            else if (line.StartsWith("parentFileNameHint=", StringComparison.Ordinal))
            {
                parent = Value(line);
            }
            else if (line.Split(' ') is ["RW" or "RDONLY" or "NOACCESS", var count, ..]
                && ulong.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var more))
            {
                sectors = sectors <= ulong.MaxValue - more ? sectors + more : ulong.MaxValue;
            }
        }

        return (extent ?? new ForeignImage("vmdk", kind, reader.SizeOf("the VMDK descriptor", sectors, SectorBytes))) with
        {
            Kind = kind,
            ParentName = string.IsNullOrEmpty(parent) ? null : parent,
        };
    }

    private static string Value(string line) => line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..].Trim('"', ' ');
}
