using Eider.Hardware.Time;

namespace Eider.Compare.Measuring;

/// <summary>The least of several runs of one thread, by its CPU time: others on the machine only ever add to it.</summary>
public static class Fastest
{
    /// <summary>Runs a body once to warm up, then so many times.</summary>
    /// <param name="rounds">How often.</param>
    /// <param name="operations">How many operations one run of the body does.</param>
    /// <param name="body">What is measured; runs on this thread alone.</param>
    /// <returns>Nanoseconds of CPU an operation.</returns>
    public static double Of(int rounds, long operations, Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        for (var i = 0; i < 3; i++)
        {
            body();
            Thread.Sleep(150); // the compiler's second tier works in the background
        }

        var best = double.MaxValue;
        for (var i = 0; i < rounds; i++)
        {
            var start = Now();
            body();
            best = Math.Min(best, (Now() - start).TotalNanoseconds / operations);
        }

        return best;
    }

    private static TimeSpan Now() =>
        ThreadCpuClock.Elapsed ?? throw new PlatformNotSupportedException("this host does not tell a thread's CPU time");
}
