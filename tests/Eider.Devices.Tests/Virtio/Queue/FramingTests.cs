using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>Chains in any framing: reading, writing, leasing.</summary>
public sealed class FramingTests
{
    private static readonly int[] Shuffled = [2, 0, 3, 1];

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Spec_2_7_4_1_a_header_of_sixteen_one_byte_descriptors_reads_like_one(ulong features)
    {
        using var bench = new QueueBench(features, 32);
        var header = Enumerable.Range(1, 16).Select(value => (byte)value).ToArray();
        var buffers = new DriverBuffer[17];
        for (var i = 0; i < 16; i++)
        {
            bench.Ring.Write(QueueBench.Buffers + (ulong)(100 * i), [header[i]]);
            buffers[i] = new DriverBuffer(QueueBench.Buffers + (ulong)(100 * i), 1, false);
        }

        buffers[16] = new DriverBuffer(QueueBench.Buffers + 5000, 1, true);
        bench.Ring.Add(buffers);
        var chain = bench.Take();
        var read = new byte[16];
        Assert.True(chain.TryReadAt(0, read));
        Assert.Equal(header, read);
        Assert.True(chain.TryReadAt(5, read.AsSpan(0, 4)));
        Assert.Equal(header[5..9], read[..4]);
        Assert.False(chain.TryReadAt(5, read)); // one byte too many
        Assert.False(chain.TryReadAt(17, []));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Empty_descriptors_are_allowed_and_hold_nothing(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(0, 0, false), new(QueueBench.Buffers, 2, false), new(ulong.MaxValue, 0, false), new(0, 0, true), new(QueueBench.Buffers + 8, 1, true)]);
        var chain = bench.Take();
        Assert.Equal(5, chain.DescriptorCount);
        Assert.Equal((1, 1), (chain.Readable.Length, chain.Writable.Length));
        bench.Queue.Complete(chain, 1);
        Assert.True(bench.Ring.TryGetUsed(out _));
        Assert.Equal(bench.Queue.Size, bench.Ring.FreeCount);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void A_chain_without_a_byte_is_taken_and_completed(ulong features)
    {
        using var bench = new QueueBench(features);
        var id = bench.Ring.Add([new(0, 0, false)]);
        bench.Queue.Complete(bench.Take(), 0);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal(new UsedBuffer(id, 0), used);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Cursors_stop_at_the_end_and_skip_exactly(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Write(QueueBench.Buffers, "abcdef"u8);
        bench.Ring.Add([new(QueueBench.Buffers, 2, false), new(QueueBench.Buffers + 2, 4, false), new(QueueBench.Buffers + 64, 2, true), new(QueueBench.Buffers + 80, 3, true)]);
        var chain = bench.Take();
        var reader = chain.Reader;
        Assert.True(reader.TrySkip(1));
        var some = new byte[100];
        Assert.Equal(5, reader.Read(some));
        Assert.Equal("bcdef"u8, some.AsSpan(0, 5));
        Assert.Equal(0, reader.Read(some));
        Assert.False(reader.TrySkip(1));
        var writer = chain.Writer;
        Assert.False(writer.TryWrite("123456"u8));
        Assert.Equal(5, writer.Write("123456"u8));
        Assert.Equal(5ul, writer.Position);
        Assert.Equal("12"u8, bench.Ring.Read(QueueBench.Buffers + 64, 2));
        Assert.Equal("345"u8, bench.Ring.Read(QueueBench.Buffers + 80, 3));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Leases_cover_exactly_the_asked_bytes_and_go_back_once(ulong features)
    {
        WatchedMemory? watched = null;
        using var bench = new QueueBench(features, 8, ram => watched = new WatchedMemory(ram));
        bench.Ring.Write(QueueBench.Buffers, "abcdefgh"u8);
        bench.Ring.Add([new(QueueBench.Buffers, 3, false), new(QueueBench.Buffers + 3, 5, false), new(QueueBench.Buffers + 64, 4, true), new(QueueBench.Buffers + 128, 4, true)]);
        var chain = bench.Take();
        Assert.False(chain.TryLeaseReadable(1, 8, out _)); // one too many
        Assert.True(chain.TryLeaseReadable(1, 6, out var pieces));
        Assert.Equal("bcdefg"u8.ToArray(), Enumerable.Range(0, pieces.Count).SelectMany(i => pieces[i].ToArray()));
        Assert.Equal(2, watched!.Leases);
        Assert.Equal(1, bench.Queue.PendingCount);
        bench.Queue.Complete(chain, 0);
        Assert.Equal((0, 0), (watched.Leases, bench.Queue.PendingCount));

        Assert.True(bench.Ring.TryGetUsed(out _));
        bench.Ring.Add([new(QueueBench.Buffers + 64, 4, true), new(QueueBench.Buffers + 128, 4, true)]);
        chain = bench.Take();
        Assert.True(chain.TryLeaseWritable(2, 4, out pieces));
        "XYZW"u8[..2].CopyTo(pieces[0].Span);
        "XYZW"u8[2..].CopyTo(pieces[1].Span);
        bench.Queue.Complete(chain, 8);
        Assert.Equal("XY"u8, bench.Ring.Read(QueueBench.Buffers + 66, 2));
        Assert.Equal("ZW"u8, bench.Ring.Read(QueueBench.Buffers + 128, 2));
        Assert.Equal(0, watched.Leases);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void A_lease_that_fails_half_way_gives_all_back(ulong features)
    {
        WatchedMemory? watched = null;
        using var bench = new QueueBench(features, 8, ram => watched = new WatchedMemory(ram));
        bench.Ring.Add([new(QueueBench.Buffers, 3, false), new(QueueBench.Buffers + 8192, 5, false)]);
        var chain = bench.Take();
        watched!.Refuses = (address, _) => address >= QueueBench.Buffers + 8192;
        Assert.False(chain.TryLeaseReadable(0, 8, out _));
        Assert.Equal((0, 0), (watched.Leases, bench.Queue.PendingCount));
        Assert.True(chain.TryLeaseReadable(0, 3, out _));
        bench.Queue.Complete(chain, 0);
        Assert.Equal(0, watched.Leases);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Used_length_never_exceeds_what_the_driver_gave(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(QueueBench.Buffers, 10, true)]);
        bench.Queue.Complete(bench.Take(), uint.MaxValue);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal(10u, used.WrittenBytes);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Completing_twice_is_a_bug_of_the_device(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(QueueBench.Buffers, 10, true)]);
        var chain = bench.Take();
        bench.Queue.Complete(chain, 0);
        Assert.Throws<InvalidOperationException>(() => bench.Queue.Complete(chain, 0));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Memory_that_fails_under_a_chain_stops_the_queue(ulong features)
    {
        WatchedMemory? watched = null;
        using var bench = new QueueBench(features, 8, ram => watched = new WatchedMemory(ram));
        bench.Ring.Add([new(QueueBench.Buffers, 3, false)]);
        var chain = bench.Take();
        watched!.Refuses = (_, access) => access == GuestMemoryAccess.Read;
        Assert.False(chain.TryReadAt(0, new byte[3]));
        Assert.Equal([QueueFault.MemoryAccess], bench.Faults);
        bench.Queue.Complete(chain, 0); // ends quietly
        Assert.Equal(0, bench.Queue.InFlightCount);
        Assert.False(bench.Ring.TryGetUsed(out _));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Completions_posted_from_other_threads_come_in_their_order(ulong features)
    {
        using var bench = new QueueBench(features);
        var ids = new List<ushort>();
        var chains = new List<DescriptorChain>();
        for (var i = 0; i < 4; i++)
        {
            ids.Add(bench.Ring.Add([new(QueueBench.Buffers, 10, true)]));
            chains.Add(bench.Take());
        }

        await Task.Run(() =>
        {
            foreach (var i in Shuffled)
            {
                bench.Queue.PostCompletion(chains[i], (uint)i + 1);
            }
        }, TestContext.Current.CancellationToken);
        Assert.Equal(1, bench.Wakes);
        Assert.False(bench.Ring.TryGetUsed(out _));
        bench.Queue.BeginRun();
        foreach (var i in Shuffled)
        {
            Assert.True(bench.Ring.TryGetUsed(out var used));
            Assert.Equal(new UsedBuffer(ids[i], (uint)i + 1), used);
        }

        Assert.Throws<InvalidOperationException>(() => bench.Queue.Complete(chains[0], 0));
    }
}
