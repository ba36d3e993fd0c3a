namespace Eider.Storage.Tests.Layers;

/// <summary>A clock that goes from one timer to the next when it is told to, so that seconds of waiting take none.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<Timer, long> _timers = new();
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public TimeSpan Elapsed => TimeSpan.FromTicks(GetTimestamp());

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(callback, state);
        lock (_gate)
        {
            if (dueTime >= TimeSpan.Zero)
            {
                _timers.Enqueue(timer, _now + dueTime.Ticks);
            }
        }

        return timer;
    }

    /// <summary>Moves to the next timer and fires it; false if there is none.</summary>
    public bool Step()
    {
        Timer timer;
        lock (_gate)
        {
            if (!_timers.TryDequeue(out timer!, out var due))
            {
                return false;
            }

            _now = Math.Max(_now, due);
        }

        timer.Fire();
        return true;
    }

    public void Advance(TimeSpan by) => Interlocked.Add(ref _now, by.Ticks);

    private sealed class Timer(TimerCallback callback, object? state) : ITimer
    {
        private bool _isDisposed;

        public void Fire()
        {
            if (!_isDisposed)
            {
                callback(state);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => _isDisposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
