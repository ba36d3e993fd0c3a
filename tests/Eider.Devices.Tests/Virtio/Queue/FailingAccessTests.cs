using Eider.Devices.Virtio.Queue;
using Eider.Testing.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>RAM that goes away under a queue: the k-th access of a run fails, for each k.</summary>
public sealed class FailingAccessTests
{
    private const ulong First = QueueBench.Buffers, Second = QueueBench.Buffers + 0x1000;

    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public void Whichever_access_fails_the_queue_stops_with_a_fault_told_once(ulong features)
    {
        var failed = 0;
        for (var number = 0; number < 60; number++)
        {
            FaultingGuestMemory? memory = null;
            using var bench = new QueueBench(features, 8, ram => memory = new FaultingGuestMemory(ram));
            bench.Ring.SetMode(DriverMode.AtNextUsed);
            Add(bench, features);
            memory!.FailAccess = number;
            Serve(bench.Queue);
            if (memory.Failures == 0)
            {
                break; // there are no more
            }

            failed++;
            Assert.Equal([bench.Queue.Fault], bench.Faults);
            Assert.Contains(bench.Queue.Fault, new[] { QueueFault.RingOutsideRam, QueueFault.MemoryAccess });
            Assert.False(bench.Queue.IsRunning);
            Assert.Equal(0, bench.Queue.InFlightCount);

            // Nothing is touched from here on.
            var accesses = memory.Accesses;
            bench.Queue.BeginRun();
            Serve(bench.Queue);
            Assert.Equal(accesses, memory.Accesses);
            Assert.Single(bench.Faults);
        }

        Assert.InRange(failed, 9, 59);
    }

    private static void Add(QueueBench bench, ulong features)
    {
        DriverBuffer[] chain = [new(First, 4, false), new(Second, 4, true)];
        bench.Ring.Add(chain);
        bench.Ring.Add(chain, (features & FeatureSets.Indirect) != 0 ? QueueBench.Tables : 0);
    }

    // As a worker does.
    private static void Serve(VirtQueue queue)
    {
        queue.BeginRun();
        queue.DisableNotifications();
        while (queue.TryTake(out var chain))
        {
            var written = chain.TryReadAt(0, new byte[4]) && chain.TryWriteAt(0, new byte[4]) ? 4U : 0;
            queue.Complete(chain, written);
        }

        queue.EnableNotifications();
        queue.Flush();
    }
}
