using Eider.Devices.Clock;
using Eider.Devices.Tests.Interrupts;
using Eider.Hardware.Bus;
using Eider.Hardware.Time;

namespace Eider.Devices.Tests.Clock;

/// <summary>The goldfish RTC, driven as Linux's drivers/rtc/rtc-goldfish.c does.</summary>
public sealed class GoldfishRtcTests : IDisposable
{
    private const ulong Epoch = 1_700_000_000_123_456_789;

    private readonly VirtualTimebase _time = new(Epoch);
    private readonly TestLine _line = new();
    private readonly GoldfishRtc _rtc;

    public GoldfishRtcTests() => _rtc = new GoldfishRtc(_time, _line);

    public void Dispose() => _rtc.Dispose();

    [Fact]
    public void Reading_the_low_half_keeps_the_high_half_of_the_same_moment()
    {
        var low = _rtc.Read32(0x00);
        _time.Advance(10_000_000UL * 60); // a minute later the high half is another
        Assert.Equal(Epoch, low | ((ulong)_rtc.Read32(0x04) << 32));
        Assert.Equal(Epoch + 60_000_000_000, Time());
    }

    [Fact]
    public void Setting_the_time_writes_high_then_low_and_runs_on_from_there()
    {
        _rtc.Write32(0x04, 0x1122_3344);
        _rtc.Write32(0x00, 0x5566_7788);
        Assert.Equal(0x1122_3344_5566_7788UL, Time());
        _time.Advance(1); // 100 ns
        Assert.Equal(0x1122_3344_5566_7788UL + 100, Time());
    }

    [Fact]
    public void An_alarm_interrupts_at_its_time_and_not_before()
    {
        SetAlarm(Epoch + 1_000_000_050);
        _rtc.Write32(0x10, 1);
        Assert.Equal(1U, _rtc.Read32(0x18));
        _time.Advance(10_000_000);
        _time.RunDueTimers();
        Assert.False(_line.Level);
        _time.Advance(1);
        _time.RunDueTimers();
        Assert.True(_line.Level);
        Assert.Equal(0U, _rtc.Read32(0x18));
        _rtc.Write32(0x1C, 1);
        Assert.False(_line.Level);
    }

    [Fact]
    public void An_alarm_in_the_past_interrupts_at_once_when_enabled()
    {
        SetAlarm(Epoch - 1);
        Assert.False(_line.Level);
        _rtc.Write32(0x10, 1);
        Assert.True(_line.Level);
        _rtc.Write32(0x10, 0);
        Assert.False(_line.Level);
    }

    [Fact]
    public void A_cleared_alarm_does_not_interrupt()
    {
        _rtc.Write32(0x10, 1);
        SetAlarm(Epoch + 100);
        _rtc.Write32(0x14, 1);
        Assert.Equal(0U, _rtc.Read32(0x18));
        _time.Advance(100);
        _time.RunDueTimers();
        Assert.False(_line.Level);
        Assert.Equal(Epoch + 100, _rtc.Read32(0x08) | ((ulong)_rtc.Read32(0x0C) << 32));
    }

    [Fact]
    public void Setting_the_time_past_an_alarm_fires_it()
    {
        _rtc.Write32(0x10, 1);
        SetAlarm(Epoch + 1_000_000_000_000);
        var late = Epoch + 2_000_000_000_000;
        _rtc.Write32(0x04, (uint)(late >> 32));
        _rtc.Write32(0x00, (uint)(late & uint.MaxValue));
        Assert.True(_line.Level);
    }

    [Fact]
    public void An_alarm_centuries_away_does_not_overflow()
    {
        SetAlarm(ulong.MaxValue);
        Assert.Equal(1U, _rtc.Read32(0x18));
        Assert.False(_line.Level);
    }

    [Fact]
    public void Reset_takes_alarm_interrupt_and_set_time_back()
    {
        _rtc.Write32(0x10, 1);
        _rtc.Write32(0x04, 1);
        _rtc.Write32(0x00, 1);
        SetAlarm(0);
        Assert.True(_line.Level);
        _rtc.Reset();
        Assert.False(_line.Level);
        Assert.Equal(Epoch, Time());
    }

    [Fact]
    public void Wrong_widths_and_places_are_refused()
    {
        var data = new byte[8];
        Assert.Equal(BusStatus.InvalidSize, _rtc.Read(0UL, 0UL, data).Status);
        Assert.Equal(BusStatus.Unaligned, _rtc.Read(0UL, 2UL, data.AsSpan(0, 4)).Status);
        Assert.Equal(BusStatus.InvalidRegister, _rtc.Read(0UL, 0x20UL, data.AsSpan(0, 4)).Status);
    }

    [Fact]
    public void Whatever_the_guest_sends_is_answered() => _rtc.AssertAnyAccessIsAnswered(GoldfishRtc.SizeBytes, seed: 3);

    private ulong Time() => _rtc.Read32(0x00) | ((ulong)_rtc.Read32(0x04) << 32);

    private void SetAlarm(ulong nanoseconds)
    {
        _rtc.Write32(0x0C, (uint)(nanoseconds >> 32));
        _rtc.Write32(0x08, (uint)(nanoseconds & uint.MaxValue));
    }
}
