using Eider.Devices.Virtio.Queue;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>The cases of hype's own ring suite (nil ring, none, one, chained, indirect, data, bad descriptor), on both layouts.</summary>
public sealed class VirtqSuiteTests
{
    [Fact]
    public void A_ring_that_lies_nowhere_is_refused_when_made()
    {
        using var bench = new QueueBench(FeatureSets.Packed);
        var nowhere = new VirtQueueSettings { Size = 8, DescriptorAddress = 0, DriverAddress = 0, DeviceAddress = 0, Features = FeatureSets.Packed };
        Assert.False(nowhere.IsUsable(bench.Ram));
        Assert.Throws<ArgumentException>(() => VirtQueue.Create(nowhere, bench.Ram, bench));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Nothing_available_takes_nothing(ulong features)
    {
        using var bench = new QueueBench(features);
        Assert.False(bench.Queue.TryTake(out var chain));
        Assert.Null(chain);
        Assert.Empty(bench.Faults);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void One_available_is_taken_and_released_with_its_length(ulong features)
    {
        using var bench = new QueueBench(features);
        var id = bench.Ring.Add([new(QueueBench.Buffers, 100, true)]);
        var chain = bench.Take();
        Assert.Equal(0ul, chain.ReadableBytes);
        Assert.Equal([new ChainSegment(QueueBench.Buffers, 100)], chain.Writable.ToArray());
        Assert.False(bench.Queue.TryTake(out _));

        bench.Queue.Complete(chain, 7);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal(new UsedBuffer(id, 7), used);
        Assert.False(bench.Ring.TryGetUsed(out _));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Three_chained_come_as_one(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(QueueBench.Buffers, 16, false), new(QueueBench.Buffers + 16, 512, false), new(QueueBench.Buffers + 4096, 1, true)]);
        var chain = bench.Take();
        Assert.Equal(3, chain.DescriptorCount);
        Assert.Equal([new ChainSegment(QueueBench.Buffers, 16), new ChainSegment(QueueBench.Buffers + 16, 512)], chain.Readable.ToArray());
        Assert.Equal([new ChainSegment(QueueBench.Buffers + 4096, 1)], chain.Writable.ToArray());
        Assert.Equal((528ul, 1ul), (chain.ReadableBytes, chain.WritableBytes));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Two_indirect_come_as_one(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(QueueBench.Buffers, 16, false), new(QueueBench.Buffers + 4096, 8, true)], QueueBench.Tables);
        var chain = bench.Take();
        Assert.Equal([new ChainSegment(QueueBench.Buffers, 16)], chain.Readable.ToArray());
        Assert.Equal([new ChainSegment(QueueBench.Buffers + 4096, 8)], chain.Writable.ToArray());
        bench.Queue.Complete(chain, 8);
        Assert.True(bench.Ring.TryGetUsed(out _));
        Assert.Equal(bench.Queue.Size, bench.Ring.FreeCount);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Data_goes_both_ways(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Write(QueueBench.Buffers, "ping"u8);
        bench.Ring.Add([new(QueueBench.Buffers, 4, false), new(QueueBench.Buffers + 64, 4, true)]);
        var chain = bench.Take();
        var ping = new byte[4];
        Assert.True(chain.TryReadAt(0, ping));
        Assert.Equal("ping"u8, ping);
        Assert.True(chain.TryWriteAt(0, "pong"u8));
        Assert.Equal("pong"u8, bench.Ring.Read(QueueBench.Buffers + 64, 4));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Data_of_a_bad_descriptor_is_never_reached(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(0x1000, 4, false)]); // no RAM there
        bench.ExpectFault(QueueFault.BufferOutsideRam);
    }
}
