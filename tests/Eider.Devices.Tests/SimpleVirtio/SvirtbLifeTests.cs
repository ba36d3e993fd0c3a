using Eider.Devices.SimpleVirtio;
using Eider.Hardware.Bus;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Testing.Memory;
using Eider.Testing.SimpleVirtio;
using static Eider.Devices.Tests.SimpleVirtio.SvirtbDisks;

namespace Eider.Devices.Tests.SimpleVirtio;

/// <summary>Doorbells that wait, several harts, resets and the end at every point, and what a guest can make the device do.</summary>
public sealed class SvirtbLifeTests
{
    private const int Entries = 5;

    [Fact]
    public async Task A_doorbell_waits_until_the_storage_has_done_everything_and_other_harts_read_meanwhile()
    {
        var storage = Numbered(16);
        await using var bench = Started(storage);
        storage.Holds = true;
        var doorbell = Ring(bench);
        for (var done = 0; done < Entries; done++)
        {
            bench.Workers.RunPending();
            Assert.False(doorbell.IsCompleted);
            Assert.Equal((SvirtbStatus.Ready, (uint)done, (uint)Entries), (bench.Status, bench.Tail, bench.Head));
            storage.Release(0);
        }

        bench.Workers.RunPending();
        Assert.True(doorbell.IsCompleted);
        Assert.Equal((uint)Entries, bench.Tail);
        Assert.Equal(storage.Content[512..(512 * (Entries + 1))], bench.Memory(Buffer(0), 512 * Entries));
    }

    [Fact]
    public async Task A_second_hart_that_rings_meanwhile_waits_for_its_own_entries_too()
    {
        var storage = Numbered(16);
        await using var bench = Started(storage);
        storage.Holds = true;
        var first = Ring(bench);
        bench.Workers.RunPending();
        bench.Fill(Entries, Buffer(Entries), 512, 1, 0);
        var second = bench.Begin(SvirtbRegister.QueueHead, Entries + 1)!;
        Assert.NotSame(first, second);
        storage.Holds = false;
        storage.ReleaseAll();
        bench.Workers.RunPending();
        Assert.True(first.IsCompleted && second.IsCompleted);
        Assert.Equal(Entries + 1u, bench.Tail);
    }

    // The head goes back to the tail while the entry there is on its way.
    [Fact]
    public async Task Entries_that_are_taken_back_are_not_done()
    {
        var storage = Numbered(16);
        await using var bench = Started(storage);
        storage.Holds = true;
        var first = Ring(bench);
        bench.Workers.RunPending();
        var second = bench.Begin(SvirtbRegister.QueueHead, 0)!;
        storage.Holds = false;
        storage.ReleaseAll();
        bench.Workers.RunPending();
        Assert.True(first.IsCompleted && second.IsCompleted);
        Assert.Equal((0u, 0u, SvirtbStatus.Ready), (bench.Head, bench.Tail, bench.Status));
        Assert.Single(storage.Log!);
    }

    [Fact]
    public async Task A_hart_that_rings_while_another_one_is_let_go_does_not_wait_for_ever_when_the_machine_ends_then()
    {
        await using var bench = Started(Numbered(16));
        PendingAccess? second = null;
        Task? end = null;
        Ring(bench).OnCompleted(() =>
        {
            bench.Fill(Entries, Buffer(Entries), 512, 1, 0);
            second = bench.Begin(SvirtbRegister.QueueHead, Entries + 1);
            end = bench.Device.DisposeAsync().AsTask();
        });
        bench.Workers.RunPending();
        Assert.Equal((true, true), (second?.IsCompleted, end?.IsCompleted));
    }

    public static TheoryData<int, int, bool, bool> Endings()
    {
        var data = new TheoryData<int, int, bool, bool>();
        for (var point = 0; point <= Entries; point++)
        {
            foreach (var ignores in new[] { false, true })
            {
                data.Add(0, point, ignores, false);
                data.Add(0, point, ignores, true);
                data.Add(1, point, ignores, false);
                data.Add(1, point, ignores, true);
                data.Add(2, point, ignores, false);
                data.Add(2, point, ignores, true);
            }
        }

        return data;
    }

