using Eider.Hardware.Time;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Time;

public sealed class TimebaseTests
{
    private readonly VirtualTimebase _time = new();
    private readonly List<string> _fired = [];

    [Fact]
    public void A_timer_fires_once_at_the_first_look_at_or_after_its_deadline()
    {
        var timer = Make("a");
        timer.Arm(10);
        Assert.Equal(10UL, _time.NextDeadline);
        _time.Advance(9);
        _time.RunDueTimers();
        Assert.Empty(_fired);
        _time.Advance(1);
        _time.RunDueTimers();
        _time.RunDueTimers();
        Assert.Equal(["a"], _fired);
        Assert.Equal(ulong.MaxValue, _time.NextDeadline);
    }

    [Fact]
    public void Due_timers_fire_in_the_order_of_their_deadlines()
    {
        Make("c").Arm(30);
        Make("a").Arm(10);
        Make("b").Arm(20);
        _time.AdvanceTo(30);
        _time.RunDueTimers();
        Assert.Equal(["a", "b", "c"], _fired);
    }

    [Fact]
    public void A_timer_that_arms_itself_in_the_past_fires_at_the_next_look()
    {
        TimebaseTimer? timer = null;
        timer = _time.CreateTimer(() =>
        {
            _fired.Add("again");
            timer!.Arm(0);
        });
        timer.Arm(0);
        _time.RunDueTimers();
        Assert.Single(_fired);
        _time.RunDueTimers();
        Assert.Equal(2, _fired.Count);
    }

    [Fact]
    public void At_the_end_of_time_the_virtual_clock_stands_still()
    {
        var time = new VirtualTimebase(1_735_689_600_000_000_000);
        time.AdvanceTo(ulong.MaxValue - 10);
        time.Advance(9);
        Assert.Equal(ulong.MaxValue - 1, time.Now);
        time.Advance(5);
        Assert.Equal(ulong.MaxValue, time.Now);
        time.RunDueTimers();
        // 64 bits of nanoseconds wrap long before 64 bits of ticks do.
        Assert.Equal(unchecked(1_735_689_600_000_000_000 + (ulong.MaxValue * 100)), time.WallClockNanoseconds);
    }

    [Fact]
    public void A_timer_disarmed_by_one_that_fires_before_it_does_not_fire()
    {
        var late = Make("late");
        late.Arm(2);
        _time.CreateTimer(late.Disarm).Arm(1);
        _time.AdvanceTo(5);
        _time.RunDueTimers();
        Assert.Empty(_fired);
        Assert.Equal(ulong.MaxValue, _time.NextDeadline);
    }

    [Fact]
    public void Arming_again_moves_a_timer_and_wakes_the_sleeper_only_if_it_is_the_earliest()
    {
        var woken = 0;
        _time.DeadlineMoved = () => woken++;
        var timer = Make("a");
        timer.Arm(100);
        timer.Arm(200);
        Assert.Equal((1, 200UL), (woken, _time.NextDeadline));
        timer.Arm(50);
        Assert.Equal((2, 50UL), (woken, _time.NextDeadline));
        _time.AdvanceTo(200);
        _time.RunDueTimers();
        Assert.Single(_fired);
    }

    [Fact]
    public void Virtual_time_never_goes_back_and_moves_the_wall_clock()
    {
        var time = new VirtualTimebase(1_000_000_000, 10_000_000);
        time.AdvanceTo(20_000_000);
        time.AdvanceTo(5);
        Assert.Equal(20_000_000UL, time.Now);
        Assert.Equal(3_000_000_000UL, time.WallClockNanoseconds);
    }

    [Fact]
    public void Host_time_follows_the_clock_from_the_start_of_the_machine()
    {
        var clock = new ManualClock();
        clock.Advance(TimeSpan.FromDays(400));
        var time = new HostTimebase(clock, 10_000_000);
        Assert.Equal(0UL, time.Now);
        clock.Advance(TimeSpan.FromMilliseconds(1.5));
        Assert.Equal(15_000UL, time.Now);
        // For centuries: no intermediate value may wrap.
        clock.Advance(TimeSpan.FromDays(365 * 200));
        Assert.Equal(15_000UL + (365UL * 200 * 86_400 * 10_000_000), time.Now);
        Assert.Equal((ulong)(clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds, time.WallClockNanoseconds / 1_000_000_000);
    }

    private TimebaseTimer Make(string name) => _time.CreateTimer(() => _fired.Add(name));
}
