using System.Reflection;
using System.Text.RegularExpressions;
using Eider.Devices.SimpleVirtio;
using Eider.Storage.Backends;
using Eider.Testing;
using Eider.Testing.SimpleVirtio;
using static Eider.Devices.Tests.SimpleVirtio.SvirtbDisks;

namespace Eider.Devices.Tests.SimpleVirtio;

/// <summary>Simple VirtIO Block, sections 1.2 to 3: a test for each MUST and SHOULD, and for what they lead to.</summary>
public sealed partial class SvirtbDocumentTests
{
    private const uint QueueSize = 8;

    [Fact]
    public async Task Svirtb_1_2_Structures_have_no_padding_at_stride_28()
    {
        var storage = Numbered(4);
        await using var bench = new SvirtbBench(storage, disk => disk with { StrideBytes = 28 });
        bench.Start(QueueSize);
        bench.Fill(0, Buffer(0), 512, 3, 0);
        bench.Fill(1, Buffer(1), 512, 1, 0);
        bench.Write(SvirtbRegister.QueueHead, 2);

        Assert.Equal(storage.Content[(3 * 512)..], bench.Memory(Buffer(0), 512));
        Assert.Equal(storage.Content[512..1024], bench.Memory(Buffer(1), 512));
        Assert.Equal((2u, SvirtbStatus.Ready), (bench.Tail, bench.Status));
    }

    [Fact]
    public async Task Svirtb_1_2_Entries_lie_32_bytes_apart_as_compiled_unless_told_otherwise()
    {
        var storage = Numbered(4);
        await using var bench = new SvirtbBench(storage);
        Assert.Equal(32, new SvirtbDisk { Storage = storage }.StrideBytes);
        bench.Start(QueueSize);
        bench.Ram.TryWrite(SvirtbBench.Ring, new byte[64]);
        bench.Ram.TryWriteUInt64(SvirtbBench.Ring + 32, Buffer(1));
        bench.Ram.TryWriteUInt64(SvirtbBench.Ring + 40, 512);
        bench.Ram.TryWriteUInt64(SvirtbBench.Ring + 48, 2);
        bench.Write(SvirtbRegister.QueueHead, 2); // entry 0 is all zeroes: nothing is read to address 0

        Assert.Equal(storage.Content[1024..1536], bench.Memory(Buffer(1), 512));
    }

