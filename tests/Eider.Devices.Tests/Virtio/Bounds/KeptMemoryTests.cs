using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bounds;

/// <summary>What long requests leave behind in the host's memory once they are done.</summary>
public sealed class KeptMemoryTests
{
    private const int Entries = 512; // of each long request

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Chains_that_were_long_once_do_not_keep_their_arrays_all_together(ulong features)
    {
        const int Size = 4096;
        using var bench = new QueueBench(features, Size);
        var table = Enumerable.Repeat(new DriverBuffer(QueueBench.Buffers, 1, true), Entries).ToArray();

        // Grow one chain after the other: the long ones of before are in flight again as short ones, so that the queue
        // has to give out others.
        var shortOnes = new List<DescriptorChain>();
        var longOnes = new List<DescriptorChain>();
        while (shortOnes.Count < Size - 64)
        {
            for (var i = 0; i < 64; i++)
            {
                bench.Queue.BeginRun();
                bench.Ring.Add(table, QueueBench.Tables);
                var chain = bench.Take();
                Assert.True(chain.TryLeaseWritable(0, Entries, out _));
                longOnes.Add(chain);
            }

            longOnes.ForEach(chain => bench.Queue.Complete(chain, 0));
            longOnes.Clear();
            while (bench.Ring.TryGetUsed(out _))
            {
            }

            for (var i = 0; i < 64; i++)
            {
                bench.Queue.BeginRun();
                bench.Ring.Add([new(QueueBench.Buffers, 0, true)]);
                shortOnes.Add(bench.Take());
            }
        }

        // Without a limit 4,000 chains keep 4 million entries; with it, some chains that were long keep theirs.
        var kept = shortOnes.Sum(chain => chain.ArrayEntries);
        Assert.InRange(kept, VirtioLimits.MaxKeptEntries / 4, VirtioLimits.MaxKeptEntries);
        Assert.InRange(bench.Queue.ArrayEntries, kept, VirtioLimits.MaxKeptEntries);
        Assert.Empty(bench.Faults);
        GC.KeepAlive(shortOnes);
    }

    [Fact]
    public void Requests_of_usual_length_keep_their_arrays()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.Indirect, 256);
        var table = Enumerable.Repeat(new DriverBuffer(QueueBench.Buffers, 1, true), 130).ToArray();
        var allocated = 0L;
        for (var round = 0; round < 4; round++)
        {
            bench.Queue.BeginRun();
            for (var i = 0; i < 100; i++)
            {
                bench.Ring.Add(table, QueueBench.Tables + ((ulong)i * 0x1000));
            }

            var start = GC.GetAllocatedBytesForCurrentThread();
            ServeAll(bench);
            allocated = GC.GetAllocatedBytesForCurrentThread() - start;
            while (bench.Ring.TryGetUsed(out _))
            {
            }
        }

        Assert.Equal(0, allocated); // in the last round
    }

    [Fact]
    public void A_translation_into_single_bytes_ends_in_a_refused_lease()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.Indirect, 64, ram => new CrumblingMemory(ram));
        var refused = 0;
        var held = new List<DescriptorChain>();
        for (var i = 0; i < 16; i++)
        {
            bench.Ring.Add([new(QueueBench.Buffers, 50_000, true)]);
            var chain = bench.Take();
            refused += chain.TryLeaseWritable(0, 50_000, out _) ? 0 : 1;
            held.Add(chain);
        }

        Assert.InRange(bench.Queue.ArrayEntries, 1, VirtioLimits.MaxArrayEntries);
        Assert.InRange(refused, 8, 9); // 65,536 entries for each of the others
        Assert.True(bench.Queue.IsRunning);
        GC.KeepAlive(held);
    }

    [Fact]
    public void A_chain_of_more_pieces_than_the_limit_is_not_lent()
    {
        using var bench = new QueueBench(FeatureSets.Split, 8, ram => new CrumblingMemory(ram));
        bench.Ring.Add([new(QueueBench.Buffers, VirtioLimits.MaxLeasesPerChain + 1, true)]);
        var chain = bench.Take();
        Assert.False(chain.TryLeaseWritable(0, VirtioLimits.MaxLeasesPerChain + 1, out _));
        Assert.Equal(0, ((CrumblingMemory)bench.Memory).Leases);
        Assert.True(chain.TryLeaseWritable(1, VirtioLimits.MaxLeasesPerChain, out var pieces));
        Assert.Equal(VirtioLimits.MaxLeasesPerChain, pieces.Count);
        for (var i = 0; i < pieces.Count; i++)
        {
            pieces[i].Span[0] = (byte)(i % 251);
        }

        var bytes = bench.Ring.Read(QueueBench.Buffers + 1, pieces.Count); // each in its place
        Assert.Equal(Enumerable.Range(0, pieces.Count).Select(i => (byte)(i % 251)), bytes);
    }

    private static void ServeAll(QueueBench bench)
    {
        var first = default(DescriptorChain);
        for (var i = 0; i < 100; i++)
        {
            bench.Queue.BeginRun();
            Assert.True(bench.Queue.TryTake(out var chain));
            chain.TryLeaseWritable(0, 130, out _);
            chain.State = first; // a list, so that all are in flight at once
            first = chain;
        }

        while (first is not null)
        {
            var next = (DescriptorChain?)first.State;
            first.State = null;
            bench.Queue.Complete(first, 0);
            first = next;
        }
    }

    /// <summary>Lends one byte at a time, as the worst translation does.</summary>
    private sealed class CrumblingMemory(GuestRam ram) : Testing.Memory.GuestMemoryDecorator(ram)
    {
        public int Leases { get; private set; }

        public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease) =>
            base.TryLease(address, 1, access, out lease);

        protected override Memory<byte> OnLeased(in GuestLease taken)
        {
            Leases++;
            return taken.Memory;
        }

        protected override void OnReturned(in GuestLease lease, int writtenBytes) => Leases--;
    }
}
