using System.Buffers.Binary;
using System.Text;

namespace Eider.Storage.Formats.Foreign;

/// <summary>VHD (Virtual Hard Disk Image Format Specification, "Hard Disk Footer Format" and "Dynamic Disk Header Format").</summary>
internal static class VhdFooter
{
    private const int FooterBytes = 512;
    private const int DynamicHeaderBytes = 1024;

    public static async ValueTask<ForeignImage?> TryReadAsync(HeaderReader reader, CancellationToken cancellationToken)
    {
        // A dynamic disk has a copy of the footer at its beginning; a fixed one has only the footer.
        var footer = await reader.ReadAsync(0, FooterBytes, cancellationToken).ConfigureAwait(false);
        if (!IsFooter(footer) && reader.SizeBytes > FooterBytes)
        {
            footer = await reader.ReadAsync(reader.SizeBytes - FooterBytes, FooterBytes, cancellationToken).ConfigureAwait(false);
        }

        if (!IsFooter(footer))
        {
            return null;
        }

        var type = BinaryPrimitives.ReadUInt32BigEndian(footer.AsSpan(60));
        var kind = type switch
        {
            2 => "fixed",
            3 => "dynamic",
            4 => "differencing",
            _ => throw reader.Wrong($"the VHD footer has disk type {type}, expected 2, 3 or 4"),
        };
        var image = new ForeignImage("vhd", kind, reader.SizeOf("the VHD footer", BinaryPrimitives.ReadUInt64BigEndian(footer.AsSpan(48))));
        return type == 2 ? image : await WithHeaderAsync(reader, image, footer, cancellationToken).ConfigureAwait(false);
    }

    private static bool IsFooter(ReadOnlySpan<byte> bytes) => bytes.Length == FooterBytes && bytes.StartsWith("conectix"u8);

    private static async ValueTask<ForeignImage> WithHeaderAsync(
        HeaderReader reader, ForeignImage image, byte[] footer, CancellationToken cancellationToken)
    {
        var offset = reader.SizeOf("the VHD footer", BinaryPrimitives.ReadUInt64BigEndian(footer.AsSpan(16)));
        var header = await reader.RequireAsync("the dynamic disk header", offset, DynamicHeaderBytes, cancellationToken).ConfigureAwait(false);
        if (!header.AsSpan().StartsWith("cxsparse"u8))
        {
            throw reader.Wrong($"there is no dynamic disk header at {offset}");
        }

        var parent = Encoding.BigEndianUnicode.GetString(header.AsSpan(64, 512)).TrimEnd('\0');
        return image with
        {
            BlockBytes = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(32)),
            ParentName = image.Kind == "differencing" && parent.Length > 0 ? parent : null,
        };
    }
}
