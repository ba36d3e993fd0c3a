using System.Buffers.Binary;

namespace Eider.Testing.Fuzzing;

/// <summary>
/// The choices that make one case. A generator asks for them one by one; they come from a random generator (seed and run
/// number fix them), from a recording, or from a recording first and the generator behind it. Whatever came is
/// recorded, so that every case, however it came to be, is a short byte string that can be kept, cut and replayed.
/// </summary>
/// <remarks>
/// Choices of 0 shall be the simplest ones: a recording that has ended goes on with zeros, and the minimiser tries
/// zeros first.
/// </remarks>
public sealed class FuzzInput
{
    /// <summary>Most bytes of choices in one case; what is asked for behind them is 0.</summary>
    public const int MaxChoices = 16 << 10;

    private static readonly ulong[] EdgeOffsets = [0, 1, 2, 3, 15, 16, 17, 511, 512, 4095, 4096];

    private readonly byte[] _choices = new byte[MaxChoices];
    private readonly HashSet<string> _outcomes = [];
    private int _length;
    private int _given;
    private ulong _state;
    private bool _isRandom;

    /// <summary>The choices made so far.</summary>
    public ReadOnlySpan<byte> Choices => _choices.AsSpan(0, _length);

    /// <summary>What was seen in this case, by <see cref="Saw"/>.</summary>
    public IReadOnlySet<string> Outcomes => _outcomes;

    /// <summary>Begins the case of a seed and a run number, which start with given choices or none.</summary>
    public void Begin(ulong seed, long run, ReadOnlySpan<byte> given = default)
    {
        Reset(given);
        _isRandom = true;
        _state = unchecked((seed * 0x9E37_79B9_7F4A_7C15) ^ ((ulong)run * 0xD1B5_4A32_D192_ED03));
        NextWord();
    }

    /// <summary>Begins a recorded case.</summary>
    public void Replay(ReadOnlySpan<byte> choices)
    {
        Reset(choices);
        _isRandom = false;
    }

    /// <summary>Notes something about the case that makes it different from others: a status, a kind of error.</summary>
    public void Saw(string outcome) => _outcomes.Add(outcome);

    /// <summary>A byte.</summary>
    public byte Byte()
    {
        if (_length == MaxChoices)
        {
            return 0;
        }

        // Behind a recording: the generator or zeros.
        if (_length >= _given)
        {
            _choices[_length] = _isRandom ? (byte)(NextWord() >> 56) : (byte)0;
        }

        return _choices[_length++];
    }

    /// <summary>Two bytes.</summary>
    public ushort TwoBytes() => (ushort)(Byte() | (Byte() << 8));

    /// <summary>Four bytes.</summary>
    public uint FourBytes() => TwoBytes() | ((uint)TwoBytes() << 16);

    /// <summary>Eight bytes.</summary>
    public ulong EightBytes() => FourBytes() | ((ulong)FourBytes() << 32);

    /// <summary>A number from 0 up to a bound, without it.</summary>
    public int Below(int bound) => bound <= 1 ? 0 : bound <= 256 ? Byte() % bound : bound <= 65536 ? TwoBytes() % bound : (int)(FourBytes() % (uint)bound);

    /// <summary>True once in so many times; false is the simple answer.</summary>
    public bool OneIn(int times) => Below(times) == times - 1;

    /// <summary>One of a few values; the first is the simple one.</summary>
    public T Pick<T>(ReadOnlySpan<T> values) => values[Below(values.Length)];

    /// <summary>A number at an edge: near 0, near a given limit, near a power of two, or anything.</summary>
    /// <param name="limit">A limit that the code under test has.</param>
    public ulong Edge(ulong limit)
    {
        unchecked
        {
            var offset = EdgeOffsets[Below(EdgeOffsets.Length)];
            return Below(7) switch
            {
                0 => offset,
                1 => limit - offset,
                2 => limit + offset,
                3 => (1UL << Below(64)) - offset,
                4 => ulong.MaxValue - offset,
                5 => uint.MaxValue - offset,
                _ => EightBytes(),
            };
        }
    }

    /// <summary>Fills with content of no structure: all of one byte, or noise that one choice decides.</summary>
    public void Fill(Span<byte> destination)
    {
        var kind = Byte();
        if (kind < 0x80)
        {
            destination.Fill((byte)(kind * 2));
            return;
        }

        var noise = (ulong)kind;
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (!destination.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, Mix(ref noise));
            var count = Math.Min(word.Length, destination.Length);
            word[..count].CopyTo(destination);
            destination = destination[count..];
        }
    }

    private static ulong Mix(ref ulong state)
    {
        // SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators").
        unchecked
        {
            var word = state += 0x9E37_79B9_7F4A_7C15;
            word = (word ^ (word >> 30)) * 0xBF58_476D_1CE4_E5B9;
            word = (word ^ (word >> 27)) * 0x94D0_49BB_1331_11EB;
            return word ^ (word >> 31);
        }
    }

    private void Reset(ReadOnlySpan<byte> given)
    {
        given = given[..Math.Min(given.Length, MaxChoices)];
        given.CopyTo(_choices);
        _given = given.Length;
        _length = 0;
        _outcomes.Clear();
    }

    private ulong NextWord() => Mix(ref _state);
}
