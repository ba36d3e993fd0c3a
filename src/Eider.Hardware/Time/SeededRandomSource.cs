using System.Buffers.Binary;

namespace Eider.Hardware.Time;

/// <summary>
/// A stream of bytes that is the same for the same seed, on every platform and in every version: xoshiro256**
/// (Blackman and Vigna, 2018), its state filled by SplitMix64, words taken in little-endian order. Not for keys.
/// </summary>
public sealed class SeededRandomSource : IRandomSource
{
    private readonly Lock _gate = new();
    private ulong _s0, _s1, _s2, _s3;

    /// <summary>A stream that starts from a seed.</summary>
    public SeededRandomSource(ulong seed)
    {
        _s0 = SplitMix64(ref seed);
        _s1 = SplitMix64(ref seed);
        _s2 = SplitMix64(ref seed);
        _s3 = SplitMix64(ref seed);
    }

    /// <inheritdoc/>
    public void Fill(Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        lock (_gate)
        {
            while (destination.Length >= sizeof(ulong))
            {
                BinaryPrimitives.WriteUInt64LittleEndian(destination, Next());
                destination = destination[sizeof(ulong)..];
            }

            if (!destination.IsEmpty)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(word, Next());
                word[..destination.Length].CopyTo(destination);
            }
        }
    }

    /// <summary>The next eight bytes as a number.</summary>
    public ulong NextUInt64()
    {
        lock (_gate)
        {
            return Next();
        }
    }

    private static ulong SplitMix64(ref ulong state)
    {
        unchecked
        {
            state += 0x9E3779B97F4A7C15;
            var z = state;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }

    private ulong Next()
    {
        unchecked
        {
            var result = ulong.RotateLeft(_s1 * 5, 7) * 9;
            var t = _s1 << 17;
            _s2 ^= _s0;
            _s3 ^= _s1;
            _s1 ^= _s2;
            _s0 ^= _s3;
            _s2 ^= t;
            _s3 = ulong.RotateLeft(_s3, 45);
            return result;
        }
    }
}
