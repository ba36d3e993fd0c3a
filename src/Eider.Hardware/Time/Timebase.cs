namespace Eider.Hardware.Time;

/// <summary>
/// The one clock of a machine: <c>time</c>, mtime and the RTC are views of it. Ticks never go back. Timers are
/// passive: whoever runs the machine calls <see cref="RunDueTimers"/> at short intervals and sleeps no longer
/// than until <see cref="NextDeadline"/>, so that a whole machine can run on one thread.
/// </summary>
public abstract class Timebase
{
    private readonly Lock _gate = new();
    private readonly List<TimebaseTimer> _armed = [];
    private ulong _nextDeadline = ulong.MaxValue;
    private ulong _look; // counts calls of RunDueTimers that found something; guarded by _gate

    /// <summary>Ticks a second.</summary>
    public abstract ulong FrequencyHz { get; }

    /// <summary>Ticks since the machine started. Callable from any thread.</summary>
    public abstract ulong Now { get; }

    /// <summary>Nanoseconds since 1970-01-01 00:00 UTC, for the RTC.</summary>
    public abstract ulong WallClockNanoseconds { get; }

    /// <summary>Tick of the earliest armed timer; all ones if none is.</summary>
    public ulong NextDeadline => Volatile.Read(ref _nextDeadline);

    /// <summary>Called when the earliest deadline moved forward, so that a sleeper wakes and looks again.</summary>
    public Action? DeadlineMoved { get; set; }

    /// <summary>Makes a timer, not armed.</summary>
    /// <param name="fired">Runs on the thread that calls <see cref="RunDueTimers"/>; must not block or throw.</param>
    public TimebaseTimer CreateTimer(Action fired) => new(this, fired);

    /// <summary>
    /// Fires every timer that is due, earliest deadline first. Cheap when none is: one volatile read. What is armed
    /// meanwhile fires at the next look at the earliest, so that a timer that arms itself cannot hold up the machine.
    /// </summary>
    public void RunDueTimers()
    {
        var now = Now;
        if (now < NextDeadline)
        {
            return;
        }

        ulong look;
        lock (_gate)
        {
            look = _look++;
        }

        while (TakeDue(now, look) is { } timer)
        {
            timer.Fire();
        }
    }

    internal void Arm(TimebaseTimer timer, ulong deadline)
    {
        bool earlier;
        lock (_gate)
        {
            _armed.Remove(timer);
            timer.Deadline = deadline;
            timer.ArmedAtLook = _look;
            _armed.Add(timer);
            earlier = deadline < _nextDeadline;
            UpdateNextDeadline();
        }

        if (earlier)
        {
            DeadlineMoved?.Invoke();
        }
    }

    internal void Disarm(TimebaseTimer timer)
    {
        lock (_gate)
        {
            _armed.Remove(timer);
            UpdateNextDeadline();
        }
    }

    private TimebaseTimer? TakeDue(ulong now, ulong look)
    {
        lock (_gate)
        {
            TimebaseTimer? due = null;
            foreach (var timer in _armed)
            {
                if (timer.Deadline <= now && timer.ArmedAtLook <= look && (due is null || timer.Deadline < due.Deadline))
                {
                    due = timer;
                }
            }

            if (due is not null)
            {
                _armed.Remove(due);
                UpdateNextDeadline();
            }

            return due;
        }
    }

    private void UpdateNextDeadline()
    {
        var next = ulong.MaxValue;
        foreach (var timer in _armed)
        {
            next = Math.Min(next, timer.Deadline);
        }

        Volatile.Write(ref _nextDeadline, next);
    }
}
