namespace Eider.RiscV.Tests.Comparison;

/// <summary>SplitMix64: the same numbers from the same seed on every runtime, and cheap to start anew for each block.</summary>
internal sealed class GuestRandom(ulong seed)
{
    private static readonly ulong[] EdgeIntegers =
    [
        0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_0000_0000, 0xFFFF_FFFF_8000_0000,
        0xFFFF_FFFF_7FFF_FFFF, ulong.MaxValue, ulong.MaxValue - 1, 0x5555_5555_5555_5555, 0x00FF_00FF_0000_FF01,
    ];

    private ulong _state = seed;

    public ulong Next()
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }

    public int Next(int from, int below) => from + Next(below - from);

    public int Next(int below) => (int)((Next() >> 33) % (uint)below);

    public uint Bits(int count) => (uint)(Next() >> (64 - count));

    public bool Chance(int percent) => Next(100) < percent;

    public T Pick<T>(IReadOnlyList<T> list) => list[Next(list.Count)];

    /// <summary>An operand of integer instructions: an edge, a small number, or any bits.</summary>
    public ulong Integer() => Next(8) switch
    {
        0 or 1 or 2 => Pick(EdgeIntegers),
        3 => (ulong)(Next(256) - 128),
        4 => Next() >> Next(64),
        5 => 1UL << Next(64),
        6 => (ulong)(int)Next(),
        _ => Next(),
    };
}
