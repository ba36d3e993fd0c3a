
namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>
/// Every state of rings of 1, 2 and 4 descriptors whose fields are at the boundaries of their rules: the queue comes to
/// the verdict of <see cref="RingVerdict"/>, chain by chain; it reads a bounded number of times, writes nothing before
/// it completes, and then exactly the used entries.
/// </summary>
public sealed class RingStateProofs(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Split_every_ring_state_gets_its_verdict(int size)
    {
        var states = RunAll(() => new SplitStateSpace(size), space => space.Count, (space, index) => space.Check(index));
        output.WriteLine($"split ring of {size}: {states:N0} states");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Packed_every_ring_state_gets_its_verdict(int size)
    {
        var states = RunAll(() => new PackedStateSpace(size), space => space.Count, (space, index) => space.Check(index));
        output.WriteLine($"packed ring of {size}: {states:N0} states");
    }

    private static long RunAll<T>(Func<T> make, Func<T, long> count, Action<T, long> check)
    {
        var total = count(make());
        var step = total > 10_000 ? ProofScale.StateStep : 1;
        const int Shares = 16;
        Parallel.For(0, Shares, share =>
        {
            var space = make();
            for (var index = (long)share * step; index < total; index += Shares * step)
            {
                check(space, index);
            }
        });
        return (total + step - 1) / step;
    }
}
