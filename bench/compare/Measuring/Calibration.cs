namespace Eider.Compare.Measuring;

/// <summary>
/// A loop that never changes: what one of its iterations takes says how fast this machine is right now, and so how far
/// an absolute figure can be compared with one of another day.
/// </summary>
public static class Calibration
{
    private const int Iterations = 20_000_000;
    private const int TableSize = 4096;

    /// <summary>Nanoseconds of CPU an iteration, the least of several runs.</summary>
    public static double Run(int rounds)
    {
        var table = new uint[TableSize];
        return Fastest.Of(rounds, Iterations, () => Loop(table));
    }

    // A chain of dependent steps: shifts, a multiplication, a load and a store that stay in the first cache.
    private static void Loop(uint[] table)
    {
        var state = 0x9E37_79B9u;
        for (var i = 0; i < Iterations; i++)
        {
            unchecked
            {
                state ^= state << 13;
                state ^= state >> 17;
                state = (state * 5) + table[(int)(state % TableSize)];
                table[(int)(state % TableSize)] = state;
            }
        }
    }
}
