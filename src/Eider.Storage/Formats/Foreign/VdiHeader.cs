using System.Buffers.Binary;

namespace Eider.Storage.Formats.Foreign;

/// <summary>VDI, the disk image of VirtualBox: one header of version 1.1, little-endian.</summary>
internal static class VdiHeader
{
    private const int HeaderBytes = 512;
    private const uint Signature = 0xBEDA_107F;

    public static async ValueTask<ForeignImage?> TryReadAsync(HeaderReader reader, CancellationToken cancellationToken)
    {
        var header = await reader.ReadAsync(0, HeaderBytes, cancellationToken).ConfigureAwait(false);
        if (header.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(64)) != Signature)
        {
            return null;
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(68));
        if (version >> 16 != 1)
        {
            throw reader.Wrong($"the VDI header has version {version >> 16}.{version & 0xFFFF}, expected 1.x");
        }

        var type = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(76));
        var kind = type switch
        {
            1 => "dynamic",
            2 => "static",
            3 => "undo",
            4 => "differencing",
            _ => throw reader.Wrong($"the VDI header has image type {type}, expected 1 to 4"),
        };
        return new ForeignImage("vdi", kind, reader.SizeOf("the VDI header", BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(368))))
        {
            BlockBytes = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(376)),
        };
    }
}
