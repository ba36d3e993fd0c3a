using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Eider.Storage.Compression;

/// <summary>
/// Tells data that no compressor makes smaller (encrypted, compressed, random) from the rest, for a small part of
/// what compressing costs. Wrong in one direction only matters a little: what is taken for compressible is
/// compressed in vain; what is taken for incompressible is stored as it is and stays right.
/// </summary>
/// <remarks>
/// Two looks. A sample of 256 bytes from each 4 KiB: the sum of the squares of the byte counts is 511 on average for
/// random bytes, with a deviation of 23, and 1,000 or more for text, code, base64 or tables; one sample above the
/// limit is enough. Then repetition, which counts do not show: positions whose next bytes hash to a certain value
/// are remembered, and the same eight bytes at two of them say that a compressor would find matches.
/// </remarks>
public static class IncompressibilityProbe
{
    private const int SampleBytes = 256;
    private const int StrideBytes = 4096;

    /// <summary>Over five deviations above random: one wrong "compressible" in a million samples.</summary>
    private const int RandomLimit = 511 + 140;

    /// <summary>Each run in which repetition is looked for; twice the distance that deflate may use here.</summary>
    private const int RunBytes = 8192;
    private const int TableBits = 9;

    /// <summary>One position in 32 is remembered.</summary>
    private const int AnchorBits = 5;
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    /// <summary>Data shorter than this is never judged.</summary>
    public const int MinBytes = StrideBytes;

    /// <summary>True if compressing the cluster is a waste of time.</summary>
    public static bool IsIncompressible(ReadOnlySpan<byte> cluster)
    {
        if (cluster.Length < MinBytes)
        {
            return false;
        }

        for (var offset = 0; offset <= cluster.Length - StrideBytes; offset += StrideBytes)
        {
            // The place of the sample moves, so that tables with a power of two as row length are not always hit alike.
            var place = offset + ((offset >> 12) * 272 % (StrideBytes - SampleBytes));
            if (SumOfSquares(cluster.Slice(place, SampleBytes)) > RandomLimit)
            {
                return false;
            }
        }

        return !Repeats(cluster[..Math.Min(RunBytes, cluster.Length)])
            && (cluster.Length < 4 * RunBytes || !Repeats(cluster.Slice(cluster.Length / 2, RunBytes)));
    }

    private static int SumOfSquares(ReadOnlySpan<byte> sample)
    {
        Span<byte> counts = stackalloc byte[256];
        counts.Clear();
        var sum = 0;
        foreach (var value in sample)
        {
            // (n + 1)^2 - n^2: no second pass over the counts. A count wraps at 256 only when all bytes are the same.
            sum += (2 * counts[value]) + 1;
            counts[value] = unchecked((byte)(counts[value] + 1));
        }

        return sum;
    }

    private static bool Repeats(ReadOnlySpan<byte> run)
    {
        Span<ulong> table = stackalloc ulong[1 << TableBits];
        table.Clear();
        var matches = 0;
        var last = run.Length - sizeof(ulong);
        ref var start = ref MemoryMarshal.GetReference(run);
        for (var position = 0; position <= last; position++)
        {
            // SAFETY: eight bytes from a position of at most the length less eight lie inside the run.
            var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, position));
            var hash = unchecked(word * Multiplier);
            if (hash >> (64 - AnchorBits) != 0)
            {
                continue;
            }

            ref var slot = ref table[(int)(hash >> (64 - AnchorBits - TableBits))];
            if (slot == word && ++matches >= 2)
            {
                return true;
            }

            slot = word;
        }

        return false;
    }
}
