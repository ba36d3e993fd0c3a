using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>IN_ORDER: what was completed early waits for its turn, and does not count as in flight once no turn comes.</summary>
public sealed class InOrderStopTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Chains_that_wait_for_their_turn_are_not_in_flight_once_the_queue_ended(bool byFault)
    {
        using var bench = new QueueBench(VirtioFeature.Version1.Mask() | VirtioFeature.InOrder.Mask());
        var buffer = new DriverBuffer(QueueBench.Buffers, 16, true);
        bench.Ring.Add([buffer]);
        bench.Ring.Add([buffer]);
        var first = bench.Take();
        bench.Queue.Complete(bench.Take(), 0); // waits for the first
        if (byFault)
        {
            bench.Split.Publish(0xFFFF);
            bench.ExpectFault(QueueFault.DescriptorOutOfRange);
        }
        else
        {
            bench.Queue.Stop();
        }

        Assert.Equal(1, bench.Queue.InFlightCount);
        bench.Queue.Complete(first, 0);
        Assert.Equal(0, bench.Queue.InFlightCount);
    }
}
