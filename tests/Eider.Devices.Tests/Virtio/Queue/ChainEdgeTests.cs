using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;
using Eider.Testing.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>Cursors, leases and completion at their edges: exactly all bytes, one more, nothing, twice, too late.</summary>
public sealed class ChainEdgeTests
{
    private const ulong First = QueueBench.Buffers, Second = QueueBench.Buffers + 0x1000, Third = QueueBench.Buffers + 0x2000;
    private const ushort WriteFlag = 2;

    [Fact]
    public void A_reader_goes_from_buffer_to_buffer_wherever_they_lie()
    {
        using var bench = Readable("abcd", "efgh");
        var chain = bench.Take();
        var reader = chain.Reader;
        var bytes = new byte[3];
        Assert.Equal(3, reader.Read(bytes));
        Assert.Equal("abc"u8, bytes);
        Assert.Equal(3, reader.Read(bytes)); // over the edge, from within the first buffer
        Assert.Equal("def"u8, bytes);
        Assert.Equal(2, reader.Read(bytes));
        Assert.Equal("gh"u8, bytes.AsSpan(0, 2));
        Assert.Equal(0, reader.Read(bytes));
        Assert.True(reader.TryRead([]));
        Assert.False(reader.TryRead(bytes.AsSpan(0, 1)));
    }

    [Fact]
    public void A_reader_skips_over_buffers_up_to_the_last_byte_and_not_past_it()
    {
        using var bench = Readable("abcd", "efgh");
        var reader = bench.Take().Reader;
        var bytes = new byte[1];
        Assert.True(reader.TrySkip(2));
        Assert.True(reader.TrySkip(3)); // over the edge, from within
        Assert.True(reader.TryRead(bytes));
        Assert.Equal("f"u8, bytes);
        Assert.False(reader.TrySkip(3));
        Assert.Equal(2UL, reader.Remaining); // it did not move
        Assert.True(reader.TrySkip(2));
        Assert.Equal(0UL, reader.Remaining);
        Assert.False(reader.TrySkip(1));
        Assert.True(reader.TrySkip(0));
    }

    [Fact]
    public void A_writer_goes_from_buffer_to_buffer_wherever_they_lie()
    {
        using var bench = Writable(4, 4);
        var writer = bench.Take().Writer;
        Assert.Equal(0UL, writer.Position);
        Assert.Equal(3, writer.Write("abc"u8));
        Assert.Equal(3UL, writer.Position);
        Assert.Equal(3, writer.Write("def"u8));
        Assert.False(writer.TryWrite("ghi"u8));
        Assert.Equal(2UL, writer.Remaining);
        Assert.Equal(2, writer.Write("ghi"u8));
        Assert.Equal(8UL, writer.Position);
        Assert.True(writer.TryWrite([]));
        Assert.Equal("abcd"u8, bench.Ring.Read(First, 4));
        Assert.Equal("efgh"u8, bench.Ring.Read(Second, 4));
        Assert.Equal(0, bench.Ring.Read(First + 4, 1)[0]);
        Assert.Equal(0, bench.Ring.Read(Second + 4, 1)[0]);
    }

    [Fact]
    public void A_writer_skips_over_buffers_up_to_the_last_byte_and_not_past_it()
    {
        using var bench = Writable(4, 4);
        var writer = bench.Take().Writer;
        Assert.True(writer.TrySkip(2));
        Assert.True(writer.TrySkip(3));
        Assert.True(writer.TryWrite("x"u8));
        Assert.Equal("x"u8, bench.Ring.Read(Second + 1, 1));
        Assert.Equal(6UL, writer.Position);
        Assert.False(writer.TrySkip(3));
        Assert.Equal(6UL, writer.Position);
        Assert.True(writer.TrySkip(2));
        Assert.Equal(8UL, writer.Position);
    }