    // 0: a reset; 1: a status that makes an error; 2: the end of the machine.
    [Theory]
    [MemberData(nameof(Endings))]
    public async Task Ended_at_any_point_nothing_is_written_afterwards_and_nobody_waits_for_ever(
        int ending, int point, bool ignoresCancellation, bool isWrite)
    {
        var storage = Numbered(16);
        WriteWatchingGuestMemory watch = null!;
        var bench = new SvirtbBench(storage, wrap: ram => watch = new WriteWatchingGuestMemory(ram));
        bench.Start(8);
        FillAll(bench, isWrite ? 1u : 0);
        storage.Holds = true;
        storage.IgnoresCancellation = ignoresCancellation;
        var doorbell = Ring(bench);
        for (var i = 0; i < point; i++)
        {
            bench.Workers.RunPending();
            storage.TryRelease(0);
        }

        bench.Workers.RunPending();
        PendingAccess? end = null;
        Task? disposal = null;
        if (ending == 2)
        {
            disposal = bench.Device.DisposeAsync().AsTask();
        }
        else
        {
            end = bench.Begin(SvirtbRegister.Status, ending == 0 ? (uint)SvirtbStatus.Reset : 7);
        }

        for (var i = 0; i < 10 && (end?.IsCompleted == false || disposal?.IsCompleted == false); i++)
        {
            bench.Workers.RunPending();
            storage.TryRelease(0);
        }

        bench.Workers.RunPending();
        Assert.True(end?.IsCompleted != false && disposal?.IsCompleted != false);
        Assert.True(doorbell.IsCompleted);
        watch.Forbid();
        var content = storage.Content.ToArray();
        storage.Holds = false;
        storage.ReleaseAll();
        bench.Workers.RunPending();
        Assert.Empty(watch.ForbiddenWrites);
        Assert.Equal(content, storage.Content);
        if (ending != 2)
        {
            watch.Allow();
            Assert.Equal(ending == 0 ? SvirtbStatus.Magic : SvirtbStatus.Reset, bench.Status);
            bench.Write(SvirtbStatus.Reset);
            bench.Start(8);
            FillAll(bench, 0);
            bench.Write(SvirtbRegister.QueueHead, Entries);
            Assert.Equal((uint)Entries, bench.Tail);
        }

        await bench.DisposeAsync();
    }

    [Fact]
    public async Task A_reset_waits_for_the_storage_and_other_writes_meanwhile_do_nothing()
    {
        var storage = Numbered(16);
        await using var bench = Started(storage);
        storage.Holds = true;
        storage.IgnoresCancellation = true;
        Ring(bench);
        bench.Workers.RunPending();
        var reset = bench.Begin(SvirtbRegister.Status, (uint)SvirtbStatus.Reset)!;
        var again = bench.Begin(SvirtbRegister.Status, (uint)SvirtbStatus.Reset)!;
        Assert.Null(bench.Begin(SvirtbRegister.Status, (uint)SvirtbStatus.DriverOk));
        Assert.Null(bench.Begin(SvirtbRegister.QueueHead, 3));
        bench.Workers.RunPending();
        Assert.False(reset.IsCompleted || again.IsCompleted);
        storage.Holds = false;
        storage.ReleaseAll();
        bench.Workers.RunPending();
        Assert.True(reset.IsCompleted && again.IsCompleted);
        Assert.Equal((SvirtbStatus.Magic, 0u, 0u), (bench.Status, bench.Head, bench.Tail));
        Assert.Equal(new byte[512], bench.Memory(Buffer(0), 512)); // the read was given up
    }

    [Fact]
    public async Task What_was_written_is_flushed_by_the_reset_and_only_then()
    {
        var storage = Numbered(16);
        await using var bench = Started(storage);
        bench.Write(SvirtbStatus.Reset);
        Assert.Empty(storage.Log!);
        bench.Start(8);
        FillAll(bench, 1);
        bench.Write(SvirtbRegister.QueueHead, Entries);
        bench.Write(SvirtbStatus.Reset);
        bench.Write(SvirtbStatus.Reset);
        Assert.Equal("Flush", storage.Log![^1]);
        Assert.Equal(1, storage.Log!.Count(entry => entry == "Flush"));
    }

    [Fact]
    public async Task A_flush_that_fails_is_told_and_the_reset_is_through()
    {
        var storage = Numbered(16);
        var failures = new List<BlockStorageException>();
        await using var bench = new SvirtbBench(storage, disk => disk with { HostFailed = failures.Add });
        bench.Start(8);
        FillAll(bench, 1);
        bench.Write(SvirtbRegister.QueueHead, Entries);
        storage.Failure = operation => operation == BlockOperation.Flush ? new IOException("gone") : null;
        bench.Write(SvirtbStatus.Reset);
        Assert.Equal(BlockOperation.Flush, Assert.Single(failures).Operation);
        Assert.Equal(SvirtbStatus.Magic, bench.Status);
    }

