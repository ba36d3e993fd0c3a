using Eider.Devices.Tests.Virtio.Block;
using Eider.Hardware.Time;
using Eider.Testing.Ide;
using Eider.Testing.Memory;

namespace Eider.Devices.Tests.Ide;

/// <summary>Resets and stops while the storage is at work: nothing of the old life is written or signalled.</summary>
public sealed class IdeResetTests
{
    private const uint Table = (uint)IdeTestBench.RamBase;
    private const uint Memory = (uint)IdeTestBench.RamBase + 0x10_0000;
    private const int FirstSector = 1000;
    private const int Count = 600; // three chunks

    public enum Ending
    {
        SoftReset,
        StopBusMaster,
        ResetLine,
        Disposal,
    }

    public static TheoryData<byte, Ending, int, bool> Points()
    {
        var data = new TheoryData<byte, Ending, int, bool>();
        foreach (var command in new byte[] { 0x25, 0x35, 0x3D, 0x24, 0x34, 0x42 })
        {
            foreach (var ending in Enum.GetValues<Ending>())
            {
                var hasBusMaster = command is 0x25 or 0x35 or 0x3D;
                for (var point = 0; point < 4 && (hasBusMaster || ending != Ending.StopBusMaster); point++)
                {
                    data.Add(command, ending, point, false);
                    data.Add(command, ending, point, true);
                }
            }
        }

        return data;
    }

    // CVE-2023-5088 wrote to sector 0 here.
    [Theory]
    [MemberData(nameof(Points))]
    public async Task Ended_at_any_point_nothing_old_is_written_and_no_old_interrupt_comes(
        byte command, Ending ending, int point, bool ignoresCancellation)
    {
        var storage = IdeDisks.Numbered();
        storage.Holds = true;
        storage.IgnoresCancellation = ignoresCancellation;
        WriteWatchingGuestMemory watch = null!;
        await using var bench = new IdeTestBench(IdeDisks.Disk(storage), wrap: ram => watch = new WriteWatchingGuestMemory(ram));
        Begin(bench, command);
        Pump(bench, storage, point);
        watch.Forbid();
        bench.In(IdeDriver.Status);
        var rises = bench.Line.Rises;
        var disposal = End(bench, ending);
        bench.Settle();
        if (ending == Ending.SoftReset)
        {
            Assert.Equal(storage.HeldCount > 0, (bench.InAlternate() & IdeDriver.Busy) != 0);
        }

        for (var i = 0; i < 10; i++)
        {
            storage.TryRelease(0);
            bench.Settle();
        }

        await disposal;
        Assert.Empty(watch.ForbiddenWrites);
        Assert.Equal(rises, bench.Line.Rises);
        AssertOnlyInside(storage.Content);
        if (ending != Ending.Disposal)
        {
            // And it works again.
            storage.Holds = false;
            Assert.Equal(0x50, bench.In(IdeDriver.Status));
            watch.Allow();
            bench.Send28(0x20, 7, 1);
            Assert.Equal(IdeDisks.Content(1, 7), bench.ReadBlocks(512, 512));
        }
    }

    [Fact]
    public async Task BSY_stays_after_SRST_until_the_storage_has_let_go_so_that_a_new_write_is_the_later_one()
    {
        var storage = IdeDisks.Numbered();
        storage.Holds = true;
        storage.IgnoresCancellation = true;
        await using var bench = IdeDisks.Bench(storage);
        bench.Send28(0x30, 5, 1);
        bench.OutBlock(new byte[512]);
        bench.Settle();
        bench.OutControl(4);
        bench.OutControl(0);
        bench.Settle();
        Assert.Equal(IdeDriver.Busy, bench.In(IdeDriver.Status));
        bench.Send28(0x30, 5, 1); // refused: busy
        storage.Release(0);
        bench.Settle();
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        storage.Holds = false;
        bench.Send28(0x30, 5, 1);
        var data = IdeDisks.Content(1, 99);
        bench.WriteBlocks(512, data);
        Assert.Equal(data, storage.Content.AsSpan(5 * 512, 512).ToArray());
    }