    [Theory]
    [InlineData(GuestMemoryAccess.Read)]
    [InlineData(GuestMemoryAccess.Write)]
    public void Memory_that_fails_under_a_cursor_stops_the_queue(GuestMemoryAccess access)
    {
        FaultingGuestMemory? memory = null;
        using var bench = new QueueBench(FeatureSets.Split, 8, ram => memory = new FaultingGuestMemory(ram));
        bench.Ring.Add([new(First, 4, false), new(Second, 4, true)]);
        var chain = bench.Take();
        memory!.ShouldFail = (address, _, wanted) => wanted == access && address is First or Second;
        Assert.Equal(access == GuestMemoryAccess.Write, chain.TryReadAt(0, new byte[4]));
        Assert.False(chain.TryWriteAt(0, new byte[4]));
        Assert.Equal([QueueFault.MemoryAccess], bench.Faults);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("write", WriteFlag)]
    [InlineData("write, then nothing", WriteFlag)]
    [InlineData("write twice", WriteFlag)]
    [InlineData("nothing", 0)]
    [InlineData("lease", WriteFlag)]
    [InlineData("write, then lease", WriteFlag)]
    [InlineData("lease nothing", 0)]
    [InlineData("lease to read", 0)]
    [InlineData("write, then lease to read", WriteFlag)]
    public void Spec_2_8_3_WRITE_of_a_used_descriptor_tells_whether_any_byte_was_written(string what, int expected)
    {
        using var bench = new QueueBench(FeatureSets.Packed);
        for (var round = 0; round < 2; round++)
        {
            // Of a chain that is used again, too: it does not remember.
            bench.Ring.Add([new(First, 4, false), new(Second, 4, true)]);
            var chain = bench.Take();
            Do(chain, round == 0 ? what : "");
            bench.Queue.Complete(chain, 0);
            var flags = bench.Ring.Read16(bench.Packed.DescriptorAddress(round * 2) + 14);
            Assert.Equal(round == 0 ? expected : 0, flags & WriteFlag);
            Assert.True(bench.Ring.TryGetUsed(out _));
        }
    }

    [Fact]
    public void A_lease_covers_exactly_what_was_asked_for()
    {
        using var bench = Writable(4, 4);
        var chain = bench.Take();
        Assert.True(chain.TryLeaseWritable(3, 4, out var pieces));
        Assert.Equal(2, pieces.Count);
        pieces[0].Span.Fill((byte)'a');
        pieces[1].Span.Fill((byte)'b');
        Assert.Equal((1, 3), (pieces[0].Length, pieces[1].Length));
        bench.Queue.Complete(chain, 0);
        Assert.Equal("\0\0\0a\0"u8, bench.Ring.Read(First, 5));
        Assert.Equal("bbb\0"u8, bench.Ring.Read(Second, 4));
    }

    [Theory]
    [InlineData(0ul, 8ul, true)]
    [InlineData(0ul, 9ul, false)]
    [InlineData(8ul, 0ul, true)]
    [InlineData(8ul, 1ul, false)]
    [InlineData(9ul, 0ul, false)]
    [InlineData(4ul, 4ul, true)]
    [InlineData(7ul, 1ul, true)]
    [InlineData(ulong.MaxValue, 1ul, false)]
    [InlineData(1ul, ulong.MaxValue, false)]
    public void A_lease_ends_where_the_chain_ends(ulong offset, ulong length, bool expected)
    {
        using var bench = Writable(4, 4);
        var chain = bench.Take();
        Assert.Equal(expected, chain.TryLeaseWritable(offset, length, out var pieces));
        Assert.Equal(expected ? (long)length : 0, pieces.LengthBytes);
    }

    [Fact]
    public void A_second_lease_is_refused_until_the_chain_is_given_back()
    {
        using var bench = new QueueBench(FeatureSets.Split);
        bench.Ring.Add([new(First, 4, false), new(Second, 4, true)]);
        var chain = bench.Take();
        Assert.True(chain.TryLeaseReadable(0, 4, out _));
        Assert.False(chain.TryLeaseWritable(0, 4, out _));
        Assert.False(chain.TryLeaseReadable(0, 1, out _));
        bench.Queue.Complete(chain, 0);
        Assert.False(chain.TryLeaseReadable(0, 1, out _)); // dead
    }

    [Fact]
    public void A_lease_tells_what_was_written_only_if_it_may_write()
    {
        CountingGuestMemory? memory = null;
        using var bench = new QueueBench(FeatureSets.Split, 8, ram => memory = new CountingGuestMemory(ram));
        foreach (var (isWritable, written) in new[] { (false, 0), (true, 5) })
        {
            bench.Ring.Add([new(First, 5, isWritable)]);
            var chain = bench.Take();
            Assert.True(isWritable ? chain.TryLeaseWritable(0, 5, out _) : chain.TryLeaseReadable(0, 5, out _));
            memory!.Reset();
            bench.Queue.Complete(chain, 0);
            Assert.Equal(8 + 2 + written, memory.WrittenBytes); // used entry and index
            Assert.Equal((0, 0), (memory.OutstandingLeases, memory.LeasesReturnedTwice));
        }
    }

