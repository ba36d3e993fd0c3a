using Eider.Devices.Interrupts;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Time;

namespace Eider.Devices.Tests.Interrupts;

/// <summary>The core-local interruptor: SiFive FU540 manual, chapter "CLINT".</summary>
public sealed class ClintTests : IDisposable
{
    private const ulong Mtimecmp = 0x4000;
    private const ulong Mtime = 0xBFF8;

    private readonly HartPins[] _pins = [new(), new()];
    private readonly VirtualTimebase _time = new();
    private readonly Clint _clint;

    public ClintTests() => _clint = new Clint(_pins, _time);

    public void Dispose() => _clint.Dispose();

    [Fact]
    public void Msip_drives_the_software_interrupt_of_its_hart_by_bit_0_alone()
    {
        _clint.Write32(4, 0xFFFF_FFFF);
        Assert.Equal(1U, _clint.Read32(4));
        Assert.Equal(0U, _pins[0].Levels);
        Assert.Equal(1U << (int)HartPin.Msip, _pins[1].Levels);
        _clint.Write32(4, 0xFFFF_FFFE);
        Assert.Equal(0U, _pins[1].Levels);
    }

    [Fact]
    public void Mtip_is_high_exactly_while_mtime_has_reached_mtimecmp()
    {
        _clint.Write64(Mtimecmp, 100);
        Assert.Equal(100UL, _time.NextDeadline);
        _time.Advance(99);
        _time.RunDueTimers();
        Assert.Equal(0U, _pins[0].Levels);
        _time.Advance(1);
        _time.RunDueTimers();
        Assert.Equal(1U << (int)HartPin.Mtip, _pins[0].Levels);
        _clint.Write64(Mtimecmp, 101);
        Assert.Equal(0U, _pins[0].Levels);
        _clint.Write64(Mtimecmp, 0);
        Assert.Equal(1U << (int)HartPin.Mtip, _pins[0].Levels);
    }

    [Fact]
    public void After_reset_no_timer_is_due()
    {
        _time.Advance(1_000_000);
        _clint.Write64(Mtimecmp, 0);
        _clint.Write32(0, 1);
        _clint.Reset();
        Assert.Equal(0U, _pins[0].Levels);
        Assert.Equal(ulong.MaxValue, _clint.Read64(Mtimecmp));
        Assert.Equal(ulong.MaxValue, _time.NextDeadline);
    }

    // The sequence that the manual gives for 32-bit software: no spurious interrupt on the way.
    [Fact]
    public void Mtimecmp_and_mtime_take_two_32_bit_halves()
    {
        _time.AdvanceTo(0x2_0000_0005);
        _clint.Write32(Mtimecmp + 8, 0xFFFF_FFFF);
        _clint.Write32(Mtimecmp + 12, 2);
        _clint.Write32(Mtimecmp + 8, 6);
        Assert.Equal(0U, _pins[1].Levels);
        Assert.Equal(0x2_0000_0006UL, _clint.Read64(Mtimecmp + 8));
        Assert.Equal(2U, _clint.Read32(Mtimecmp + 12));
        Assert.Equal(5U, _clint.Read32(Mtime));
        Assert.Equal(2U, _clint.Read32(Mtime + 4));
        Assert.Equal(0x2_0000_0005UL, _clint.Read64(Mtime));
        _time.Advance(1);
        _time.RunDueTimers();
        Assert.Equal(1U << (int)HartPin.Mtip, _pins[1].Levels);
    }

    [Fact]
    public void Mtime_is_the_machines_timebase_and_drops_writes()
    {
        _time.Advance(7);
        _clint.Write64(Mtime, 1_000);
        Assert.Equal(7UL, _clint.Read64(Mtime));
    }

    [Fact]
    public void Harts_that_do_not_exist_read_0_and_wrong_widths_are_refused()
    {
        var data = new byte[8];
        _clint.Write32(4 * 100, 1);
        Assert.Equal(0U, _clint.Read32(4 * 100));
        _clint.Write64(Mtimecmp + (8 * 4000), 1);
        Assert.Equal(0UL, _clint.Read64(Mtimecmp + (8 * 4000)));
        Assert.Equal(BusStatus.InvalidSize, _clint.Read(0UL, 0UL, data.AsSpan(0, 8)).Status);
        Assert.Equal(BusStatus.InvalidSize, _clint.Read(0UL, Mtime, data.AsSpan(0, 2)).Status);
        Assert.Equal(BusStatus.Unaligned, _clint.Read(0UL, Mtimecmp + 4, data).Status);
    }

    [Fact]
    public void Whatever_the_guest_sends_is_answered() => _clint.AssertAnyAccessIsAnswered(Clint.SizeBytes, seed: 2);
}