    [Fact]
    public async Task A_stopped_bus_master_ends_the_command_without_an_interrupt()
    {
        var storage = IdeDisks.Numbered();
        storage.Holds = true;
        await using var bench = IdeDisks.Bench(storage);
        Begin(bench, 0x25);
        bench.Settle();
        bench.StopBusMaster();
        Assert.Equal(0, bench.InBusMaster(2));
        bench.Settle();
        Assert.Equal((0x50, false), (bench.InAlternate(), bench.IsInterrupting));
        storage.Holds = false;
        Begin(bench, 0x25);
        bench.Settle();
        Assert.Equal(0x04, bench.InBusMaster(2));
    }

    // With real threads: a hart ends transfers at any time, also while the worker copies.
    [Fact]
    public async Task Transfers_that_are_stopped_while_the_worker_copies_write_no_byte_afterwards()
    {
        var failures = new List<Exception>();
        WriteWatchingGuestMemory watch = null!;
        var storage = new SparseStorage(1 << 20);
        await using var bench = new IdeTestBench(
            IdeDisks.Disk(storage), wrap: ram => watch = new WriteWatchingGuestMemory(ram),
            executor: new ThreadExecutor(failures.Add));
        var random = new Random(3);
        for (var round = 0; round < 500; round++)
        {
            watch.Allow();
            Begin(bench, 0x25);
            Thread.SpinWait(random.Next(20_000));
            if (round % 2 == 0)
            {
                bench.StopBusMaster();
            }
            else
            {
                bench.OutControl(4);
            }

            watch.Forbid();
            bench.StopBusMaster();
            bench.OutControl(0);
            while ((bench.InAlternate() & IdeDriver.Busy) != 0)
            {
                Thread.Yield();
            }

            Assert.Empty(watch.ForbiddenWrites);
            Assert.Equal(0x50, bench.In(IdeDriver.Status));
        }

        Assert.Empty(failures);
    }

    private static void Begin(IdeTestBench bench, byte command)
    {
        var regions = new List<(uint, int)>();
        for (var at = 0; at < Count * 512; at += 0x8000)
        {
            regions.Add((Memory + (uint)at, Math.Min(0x8000, (Count * 512) - at)));
        }

        bench.PrepareTable(Table, [.. regions]);
        bench.OutBusMaster(2, 6);
        bench.Send48(command, FirstSector, Count);
        if (command is 0x25 or 0x35 or 0x3D)
        {
            bench.StartBusMaster(toMemory: command == 0x25);
        }
    }

    // Lets the transfer come to a point: each is one step of the storage or of the host.
    private static void Pump(IdeTestBench bench, ScriptedStorage storage, int point)
    {
        for (var i = 0; i < point; i++)
        {
            bench.Settle();
            if (storage.TryRelease(0))
            {
                bench.Settle();
            }

            if ((bench.InAlternate() & IdeDriver.DataRequest) != 0)
            {
                if (bench.Channel.Core[0]!.State.Phase == Devices.Ide.IdePhase.DataOut)
                {
                    bench.OutBlock(new byte[512]);
                }
                else
                {
                    bench.InBlock(512);
                }
            }
        }

        bench.Settle();
    }

    private static ValueTask End(IdeTestBench bench, Ending ending)
    {
        switch (ending)
        {
            case Ending.SoftReset:
                bench.OutControl(4);
                bench.OutControl(0);
                break;
            case Ending.StopBusMaster:
                bench.StopBusMaster();
                break;
            case Ending.ResetLine:
                bench.Channel.Reset();
                break;
            default:
                return bench.Channel.DisposeAsync();
        }

        return ValueTask.CompletedTask;
    }

    private static void AssertOnlyInside(byte[] content)
    {
        var expected = IdeDisks.Content(IdeDisks.Sectors);
        Assert.Equal(expected.AsSpan(0, FirstSector * 512), content.AsSpan(0, FirstSector * 512));
        Assert.Equal(expected.AsSpan((FirstSector + Count) * 512), content.AsSpan((FirstSector + Count) * 512));
    }
}