    [Fact]
    public void A_lease_that_memory_refuses_half_way_gives_everything_back()
    {
        CountingGuestMemory? memory = null;
        FaultingGuestMemory? faulty = null;
        using var bench = new QueueBench(
            FeatureSets.Split, 8, ram => faulty = new FaultingGuestMemory(memory = new CountingGuestMemory(ram)));
        bench.Ring.Add([new(First, 4, true), new(Second, 4, true), new(Third, 4, true)]);
        var chain = bench.Take();
        faulty!.ShouldFail = (address, _, _) => address == Third;
        Assert.False(chain.TryLeaseWritable(0, 12, out var pieces));
        Assert.Equal(0, pieces.Count);
        Assert.Equal(2, memory!.Leases);
        Assert.Equal(0, memory.OutstandingLeases);
        Assert.Equal(0, bench.Queue.PendingCount);
        Assert.True(chain.TryLeaseWritable(0, 8, out _));
    }

    [Fact]
    public void A_chain_lives_from_taking_to_completing()
    {
        using var bench = Writable(4, 4);
        var chain = bench.Take();
        Assert.True(chain.IsLive);
        Assert.Equal(1, bench.Queue.InFlightCount);
        bench.Queue.Complete(chain, 0);
        Assert.False(chain.IsLive);
        Assert.True(bench.Queue.IsRunning);
        Assert.False(chain.TryWriteAt(0, new byte[1]));
        chain.MarkPending();
        Assert.Equal((0, 0), (bench.Queue.InFlightCount, bench.Queue.PendingCount));
        Assert.Throws<InvalidOperationException>(() => bench.Queue.Complete(chain, 0));
    }

    [Fact]
    public void A_chain_is_completed_on_its_own_queue_and_posted_once()
    {
        using var bench = Writable(4, 4);
        using var other = Writable(4, 4);
        var chain = bench.Take();
        var foreign = other.Take();
        Assert.Throws<InvalidOperationException>(() => bench.Queue.Complete(foreign, 0));
        Assert.Throws<InvalidOperationException>(() => bench.Queue.PostCompletion(foreign, 0));
        bench.Queue.PostCompletion(chain, 4);
        Assert.Throws<InvalidOperationException>(() => bench.Queue.PostCompletion(chain, 4));
        Assert.Equal(1, bench.Wakes);
        Assert.True(chain.IsLive);
        bench.Queue.BeginRun();
        Assert.False(chain.IsLive);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal(4U, used.WrittenBytes);
        other.Queue.Complete(foreign, 0);
        Assert.Equal(0, other.Wakes);
    }

    [Fact]
    public void Posted_completions_come_back_in_their_order_and_wake_the_worker_once()
    {
        using var bench = new QueueBench(FeatureSets.Split);
        var chains = new List<DescriptorChain>();
        var ids = new List<ushort>();
        for (var i = 0; i < 4; i++)
        {
            ids.Add(bench.Ring.Add([new(First, 1, true)]));
            chains.Add(bench.Take());
        }

        chains.ForEach(chain => bench.Queue.PostCompletion(chain, 0));
        Assert.Equal(1, bench.Wakes);
        bench.Queue.BeginRun();
        foreach (var id in ids)
        {
            Assert.True(bench.Ring.TryGetUsed(out var used));
            Assert.Equal(id, used.Id);
        }
    }

    [Fact]
    public void What_is_reported_written_is_at_most_what_could_be()
    {
        using var bench = Writable(4, 4);
        bench.Queue.Complete(bench.Take(), uint.MaxValue);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal(8U, used.WrittenBytes);
    }

    [Fact]
    public void A_queue_that_was_asked_to_stop_gives_nothing_out_and_one_that_stopped_does_nothing()
    {
        using var bench = Writable(4, 4);
        bench.Queue.RequestStop();
        Assert.False(bench.Queue.TryTake(out _));
        Assert.True(bench.Queue.IsRunning);
        Assert.False(bench.Queue.Cancellation.IsCancellationRequested);
        bench.Queue.Stop();
        Assert.False(bench.Queue.IsRunning);
        Assert.True(bench.Queue.Cancellation.IsCancellationRequested);
        Assert.False(bench.Queue.EnableNotifications());
        bench.Queue.DisableNotifications();
        bench.Queue.Flush();
        Assert.Equal(0, bench.Interrupts);
        Assert.Equal(0, bench.Ring.Read16(bench.Ring.Layout.DeviceAddress));
    }

