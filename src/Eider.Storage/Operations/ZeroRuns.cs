using System.Numerics;

namespace Eider.Storage.Operations;

/// <summary>Tells runs of zeroes from data inside a buffer.</summary>
internal static class ZeroRuns
{
    /// <summary>True if all bytes are 0; true for no bytes.</summary>
    public static bool IsZero(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept((byte)0) < 0;

    /// <summary>The length of the run at the beginning whose granules are all zero, or all not.</summary>
    /// <param name="bytes">The buffer; not empty.</param>
    /// <param name="phaseBytes">Where the buffer starts inside a granule.</param>
    /// <param name="granuleBytes">The smallest run of zeroes that counts; a power of two.</param>
    /// <param name="isZero">True if it is a run of zeroes.</param>
    public static int First(ReadOnlySpan<byte> bytes, int phaseBytes, int granuleBytes, out bool isZero)
    {
        var end = Math.Min(granuleBytes - phaseBytes, bytes.Length);
        isZero = IsZero(bytes[..end]);
        while (end < bytes.Length)
        {
            var next = Math.Min(granuleBytes, bytes.Length - end);
            if (IsZero(bytes.Slice(end, next)) != isZero)
            {
                break;
            }

            end += next;
        }

        return end;
    }

    /// <summary>Where an offset lies inside its granule.</summary>
    public static int PhaseOf(long offsetBytes, int granuleBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(BitOperations.IsPow2(granuleBytes), true, nameof(granuleBytes));
        return (int)(offsetBytes & (granuleBytes - 1));
    }
}