    [Fact]
    public async Task Svirtb_1_2_Fields_are_little_endian()
    {
        var storage = Numbered(600);
        await using var bench = new SvirtbBench(storage);
        var magic = new byte[4];
        bench.Device.Read(0, 0, magic);
        Assert.Equal("virt"u8.ToArray(), magic);
        bench.Start(QueueSize);
        byte[] entry = [0, 0, 0x20, 0x80, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bench.Ram.TryWrite(SvirtbBench.Ring, entry);
        bench.Device.Write(0, (ulong)SvirtbRegister.QueueHead, [1, 0, 0, 0]);
        bench.Workers.RunPending();

        Assert.Equal(storage.Content[(0x201 * 512)..(0x202 * 512)], bench.Memory(0x8020_0000, 512));
    }

    [Fact]
    public async Task Svirtb_2_The_driver_must_not_update_the_tail()
    {
        await using var bench = new SvirtbBench(Numbered(4));
        bench.Write(SvirtbRegister.QueueTail, 3);
        bench.Write(SvirtbStatus.DriverOk);
        bench.Write(SvirtbRegister.QueueTail, 3);
        Assert.Equal((0u, SvirtbStatus.DriverOk), (bench.Tail, bench.Status));
        bench.Describe(QueueSize);
        bench.Write(SvirtbStatus.Ready);
        bench.Write(SvirtbRegister.QueueTail, 3);
        Assert.Equal((0u, 0u, SvirtbStatus.Ready), (bench.Tail, bench.Head, bench.Status));
    }

    [Fact]
    public async Task Svirtb_2_The_device_must_not_update_the_head()
    {
        await using var bench = new SvirtbBench(Numbered(4));
        bench.Start(QueueSize);
        bench.Fill(0, Buffer(0), 512, 0, 0);
        bench.Fill(1, 0, 512, 0, 0); // no RAM
        bench.Write(SvirtbRegister.QueueHead, 1);
        Assert.Equal((1u, 1u), (bench.Head, bench.Tail));
        bench.Write(SvirtbRegister.QueueHead, 2);
        Assert.Equal((2u, 1u, SvirtbStatus.Reset), (bench.Head, bench.Tail, bench.Status));
    }

    [Fact]
    public async Task Svirtb_2_1_1_The_driver_must_update_the_status_step_by_step()
    {
        await using var bench = new SvirtbBench(Numbered(4));
        Assert.Equal(SvirtbStatus.Magic, bench.Status);
        bench.Write(SvirtbStatus.DriverOk);
        Assert.Equal(SvirtbStatus.DriverOk, bench.Status);
        bench.Describe(QueueSize);
        bench.Write(SvirtbStatus.Ready);
        Assert.Equal(SvirtbStatus.Ready, bench.Status);
        bench.Write(SvirtbStatus.Ready);
        Assert.Equal(SvirtbStatus.Ready, bench.Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Svirtb_2_1_1_The_driver_must_not_set_the_status_to_magic(int steps)
    {
        await using var bench = new SvirtbBench(Numbered(4));
        Go(bench, steps);
        bench.Write(SvirtbStatus.Magic);
        AssertDead(bench);
    }

    [Fact]
    public async Task Svirtb_2_1_1_The_driver_must_fill_the_fields_of_the_ring_after_DRIVER_OK()
    {
        await using var bench = new SvirtbBench(Numbered(4));
        bench.Describe(QueueSize);
        Assert.Equal((0u, 0u), (bench.Read(SvirtbRegister.QueueSize), bench.Read(SvirtbRegister.QueueAddrLo)));
        bench.Write(SvirtbStatus.DriverOk);
        bench.Describe(QueueSize, 0x1_8000_1000);
        Assert.Equal(
            (QueueSize, 1u, 0x8000_1000u),
            (bench.Read(SvirtbRegister.QueueSize), bench.Read(SvirtbRegister.QueueAddrHi), bench.Read(SvirtbRegister.QueueAddrLo)));
        bench.Describe(QueueSize);
        bench.Write(SvirtbStatus.Ready);
        bench.Describe(3, 0);
        Assert.Equal((QueueSize, SvirtbStatus.Ready), (bench.Read(SvirtbRegister.QueueSize), bench.Status));
    }

    [Fact]
    public async Task Svirtb_2_1_2_The_device_must_initialize_the_status_to_the_magic_upon_start()
    {
        await using var bench = new SvirtbBench(Numbered(4));
        Assert.Equal(0x7472_6976u, bench.Read(SvirtbRegister.Status));
        foreach (var register in Enum.GetValues<SvirtbRegister>().Where(register => register != SvirtbRegister.Status))
        {
            Assert.Equal(0u, bench.Read(register));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Svirtb_2_1_2_The_device_must_initialize_the_status_to_the_magic_upon_reset(int steps)
    {
        await using var bench = new SvirtbBench(Numbered(4));
        Go(bench, steps);
        bench.Write(SvirtbStatus.Reset);
        Assert.Equal(SvirtbStatus.Magic, bench.Status);
        Assert.All(Enum.GetValues<SvirtbRegister>()[1..], register => Assert.Equal(0u, bench.Read(register)));
        Assert.Equal((0u, 0u), (bench.Head, bench.Tail));
        AssertReads(bench);
    }

    [Theory]
    [InlineData(0u, SvirtbBench.Ring, false)]
    [InlineData(1u, SvirtbBench.Ring, true)]
    [InlineData(3u, SvirtbBench.Ring, true)]
    [InlineData(4096u, SvirtbBench.Ring, true)]
    [InlineData((uint)SvirtbLimits.MaxQueueSize, SvirtbBench.Ring, true)]
    [InlineData((uint)(SvirtbLimits.MaxQueueSize + 1), SvirtbBench.Ring, false)]
    [InlineData(uint.MaxValue, SvirtbBench.Ring, false)]
    [InlineData(8u, SvirtbBench.Ring + 4, false)]
    [InlineData(8u, 0UL, false)]
    [InlineData(8u, 0xCAFE_0000UL, false)]
    [InlineData(8u, SvirtbBench.RamBase + SvirtbBench.RamBytes - (8 * 32), true)]
    [InlineData(9u, SvirtbBench.RamBase + SvirtbBench.RamBytes - (8 * 32), false)]
    [InlineData(8u, 0xFFFF_FFFF_FFFF_FFF8UL, false)]
    public async Task Svirtb_2_1_2_Ready_must_be_enabled_after_the_ring_was_validated(uint size, ulong address, bool isGood)
    {
        await using var bench = new SvirtbBench(Numbered(4));
        bench.Start(size, address);
        if (isGood)
        {
            Assert.Equal(SvirtbStatus.Ready, bench.Status);
        }
        else
        {
            AssertDead(bench);
        }
    }

    [Theory]
    [InlineData(SvirtbBench.Buffers, 512UL, 0UL, 2u)]
    [InlineData(SvirtbBench.Buffers, 512UL, 0UL, uint.MaxValue)]
    [InlineData(0UL, 512UL, 0UL, 0u)]
    [InlineData(SvirtbBench.RamBase + SvirtbBench.RamBytes - 511, 512UL, 0UL, 0u)]
    [InlineData(SvirtbBench.RamBase + SvirtbBench.RamBytes - 511, 512UL, 0UL, 1u)]
    [InlineData(ulong.MaxValue, 512UL, 0UL, 0u)]
    [InlineData(SvirtbBench.Buffers, ulong.MaxValue, 0UL, 1u)]
    [InlineData(0xCAFE_0000UL, 4UL, 0UL, 1u)]
    [InlineData(0UL, 512UL, 100UL, 0u)] // also where nothing would be moved
    [InlineData(SvirtbBench.Buffers, 512UL, 1UL << 55, 0u)] // sector times 512 does not fit
    public async Task Svirtb_2_1_2_The_device_should_set_reset_when_it_enters_an_error_state(
        ulong address, ulong size, ulong sector, uint command)
    {
        var storage = Numbered(4);
        await using var bench = new SvirtbBench(storage);
        bench.Start(QueueSize);
        bench.Fill(0, Buffer(0), 512, 1, 0);
        bench.Fill(1, address, size, sector, command);
        bench.Fill(2, Buffer(2), 512, 1, 0);
        bench.Write(SvirtbRegister.QueueHead, 3);

        Assert.Equal(1u, bench.Tail); // what came before was done, what comes behind is not
        Assert.Equal(storage.Content[512..1024], bench.Memory(Buffer(0), 512));
        Assert.Equal(new byte[512], bench.Memory(Buffer(2), 512));
        AssertDead(bench);
    }

    [Fact]
    public async Task Svirtb_2_1_2_The_device_should_set_reset_when_the_host_fails_or_cannot_be_written()
    {
        var storage = Numbered(4);
        var failures = new List<string>();
        await using var bench = new SvirtbBench(storage, disk => disk with { HostFailed = failure => failures.Add(failure.Message) });
        bench.Start(QueueSize);
        storage.Failure = _ => new IOException("the host is broken");
        bench.Fill(0, Buffer(0), 512, 1, 0);
        bench.Write(SvirtbRegister.QueueHead, 1);
        Assert.Equal(0u, bench.Tail);
        Assert.Contains("the host is broken", Assert.Single(failures), StringComparison.Ordinal);
        AssertDead(bench);

        await using var readOnly = new SvirtbBench(new MemoryStorage(2048), disk => disk with { ReadOnly = true });
        readOnly.Start(QueueSize);
        readOnly.Fill(0, Buffer(0), 512, 1, 1);
        readOnly.Write(SvirtbRegister.QueueHead, 1);
        AssertDead(readOnly);
    }

    [Theory]
    [InlineData(QueueSize)]
    [InlineData(uint.MaxValue)]
    public async Task Svirtb_2_1_2_The_device_should_set_reset_when_the_head_is_not_in_the_ring(uint head)
    {
        await using var bench = new SvirtbBench(Numbered(4));
        bench.Start(QueueSize);
        bench.Write(SvirtbRegister.QueueHead, head);
        Assert.Equal((0u, 0u), (bench.Head, bench.Tail));
        AssertDead(bench);
    }

    [Theory]
    [InlineData(3u)]
    [InlineData(0x8000_0000u)]
    [InlineData(uint.MaxValue)]
    public async Task Svirtb_2_1_2_The_device_should_set_reset_when_an_unknown_status_is_written(uint value)
    {
        for (var steps = 0; steps < 3; steps++)
        {
            await using var bench = new SvirtbBench(Numbered(4));
            Go(bench, steps);
            bench.Write(SvirtbRegister.Status, value);
            AssertDead(bench);
        }
    }

    [Fact]
    public async Task Svirtb_2_2_Entries_are_done_in_order_and_the_tail_tells_the_last_one()
    {
        var storage = Numbered(4);
        await using var bench = new SvirtbBench(storage);
        bench.Start(QueueSize);
        bench.Ram.TryWrite(Buffer(0), Enumerable.Repeat((byte)0x77, 512).ToArray());
        bench.Fill(0, Buffer(1), 512, 2, 0);
        bench.Fill(1, Buffer(0), 512, 2, 1);
        bench.Fill(2, Buffer(2), 512, 2, 0);
        var before = storage.Content[1024..1536];
        bench.Write(SvirtbRegister.QueueHead, 3);

        Assert.Equal(["Read 2+1", "Write 2+1", "Read 2+1"], storage.Log!);
        Assert.Equal(before, bench.Memory(Buffer(1), 512));
        Assert.Equal(bench.Memory(Buffer(0), 512), bench.Memory(Buffer(2), 512));
        Assert.Equal((3u, 3u), (bench.Head, bench.Tail));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(513)]
    [InlineData(1500)]
    [InlineData(300_000)]
    public async Task Svirtb_2_2_1_An_entry_moves_as_much_as_its_size_says_either_way(int size)
    {
        var storage = Numbered(1024);
        await using var bench = new SvirtbBench(storage);
        bench.Start(QueueSize);
        var pattern = Random.Shared.GetItems<byte>([1, 2, 3, 4, 5], size);
        bench.Ram.TryWrite(Buffer(0) + 3, pattern);
        bench.Fill(0, Buffer(0) + 3, (ulong)size, 5, (uint)SvirtbCommand.Write);
        bench.Fill(1, Buffer(2000) + 1, (ulong)size, 5, (uint)SvirtbCommand.Read);
        var expected = Numbered(1024).Content;
        pattern.CopyTo(expected, 5 * 512);
        bench.Write(SvirtbRegister.QueueHead, 2);

        Assert.Equal(expected, storage.Content);
        Assert.Equal(pattern, bench.Memory(Buffer(2000) + 1, size));
        Assert.Equal(0, bench.Memory(Buffer(2000) + 1 + (ulong)size, 1)[0]);
    }

    [Theory]
    [InlineData(0, SvirtbStatus.Ready)]
    [InlineData(2, SvirtbStatus.DriverOk)]
    public async Task Svirtb_3_The_driver_must_follow_the_sequence(int steps, SvirtbStatus written)
    {
        await using var bench = new SvirtbBench(Numbered(4));
        Go(bench, steps);
        bench.Write(written);
        AssertDead(bench);
    }

    [Theory]
    [InlineData(0, 0u)]
    [InlineData(0, 1u)]
    [InlineData(1, 0u)]
    [InlineData(1, 1u)]
    public async Task Svirtb_3_The_driver_must_not_notify_before_READY(int steps, uint head)
    {
        await using var bench = new SvirtbBench(Numbered(4));
        Go(bench, steps);
        bench.Write(SvirtbRegister.QueueHead, head);
        AssertDead(bench);
    }

    [Fact]
    public void Every_test_of_the_document_stands_in_the_table_and_the_other_way_round()
    {
        var tests = typeof(SvirtbDocumentTests).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Select(method => method.Name).Where(name => name.StartsWith("Svirtb_", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        var rows = ProjectTree.Read("docs/devices/svirtb.md").Split('\n')
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .SelectMany(line => TestName().Matches(line).Select(match => (Section: line.Split('|')[1].Trim(), Test: match.Groups[1].Value))).ToArray();

        Assert.Equal(tests, rows.Select(row => row.Test).Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.StartsWith($"Svirtb_{row.Section.Replace('.', '_')}_", row.Test, StringComparison.Ordinal));
    }

    [GeneratedRegex("`(Svirtb_[A-Za-z0-9_]+)`")]
    private static partial Regex TestName();

    private static void Go(SvirtbBench bench, int steps)
    {
        switch (steps)
        {
            case 1:
                bench.Write(SvirtbStatus.DriverOk);
                break;
            case 2:
                bench.Start(QueueSize);
                break;
            case 3:
                bench.Write(SvirtbStatus.Magic);
                break;
        }
    }

    // RESET, and nothing but RESET brings it back.
    private static void AssertDead(SvirtbBench bench)
    {
        Assert.Equal(SvirtbStatus.Reset, bench.Status);
        var (head, tail) = (bench.Head, bench.Tail);
        bench.Start(QueueSize);
        bench.Fill(0, Buffer(9), 512, 1, 0);
        bench.Write(SvirtbRegister.QueueHead, 1);
        Assert.Equal((SvirtbStatus.Reset, head, tail), (bench.Status, bench.Head, bench.Tail));
        Assert.Equal(new byte[512], bench.Memory(Buffer(9), 512));
        bench.Write(SvirtbStatus.Reset);
        Assert.Equal((SvirtbStatus.Magic, 0u, 0u), (bench.Status, bench.Head, bench.Tail));
    }

    private static void AssertReads(SvirtbBench bench)
    {
        bench.Start(QueueSize);
        bench.Fill(0, Buffer(9), 512, 1, 0);
        bench.Write(SvirtbRegister.QueueHead, 1);
        Assert.Equal(1u, bench.Tail);
        Assert.Equal(Numbered(4).Content[512..1024], bench.Memory(Buffer(9), 512));
    }
}