    [Fact]
    public void A_disposed_queue_has_stopped_and_its_cancellation_is_gone()
    {
        using var bench = Writable(4, 4);
        var token = bench.Queue.Cancellation;
        bench.Queue.Dispose();
        Assert.False(bench.Queue.IsRunning);
        Assert.Throws<ObjectDisposedException>(() => token.WaitHandle);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void As_many_used_entries_as_the_ring_has_are_told_without_a_flush(ulong features)
    {
        using var bench = new QueueBench(features);
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(0, bench.Interrupts);
            bench.Ring.Add([new(First, 1, true)]);
            bench.Queue.Complete(bench.Take(), 0);
        }

        Assert.Equal(1, bench.Interrupts);
        bench.Queue.Flush(); // nothing since
        Assert.Equal(1, bench.Interrupts);
    }

    [Fact]
    public void A_throttled_queue_is_not_throttled_in_its_next_run()
    {
        using var bench = new QueueBench(FeatureSets.Split, 1);
        Assert.Equal(0, bench.Queue.TakenInRun);
        bench.Ring.Add([new(First, 1, true)]);
        bench.Queue.Complete(bench.Take(), 0);
        Assert.Equal(1, bench.Queue.TakenInRun);
        Assert.False(bench.Queue.TryTake(out _));
        Assert.True(bench.Queue.IsThrottled);
        bench.Queue.BeginRun();
        Assert.False(bench.Queue.IsThrottled);
        Assert.Equal(0, bench.Queue.TakenInRun);
    }

    [Fact]
    public void A_readable_buffer_after_two_writable_ones_is_one_too()
    {
        using var bench = new QueueBench(FeatureSets.Split);
        bench.Ring.Add([new(First, 1, true), new(Second, 1, true), new(Third, 1, false)]);
        bench.ExpectFault(QueueFault.ReadableAfterWritable);
    }

    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    public void A_table_of_32768_entries_is_a_table(ulong features)
    {
        // One more is refused as a table; this one is refused for what is in it: 32768 times nothing is too long a chain.
        using var bench = new QueueBench(features | FeatureSets.Indirect);
        var table = Enumerable.Repeat(new DriverBuffer(First, 0, false), 32768).ToArray();
        bench.Ring.Add(table, QueueBench.Tables);
        bench.ExpectFault(QueueFault.ChainTooLong);
    }

    [Fact]
    public void Completions_in_order_wait_for_the_first_and_then_come_all_at_once()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.InOrder, 4);
        for (var round = 0; round < 3; round++)
        {
            bench.Queue.BeginRun();
            var ids = Enumerable.Range(0, 3).Select(_ => bench.Ring.Add([new(First, 1, true)])).ToList();
            var chains = ids.ConvertAll(_ => bench.Take());
            bench.Queue.Complete(chains[2], 0);
            bench.Queue.Complete(chains[1], 0);
            Assert.False(bench.Ring.TryGetUsed(out _));
            Assert.Equal(3, bench.Queue.InFlightCount);
            Assert.Throws<InvalidOperationException>(() => bench.Queue.Complete(chains[1], 0));
            bench.Queue.Complete(chains[0], 0);
            foreach (var id in ids)
            {
                Assert.True(bench.Ring.TryGetUsed(out var used));
                Assert.Equal(id, used.Id);
            }

            Assert.Equal(0, bench.Queue.InFlightCount);
        }
    }

    private static void Do(DescriptorChain chain, string what)
    {
        foreach (var step in what.Split(", then "))
        {
            Assert.True(step switch
            {
                "write" => chain.TryWriteAt(0, new byte[1]),
                "write twice" => chain.TryWriteAt(0, new byte[1]) && chain.TryWriteAt(1, new byte[1]),
                "nothing" => chain.TryWriteAt(0, []),
                "lease" => chain.TryLeaseWritable(0, 1, out _),
                "lease nothing" => chain.TryLeaseWritable(0, 0, out _),
                "lease to read" => chain.TryLeaseReadable(0, 1, out _),
                _ => true,
            });
        }
    }

    private static QueueBench Readable(string first, string second)
    {
        var bench = new QueueBench(FeatureSets.Split);
        bench.Ring.Write(First, System.Text.Encoding.ASCII.GetBytes(first));
        bench.Ring.Write(Second, System.Text.Encoding.ASCII.GetBytes(second));
        bench.Ring.Add([new(First, (uint)first.Length, false), new(Second, (uint)second.Length, false)]);
        return bench;
    }

    private static QueueBench Writable(uint first, uint second)
    {
        var bench = new QueueBench(FeatureSets.Split);
        bench.Ring.Add([new(First, first, true), new(Second, second, true)]);
        return bench;
    }
}
