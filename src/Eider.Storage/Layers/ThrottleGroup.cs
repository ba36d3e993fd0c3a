namespace Eider.Storage.Layers;

/// <summary>
/// Limits that several storages share. Each limit is a clock of its own that says until when the time is given away;
/// a request moves the clocks on by what it costs and waits for the latest one. Waiting does not add up errors: who
/// wakes late finds the next request's time come already.
/// </summary>
public sealed class ThrottleGroup
{
    /// <summary>Unused time that is never lost: requests that come in small bunches still reach the rate.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(40);

    /// <summary>
    /// Most time that is made up for because a waiting request woke late, on a busy host. It was not unused: somebody
    /// wanted it.
    /// </summary>
    private static readonly TimeSpan MaxLateness = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly TimeProvider _timeProvider;
    private readonly long _start;
    private readonly double _slackSeconds;
    private readonly Bucket[] _buckets;
    private double _lastWake = double.NegativeInfinity;

    /// <summary>A group.</summary>
    /// <param name="limits">What it lets through.</param>
    /// <param name="timeProvider">The clock.</param>
    public ThrottleGroup(ThrottleLimits limits, TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(timeProvider);
        Limits = limits;
        _timeProvider = timeProvider;
        _start = timeProvider.GetTimestamp();
        _slackSeconds = Math.Max(Slack.TotalSeconds, limits.Burst.TotalSeconds);
        _buckets =
        [
            .. new[]
            {
                new Bucket(limits.RequestsPerSecond, IsBytes: false, IsRead: true, IsWrite: true),
                new Bucket(limits.ReadsPerSecond, IsBytes: false, IsRead: true, IsWrite: false),
                new Bucket(limits.WritesPerSecond, IsBytes: false, IsRead: false, IsWrite: true),
                new Bucket(limits.BytesPerSecond, IsBytes: true, IsRead: true, IsWrite: true),
                new Bucket(limits.ReadBytesPerSecond, IsBytes: true, IsRead: true, IsWrite: false),
                new Bucket(limits.WriteBytesPerSecond, IsBytes: true, IsRead: false, IsWrite: true),
            }.Where(bucket => bucket.PerSecond > 0),
        ];
        if (limits.Burst > TimeSpan.Zero)
        {
            foreach (var bucket in _buckets)
            {
                bucket.GivenUntil = -limits.Burst.TotalSeconds;
            }
        }
    }

    /// <summary>What it lets through.</summary>
    public ThrottleLimits Limits { get; }

    /// <summary>Waits until a request may pass.</summary>
    internal ValueTask AdmitAsync(bool isRead, long lengthBytes, CancellationToken cancellationToken)
    {
        var wait = TimeSpan.FromSeconds(Reserve(isRead, lengthBytes));
        return wait > TimeSpan.Zero ? WaitAsync(wait, cancellationToken) : ValueTask.CompletedTask;
    }

    private async ValueTask WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        await Task.Delay(wait, _timeProvider, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _lastWake = _timeProvider.GetElapsedTime(_start).TotalSeconds;
        }
    }

    /// <summary>Seconds that the request must wait; its time is taken at once.</summary>
    private double Reserve(bool isRead, long lengthBytes)
    {
        lock (_gate)
        {
            var now = _timeProvider.GetElapsedTime(_start).TotalSeconds;
            var wait = 0.0;
            foreach (var bucket in _buckets)
            {
                if (isRead ? bucket.IsRead : bucket.IsWrite)
                {
                    // Idle is what nobody waited in. It counts up to the slack; what was lost by waking late counts longer.
                    var idle = now - Math.Max(bucket.GivenUntil, _lastWake);
                    var from = Math.Max(bucket.GivenUntil + Math.Max(0, idle - _slackSeconds), now - _slackSeconds - MaxLateness.TotalSeconds);
                    wait = Math.Max(wait, from - now);
                    bucket.GivenUntil = from + ((bucket.IsBytes ? lengthBytes : 1) / bucket.PerSecond);
                }
            }

            return wait;
        }
    }

    private sealed record Bucket(double PerSecond, bool IsBytes, bool IsRead, bool IsWrite)
    {
        /// <summary>Until when, in seconds since the start, the time is given away.</summary>
        public double GivenUntil { get; set; }
    }
}
