using System.Buffers.Binary;

namespace Eider.Devices.Ide;

/// <summary>
/// What surrounds 2048 bytes on a disc, mode 1 (ECMA-130, annex A): sync, address, error detection
/// and correction.
/// </summary>
internal static class CdSector
{
    private const int HeaderOffset = 12;
    private const int DataOffset = 16;
    private const int DetectionOffset = DataOffset + IdeLimits.CdBlockBytes;
    private const int ParityPOffset = 2076;
    private const int ParityQOffset = 2248;
    private const int LeadInFrames = 150;
    private const int FramesPerSecond = 75;

    private static readonly uint[] Detection = MakeDetection();
    private static readonly byte[] Doubled = MakeDoubled();
    private static readonly byte[] Solved = MakeSolved();

    /// <summary>Minute, second and frame of a block, in binary.</summary>
    public static (byte Minute, byte Second, byte Frame) Time(long lba)
    {
        var frame = lba + LeadInFrames;
        return ((byte)(frame / FramesPerSecond / 60 & 0xFF), (byte)(frame / FramesPerSecond % 60), (byte)(frame % FramesPerSecond));
    }

    /// <summary>Puts everything around the data.</summary>
    /// <param name="sector">2352 bytes; the data are already at offset 16.</param>
    /// <param name="lba">Which block it is.</param>
    public static void Wrap(Span<byte> sector, long lba)
    {
        sector[..HeaderOffset].Fill(0xFF);
        sector[0] = sector[HeaderOffset - 1] = 0;
        var (minute, second, frame) = Time(lba);
        sector[HeaderOffset] = Decimal(minute);
        sector[HeaderOffset + 1] = Decimal(second);
        sector[HeaderOffset + 2] = Decimal(frame);
        sector[HeaderOffset + 3] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(sector[DetectionOffset..], Detect(sector[..DetectionOffset]));
        sector.Slice(DetectionOffset + 4, 8).Clear();
        PutParity(sector, ParityPOffset, vectors: 86, symbols: 24, vectorStep: 2, symbolStep: 86);
        PutParity(sector, ParityQOffset, vectors: 52, symbols: 43, vectorStep: 86, symbolStep: 88);
    }

    // Two digits, as discs have them.
    private static byte Decimal(int value) => (byte)((value / 10 % 10 * 16) + (value % 10));

    private static uint Detect(ReadOnlySpan<byte> bytes)
    {
        var crc = 0U;
        foreach (var value in bytes)
        {
            crc = (crc >> 8) ^ Detection[(crc ^ value) & 0xFF];
        }

        return crc;
    }

    // Each vector of symbols gets two more, so that both of its check sums over GF(256) are zero.
    private static void PutParity(Span<byte> sector, int offset, int vectors, int symbols, int vectorStep, int symbolStep)
    {
        var source = sector[HeaderOffset..];
        var size = vectors * symbols;
        for (var vector = 0; vector < vectors; vector++)
        {
            var at = (vector / 2 * vectorStep) + (vector % 2);
            byte weighted = 0;
            byte plain = 0;
            for (var symbol = 0; symbol < symbols; symbol++)
            {
                var value = source[at];
                weighted = Doubled[weighted ^ value];
                plain ^= value;
                at += symbolStep;
                at = at >= size ? at - size : at;
            }

            var first = Solved[Doubled[weighted] ^ plain];
            sector[offset + vector] = first;
            sector[offset + vector + vectors] = (byte)(first ^ plain);
        }
    }

    private static uint[] MakeDetection()
    {
        const uint Polynomial = 0xD801_8001; // (x^16 + x^15 + x^2 + 1)(x^16 + x^2 + x + 1), bits reversed
        var table = new uint[256];
        for (var i = 0U; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ ((value & 1) * Polynomial);
            }

            table[i] = value;
        }

        return table;
    }

    // Multiplication by x modulo x^8 + x^4 + x^3 + x^2 + 1.
    private static byte[] MakeDoubled() =>
        [.. Enumerable.Range(0, 256).Select(i => (byte)((i << 1) ^ ((i & 0x80) != 0 ? 0x11D : 0)))];

    // Division by x + 1.
    private static byte[] MakeSolved()
    {
        var table = new byte[256];
        for (var i = 0; i < 256; i++)
        {
            table[i ^ Doubled[i]] = (byte)i;
        }

        return table;
    }
}
