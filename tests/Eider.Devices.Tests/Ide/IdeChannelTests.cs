using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

public sealed class IdeChannelTests
{
    [Fact]
    public async Task After_power_on_and_SRST_a_disk_shows_its_signature()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        AssertSignature(bench);
        bench.Send28(0x20, 0x123456, 7);
        bench.OutControl(0x04);
        Assert.Equal(IdeDriver.Busy, bench.InAlternate() & IdeDriver.Busy);
        bench.OutControl(0x00);
        AssertSignature(bench);
        Assert.False(bench.IsInterrupting);
    }

    [Fact]
    public async Task Registers_go_to_both_devices_and_keep_the_value_before_the_last_for_HOB()
    {
        await using var bench = new IdeTestBench(IdeDisks.Disk(IdeDisks.Numbered()), IdeDisks.Disk(IdeDisks.Numbered()));
        for (var register = 1; register <= 5; register++)
        {
            bench.Out(register, 0x10 + register);
            bench.Out(register, 0x20 + register);
        }

        foreach (var unit in new[] { 0, 1 })
        {
            bench.Select(unit);
            bench.OutControl(0x80);
            for (var register = 1; register <= 5; register++)
            {
                Assert.Equal(0x10 + register, bench.In(register));
            }

            bench.Out(1, 0x11); // any write to the command block clears HOB
            bench.Out(1, 0x21);
            for (var register = 2; register <= 5; register++)
            {
                Assert.Equal(0x20 + register, bench.In(register));
            }
        }
    }

    [Fact]
    public async Task Writes_are_ignored_while_the_device_is_busy_or_waits_for_data()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0x20, 5, 1);
        bench.Out(IdeDriver.Low, 0x77);
        bench.Out(IdeDriver.Device, 0xF0);
        bench.Out(IdeDriver.Command, 0xEC);
        bench.Settle();
        bench.Out(IdeDriver.Count, 0x77);
        bench.Out(IdeDriver.Command, 0xEC);
        bench.Out(IdeDriver.Command, 0x08); // DEVICE RESET is for packet devices
        bench.Out(IdeDriver.Command, 0x90);
        Assert.Equal(IdeDisks.Content(1, 5), bench.InBlock(512));
        Assert.Equal((6, 0), (bench.In(IdeDriver.Low), bench.In(IdeDriver.Count)));
    }

    [Fact]
    public async Task NIEN_releases_the_line_and_what_is_pending_shows_when_it_is_cleared()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.OutControl(0x02);
        bench.Send28(0xEC);
        Assert.False(bench.IsInterrupting);
        bench.OutControl(0x00);
        Assert.True(bench.IsInterrupting);
        bench.OutControl(0x02);
        Assert.False(bench.IsInterrupting);
        bench.In(IdeDriver.Status);
        bench.OutControl(0x00);
        Assert.False(bench.IsInterrupting);
    }

    [Fact]
    public async Task Only_the_selected_device_drives_the_line()
    {
        await using var bench = new IdeTestBench(IdeDisks.Disk(IdeDisks.Numbered()), IdeDisks.Disk(IdeDisks.Numbered()));
        bench.Send28(0xE5);
        Assert.True(bench.IsInterrupting);
        bench.Select(1);
        Assert.False(bench.IsInterrupting);
        bench.Select(0);
        Assert.True(bench.IsInterrupting);
        bench.In(IdeDriver.Status);
        Assert.False(bench.IsInterrupting);
    }

    [Fact]
    public async Task Execute_device_diagnostic_reaches_both_devices_and_selects_device_0()
    {
        await using var bench = new IdeTestBench(IdeDisks.Disk(IdeDisks.Numbered()), IdeDisks.Disk(IdeDisks.Numbered()));
        bench.Select(1);
        bench.Out(IdeDriver.Low, 0x55);
        bench.Out(IdeDriver.Command, 0x90);
        Assert.True(bench.IsInterrupting);
        AssertSignature(bench);
        bench.Select(1);
        Assert.Equal((1, 1, 0x01), (bench.In(IdeDriver.Low), bench.In(IdeDriver.Count), bench.In(IdeDriver.Error)));
    }

    [Fact]
    public async Task A_missing_device_1_reads_as_zero_and_takes_no_command()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Select(1);
        for (var register = 1; register <= 7; register++)
        {
            Assert.Equal(0, bench.In(register));
        }

        Assert.Equal((0, 0), (bench.InAlternate(), bench.InWord()));
        bench.Out(IdeDriver.Command, 0xEC);
        bench.Settle();
        Assert.Equal(0, bench.In(IdeDriver.Status));
        Assert.False(bench.IsInterrupting);
        bench.Select(0);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
    }

    [Fact]
    public async Task A_cable_without_devices_floats_with_BSY_off_and_takes_every_write()
    {
        await using var bench = new IdeTestBench(null);
        foreach (var unit in new[] { 0, 1 })
        {
            bench.Select(unit);
            for (var register = 1; register <= 7; register++)
            {
                bench.Out(register, 0xEC);
                Assert.Equal(0x7F, bench.In(register));
            }

            Assert.Equal((0x7F, 0xFF7F), (bench.InAlternate(), bench.InWord()));
            bench.OutControl(0x04);
            bench.OutControl(0x00);
            bench.OutWord(0x1234);
            Assert.False(bench.IsInterrupting);
        }
    }

    [Fact]
    public async Task Device_1_alone_works()
    {
        await using var bench = new IdeTestBench(null, IdeDisks.Disk(IdeDisks.Numbered()));
        Assert.Equal(0x7F, bench.In(IdeDriver.Status));
        bench.Send28(0x20, 3, 1, unit: 1);
        Assert.Equal(IdeDisks.Content(1, 3), bench.ReadBlocks(512, 512));
        bench.Out(IdeDriver.Command, 0x90);
        bench.Select(1);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
    }

    [Fact]
    public async Task The_reset_line_brings_back_the_state_after_power_on()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.OutControl(0x02);
        bench.Send28(0xC6, 0, 4);
        bench.Send28(0x66 + 0x89, features: 0x66);
        bench.OutTable(0x8000_1000);
        bench.Send28(0x20, 5, 1);
        bench.Channel.Reset();
        bench.Settle();
        AssertSignature(bench);
        Assert.Equal((0, 0), (bench.InBusMaster(0), bench.InBusMaster(5)));
        bench.Send28(0xEC);
        Assert.True(bench.IsInterrupting); // nIEN is off again
        Assert.Equal(0x0110, BitConverter.ToUInt16(bench.InBlock(512), 59 * 2));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 8)]
    [InlineData(3, 2)]
    [InlineData(7, 4)]
    public async Task Widths_that_a_register_does_not_take_are_refused(int register, int width)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        Assert.Equal(Hardware.Bus.BusStatus.InvalidSize, bench.Channel.ReadCommandBlock(register, new byte[width]));
        Assert.Equal(Hardware.Bus.BusStatus.InvalidSize, bench.Channel.WriteCommandBlock(register, new byte[width]));
        Assert.Equal(Hardware.Bus.BusStatus.InvalidRegister, bench.Channel.ReadCommandBlock(8, new byte[1]));
    }

    [Theory]
    [InlineData(0, "serial", 21)]
    [InlineData(1, "model", 41)]
    [InlineData(2, "firmware", 9)]
    public void Texts_that_do_not_fit_are_refused(int which, string what, int length)
    {
        var disk = IdeDisks.Disk(IdeDisks.Numbered());
        var text = new string('x', length);
        disk = which switch { 0 => disk with { Serial = text }, 1 => disk with { Model = text }, _ => disk with { Firmware = text } };
        var refusal = Assert.Throws<ArgumentException>(() => new IdeTestBench(disk));
        Assert.Contains($"{what} '{text}' has {length} characters; expected at most {length - 1}", refusal.Message, StringComparison.Ordinal);
    }

    private static void AssertSignature(IdeDriver bench)
    {
        Assert.Equal(0x01, bench.In(IdeDriver.Error));
        Assert.Equal((1, 1, 0, 0), (bench.In(IdeDriver.Count), bench.In(IdeDriver.Low), bench.In(IdeDriver.Mid), bench.In(IdeDriver.High)));
        Assert.Equal((0xA0, 0x50), (bench.In(IdeDriver.Device), bench.In(IdeDriver.Status)));
    }
}
