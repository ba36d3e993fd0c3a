using Eider.Devices.BlockIo;
using Eider.Devices.Tests.Virtio.Block;
using Eider.Hardware.Bus;
using Eider.Hardware.Time;
using Eider.Storage;
using Eider.Testing.BlockIo;
using Eider.Testing.Memory;
using static Eider.Devices.BlockIo.BioStatus;

namespace Eider.Devices.Tests.BlockIo;

/// <summary>What takes time: who waits, resets at every point, failures of the host, and what it costs.</summary>
public sealed class BioLifeTests
{
    private const uint Buffer = BioStorages.Buffer;
    private const int Blocks = 4000;

    public enum Ending
    {
        Reset,
        Disposal,
    }

    [Fact]
    public async Task A_command_returns_when_it_has_ended_and_others_see_BUSY_meanwhile()
    {
        var storage = BioStorages.Numbered(4);
        storage.Holds = true;
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 1, 1, Buffer);
        var wait = bench.Begin(BioRegister.Status, (uint)(Dma | Read)).Pending!;
        bench.Workers.RunPending();
        Assert.False(wait.IsCompleted);
        Assert.Equal(Busy, bench.Status);
        bench.Write(BioRegister.Status, (uint)(Dma | Write)); // ignored
        Assert.Equal(1, storage.HeldCount);
        storage.Release(0);
        bench.Workers.RunPending();
        Assert.True(wait.IsCompleted);
        Assert.Equal(Ready, bench.Status);
        Assert.Equal(["Read 2+2"], storage.Log!);
    }

    [Fact]
    public async Task With_an_interrupt_a_command_returns_at_once_and_its_end_interrupts_until_STATUS_is_read()
    {
        var storage = BioStorages.Numbered(4);
        storage.Holds = true;
        await using var bench = new BioTestBench([new BioDisk(1, storage)], hasInterrupt: true);
        bench.ResetAndSet(1, 1, 1, Buffer);
        Assert.Null(bench.Begin(BioRegister.Status, (uint)(Dma | Read)).Pending);
        bench.Workers.RunPending();
        Assert.Equal((Busy, false), (bench.Status, bench.Line.Level));
        storage.Release(0);
        bench.Workers.RunPending();
        Assert.True(bench.Line.Level);
        Assert.Equal(Ready, bench.Status);
        Assert.False(bench.Line.Level);
        Assert.Equal(1, bench.Line.Rises);
    }

    [Fact]
    public async Task Every_end_of_a_command_interrupts_also_a_bad_one_and_nothing_else_does()
    {
        var storage = BioStorages.Numbered(100);
        await using var bench = new BioTestBench([new BioDisk(1, storage)], hasInterrupt: true);
        bench.Write(BioRegister.Sid, 7);
        bench.Read(BioRegister.Data);
        Assert.Equal(0, bench.Line.Rises);
        bench.Write(BioRegister.Status, (uint)Read); // no storage
        Assert.Equal(1, bench.Line.Rises);
        bench.ResetAndSet(1, 100, 1, Buffer);
        Assert.False(bench.Line.Level); // a reset takes it back
        bench.Write(BioRegister.Status, (uint)(Dma | Read)); // past the end
        Assert.True(bench.Line.Level);
        bench.ResetAndSet(1, 0, 70, 0);
        bench.Write(BioRegister.Status, (uint)Read);
        Assert.Equal(Ready, bench.Status);
        for (var i = 0; i < 70 * 256; i++)
        {
            Assert.Equal(BioStorages.WordOf(0, i), bench.Read(BioRegister.Data));
        }

        Assert.Equal(3, bench.Line.Rises); // once for the command, not for its second piece
        bench.ResetAndSet(1, 0, 70, 0);
        bench.Write(BioRegister.Status, (uint)Write);
        for (var i = 0; i < 70 * 256; i++)
        {
            Assert.False(bench.Line.Level);
            bench.Write(BioRegister.Data, 0);
        }

        Assert.Equal(4, bench.Line.Rises);
        Assert.Equal(Ready, bench.Status);
    }

    // Without an interrupt and with one; a storage that obeys the cancellation and one that does not; commands of all kinds.
    public static TheoryData<BioStatus, Ending, int, bool, bool> Points()
    {
        var data = new TheoryData<BioStatus, Ending, int, bool, bool>();
        foreach (var command in new[] { Dma | Read, Dma | Write, Read, Write })
        {
            foreach (var ending in Enum.GetValues<Ending>())
            {
                for (var point = -1; point < 3; point++)
                {
                    foreach (var flags in Enumerable.Range(0, 4))
                    {
                        data.Add(command, ending, point, (flags & 1) != 0, (flags & 2) != 0);
                    }
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Points))]
    public async Task Ended_at_any_point_nothing_old_is_written_and_no_old_interrupt_comes(
        BioStatus command, Ending ending, int point, bool ignoresCancellation, bool hasInterrupt)
    {
        var storage = BioStorages.Numbered(Blocks);
        var before = (byte[])storage.Content.Clone();
        (storage.Holds, storage.IgnoresCancellation) = (true, ignoresCancellation);
        WriteWatchingGuestMemory watch = null!;
        await using var bench = new BioTestBench(
            [new BioDisk(1, storage)], hasInterrupt, ram => watch = new WriteWatchingGuestMemory(ram));
        bench.ResetAndSet(1, 1, 2900, Buffer);
        var waiting = new List<BusResult> { bench.Begin(BioRegister.Status, (uint)command) };
        Pump(bench, storage, command, point, waiting);
        bench.Read(BioRegister.Status);
        var rises = bench.Line.Rises;

        var held = storage.HeldCount;
        var reset = ending == Ending.Reset ? bench.Begin(BioRegister.Status, (uint)SoftReset) : BusResult.Ok;
        var disposal = ending == Ending.Disposal ? bench.Device.DisposeAsync() : ValueTask.CompletedTask;
        bench.Workers.RunPending();
        if (ending == Ending.Reset && held > 0 && ignoresCancellation)
        {
            Assert.False(reset.Pending!.IsCompleted);
            Assert.Equal(Busy, bench.Status);
        }

        while (ignoresCancellation && storage.TryRelease(0))
        {
            bench.Workers.RunPending();
        }

        await disposal;
        watch.Forbid();
        Assert.True(reset.Pending is null or { IsCompleted: true });
        Assert.All(waiting, result => Assert.True(result.Pending is null or { IsCompleted: true }));
        var after = (byte[])storage.Content.Clone();
        Assert.Equal(0, storage.HeldCount);
        for (var i = 0; i < 10; i++)
        {
            bench.Workers.RunPending();
        }

        Assert.Empty(watch.ForbiddenWrites);
        Assert.Equal(after, storage.Content);
        Assert.Equal(before[..1024], storage.Content[..1024]);
        Assert.Equal(before[(2901 * 1024)..], storage.Content[(2901 * 1024)..]);
        Assert.Equal((rises, false), (bench.Line.Rises, bench.Line.Level));
        Assert.Equal(0, bench.Ram.Regions[0].OutstandingLeases);
        watch.Allow();
        if (ending == Ending.Reset)
        {
            storage.Holds = false;
            Assert.Equal(Ready, bench.Status);
            bench.Set(1, 3950, 1, Buffer);
            Assert.Equal(Ready, bench.Command(Dma | Read));
            Assert.Equal(BioStorages.WordOf(3950, 0), BitConverter.ToUInt32(bench.Memory(Buffer, 4)));
        }
    }

    [Fact]
    public async Task A_hart_that_waits_for_a_word_goes_on_with_ones_when_another_one_resets()
    {
        var storage = BioStorages.Numbered(200);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 0, 200, 0);
        bench.Command(Read);
        for (var i = 0; i < 64 * 256; i++)
        {
            bench.Read(BioRegister.Data);
        }

        (storage.Holds, storage.IgnoresCancellation) = (true, true);
        var word = bench.BeginRead(BioRegister.Data, out _).Pending!;
        bench.Workers.RunPending();
        var reset = bench.Begin(BioRegister.Status, (uint)SoftReset).Pending!;
        bench.Workers.RunPending();
        Assert.False(word.IsCompleted || reset.IsCompleted);
        storage.Release(0);
        bench.Workers.RunPending();
        Assert.Equal((true, true, (ulong)uint.MaxValue), (word.IsCompleted, reset.IsCompleted, word.Value));
        Assert.Equal(Ready, bench.Status);
    }

    [Fact]
    public async Task A_reset_before_the_worker_came_lets_the_hart_go_on()
    {
        var storage = BioStorages.Numbered(4);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 0, 1, Buffer);
        var wait = bench.Begin(BioRegister.Status, (uint)(Dma | Read)).Pending!;
        Assert.Null(bench.Begin(BioRegister.Status, (uint)SoftReset).Pending);
        Assert.True(wait.IsCompleted);
        bench.Workers.RunPending();
        Assert.Empty(storage.Log!);
    }

    // Reset first, so no storage is selected; what is under way must not leave a BUSY that nothing ends.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reset_with_a_command_while_another_one_is_under_way_leaves_an_error_and_no_BUSY(bool hasInterrupt)
    {
        var storage = BioStorages.Numbered(4);
        (storage.Holds, storage.IgnoresCancellation) = (true, true);
        await using var bench = new BioTestBench([new BioDisk(1, storage)], hasInterrupt);
        bench.ResetAndSet(1, 1, 1, Buffer);
        bench.Begin(BioRegister.Status, (uint)(Dma | Read));
        bench.Workers.RunPending();
        var reset = bench.Begin(BioRegister.Status, (uint)(SoftReset | Read)).Pending!;
        bench.Workers.RunPending();
        Assert.Equal((false, Busy | Error), (reset.IsCompleted, bench.Status));
        storage.Release(0);
        bench.Workers.RunPending();
        Assert.Equal((true, Error), (reset.IsCompleted, bench.Status));
    }

    [Theory]
    [InlineData(Dma | Read)]
    [InlineData(Dma | Write)]
    [InlineData(Read)]
    public async Task A_failing_host_is_an_error_for_the_guest_and_told_to_the_owner(BioStatus command)
    {
        var storage = BioStorages.Numbered(4);
        storage.Failure = operation => new BlockStorageException(BlockErrorKind.NoSpace, operation, "scripted", 0, "the disk is full");
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 0, 1, Buffer);
        Assert.Equal(Error, bench.Command(command));
        Assert.Equal(["the disk is full"], bench.Failures);
        storage.Failure = null;
        bench.ResetAndSet(1, 0, 1, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Read));
    }

    [Fact]
    public async Task A_commit_or_a_flush_that_fails_and_a_later_piece_that_cannot_be_read_are_errors()
    {
        var storage = BioStorages.Numbered(100);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        storage.Failure = operation => operation == BlockOperation.Flush ? new IOException("gone") : null;
        bench.ResetAndSet(1, 0, 1, Buffer);
        Assert.Equal(Error, bench.Command(Dma | Write));
        storage.Failure = null;
        bench.ResetAndSet(1, 0, 65, 0);
        bench.Command(Read);
        for (var i = 0; i < 64 * 256; i++)
        {
            bench.Read(BioRegister.Data);
        }

        storage.Failure = _ => new IOException("gone");
        Assert.Equal(uint.MaxValue, bench.Read(BioRegister.Data));
        Assert.Equal(Error, bench.Status);
        Assert.Equal(2, bench.Failures.Count);
    }

    [Theory]
    [InlineData(Dma | Write)]
    [InlineData(Write)]
    public async Task A_storage_that_is_read_only_refuses_writes_before_a_word_is_taken(BioStatus command)
    {
        var storage = BioStorages.Numbered(4);
        await using var bench = new BioTestBench([new BioDisk(1, storage, isReadOnly: true)]);
        bench.ResetAndSet(1, 0, 1, Buffer);
        Assert.Equal(Error, bench.Command(command));
        Assert.Empty(storage.Log!);
    }

    [Fact]
    public async Task An_author_whose_code_throws_harms_nobody()
    {
        await using var bench = new BioTestBench([new ThrowingStorage(1)]);
        bench.ResetAndSet(1, 0, 1, Buffer);
        Assert.Equal(Error, bench.Command(Dma | Read));
        bench.ResetAndSet(1, 1, 1, Buffer);
        Assert.Equal(Error, bench.Command(Dma | Read));
        Assert.Equal(2, bench.Failures.Count);
    }

    [Fact]
    public async Task What_it_did_is_counted()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(4))]);
        bench.ResetAndSet(1, 0, 2, Buffer);
        bench.Command(Dma | Read);
        bench.Command(Write);
        bench.ResetAndSet(1, 4, 1, Buffer);
        bench.Command(Dma | Read);
        var statistics = bench.Device.Statistics;
        Assert.Equal((3, 2048, 2048, 1), (statistics.Requests, statistics.ReadBytes, statistics.WrittenBytes, statistics.Failures));
    }

    [Fact]
    public async Task Commands_and_words_allocate_nothing()
    {
        var storage = BioStorages.Numbered(200);
        storage.Log = null;
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        var commands = new[] { Dma | Read, Dma | Write, Read, Write };
        var allocated = long.MaxValue;
        for (var round = 0; round < 5 && allocated != 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var command in commands)
            {
                bench.ResetAndSet(1, 3, 66, Buffer);
                bench.Command(command);
                for (var i = 0; i < 66 * 256 && (command & Dma) == 0; i++)
                {
                    if (command == Read)
                    {
                        bench.Read(BioRegister.Data);
                    }
                    else
                    {
                        bench.Write(BioRegister.Data, 1);
                    }
                }
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated);
    }

    // With real threads: harts command and reset at any time, also while the worker copies.
    [Fact]
    public async Task Commands_that_are_reset_while_the_worker_copies_write_no_byte_afterwards()
    {
        var failures = new List<Exception>();
        WriteWatchingGuestMemory watch = null!;
        await using var bench = new BioTestBench(
            [new BioDisk(1, BioStorages.Numbered(Blocks))], wrap: ram => watch = new WriteWatchingGuestMemory(ram),
            executor: new ThreadExecutor(failures.Add));
        var random = new Random(3);
        for (var round = 0; round < 300; round++)
        {
            watch.Allow();
            await Wait(bench.Begin(BioRegister.Status, (uint)SoftReset));
            bench.Begin(BioRegister.Sid, 1);
            bench.Begin(BioRegister.Count, 2000);
            bench.Begin(BioRegister.Address, Buffer);
            var command = bench.Begin(BioRegister.Status, (uint)(Dma | Read));
            Thread.SpinWait(random.Next(20_000));
            await Wait(bench.Begin(BioRegister.Status, (uint)SoftReset));
            watch.Forbid();
            Assert.True(command.Pending!.IsCompleted);
            Thread.SpinWait(random.Next(2000));
            Assert.Empty(watch.ForbiddenWrites);
        }

        Assert.Empty(failures);
    }

    private static async Task Wait(BusResult result)
    {
        if (result.Pending is { } pending)
        {
            var done = new TaskCompletionSource();
            pending.OnCompleted(done.SetResult);
            await done.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
    }

    // Lets so many accesses to the storage happen, and moves words as long as that needs none.
    private static void Pump(BioTestBench bench, ScriptedStorage storage, BioStatus command, int point, List<BusResult> waiting)
    {
        for (var step = 0; step <= point; step++)
        {
            bench.Workers.RunPending();
            for (var i = 0; i < 64 * 256 && storage.HeldCount == 0 && (command & Dma) == 0; i++)
            {
                waiting.Add(command == Read ? bench.BeginRead(BioRegister.Data, out _) : bench.Begin(BioRegister.Data, 5));
                bench.Workers.RunPending();
            }

            if (step < point)
            {
                storage.TryRelease(0);
                bench.Workers.RunPending();
            }
        }
    }

    private sealed class ThrowingStorage(uint sid) : BioStorage(sid, 1 << 20)
    {
        protected override (long OffsetBytes, long LengthBytes) Place(uint start, uint count) =>
            start == 0 ? throw new InvalidOperationException("place") : base.Place(start, count);

        protected override ValueTask<BlockResult> DoReadBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("read");

        protected override ValueTask<BlockResult> DoWriteBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("write");
    }
}