    [Fact]
    public async Task A_disk_that_became_smaller_meanwhile_ends_where_it_ends()
    {
        var storage = Numbered(1024);
        await using var bench = new SvirtbBench(storage);
        bench.Start(8);
        bench.Fill(0, Buffer(0), 256 << 10, 0, 0);
        storage.Holds = true;
        var doorbell = bench.Begin(SvirtbRegister.QueueHead, 1)!;
        bench.Workers.RunPending();
        storage.Holds = false;
        storage.Release(0);
        storage.Resize(4096);
        bench.Workers.RunPending();
        Assert.True(doorbell.IsCompleted);
        Assert.Equal((1u, SvirtbStatus.Ready), (bench.Tail, bench.Status));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_doorbell_allocates_nothing(bool isLate)
    {
        var late = Numbered(16);
        late.Log = null;
        late.Holds = isLate;
        await using var bench = new SvirtbBench(late);
        bench.Start(8);
        for (var i = 0U; i < 8; i++)
        {
            bench.Fill(i, Buffer((int)i), 512, i, i % 2);
        }

        RingOften(200);
        var before = GC.GetAllocatedBytesForCurrentThread();
        RingOften(1000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.True(bench.Device.Statistics.Requests >= 1200 * 3);

        void RingOften(int times)
        {
            for (var i = 0; i < times; i++)
            {
                var doorbell = bench.Begin(SvirtbRegister.QueueHead, (bench.Head + 3) % 8)!;
                bench.Workers.RunPending();
                while (!doorbell.IsCompleted)
                {
                    late.TryRelease(0);
                    bench.Workers.RunPending();
                }

                doorbell.TakeValue();
            }
        }
    }

    // The largest ring, each entry the whole RAM: each byte of the ring is read once, and a run of the worker ends soon.
    [Fact]
    public async Task A_doorbell_is_bounded_and_the_worker_lets_others_run()
    {
        CountingGuestMemory counter = null!;
        await using var bench = new SvirtbBench(new MemoryStorage(0), wrap: ram => counter = new CountingGuestMemory(ram));
        bench.Start(SvirtbLimits.MaxQueueSize);
        for (var i = 0U; i < SvirtbLimits.MaxQueueSize; i++)
        {
            bench.Fill(i, SvirtbBench.RamBase, SvirtbBench.RamBytes, 0, i % 2);
        }

        var doorbell = bench.Begin(SvirtbRegister.QueueHead, SvirtbLimits.MaxQueueSize - 1)!;
        var runs = bench.Workers.RunPending();
        Assert.True(doorbell.IsCompleted);
        Assert.Equal(SvirtbLimits.MaxQueueSize - 1, counter.Reads);
        Assert.InRange(runs, SvirtbLimits.MaxQueueSize / 256, SvirtbLimits.MaxQueueSize);
    }

    [Fact]
    public async Task Statistics_count_entries_bytes_and_failures()
    {
        await using var bench = new SvirtbBench(Keos());
        bench.Start(8);
        bench.Fill(0, Buffer(0), 512, 2, 0);
        bench.Fill(1, Buffer(0), 512, 0, 1);
        bench.Fill(2, Buffer(0), 512, 0, 9);
        bench.Write(SvirtbRegister.QueueHead, 3);
        var counted = bench.Device.Statistics;
        Assert.Equal((3L, 50L, 512L, 1L), (counted.Requests, counted.ReadBytes, counted.WrittenBytes, counted.Failures));
    }

    private static SvirtbBench Started(BlockStorage storage)
    {
        var bench = new SvirtbBench(storage);
        bench.Start(8);
        FillAll(bench, 0);
        return bench;
    }

    private static void FillAll(SvirtbBench bench, uint command)
    {
        for (var i = 0; i < Entries; i++)
        {
            bench.Fill((uint)i, Buffer(i), 512, (ulong)i + 1, command);
        }
    }

    private static PendingAccess Ring(SvirtbBench bench) => bench.Begin(SvirtbRegister.QueueHead, Entries)!;
}
