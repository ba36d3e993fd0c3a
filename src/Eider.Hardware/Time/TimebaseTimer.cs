namespace Eider.Hardware.Time;

/// <summary>A one-shot timer on a <see cref="Timebase"/>. Arming again moves it; firing disarms it.</summary>
public sealed class TimebaseTimer
{
    private readonly Timebase _timebase;
    private readonly Action _fired;

    internal TimebaseTimer(Timebase timebase, Action fired)
    {
        _timebase = timebase;
        _fired = fired;
    }

    internal ulong Deadline { get; set; }

    internal ulong ArmedAtLook { get; set; }

    /// <summary>Fires at the first look at the clock at or after a tick; one in the past fires at the next look.</summary>
    /// <param name="deadlineTicks">Absolute tick of the timebase.</param>
    public void Arm(ulong deadlineTicks) => _timebase.Arm(this, deadlineTicks);

    /// <summary>Does not fire any more; nothing happens if it was not armed.</summary>
    public void Disarm() => _timebase.Disarm(this);

    internal void Fire() => _fired();
}
