namespace Eider.Devices.Virtio.Entropy;

/// <summary>
/// An exact token bucket on ticks of a clock: over any stretch of t ticks it grants at most
/// <c>capacity + t * capacity / period</c>. No clock of its own; not safe for several threads.
/// </summary>
/// <param name="capacity">Tokens of a full bucket, which is also what a period brings; at least 1.</param>
/// <param name="periodTicks">Length of a period; at least 1.</param>
/// <param name="nowTicks">When it starts, full.</param>
internal sealed class TokenBucket(long capacity, ulong periodTicks, ulong nowTicks)
{
    // Tokens times periodTicks, so that no fraction of a token is ever lost.
    private readonly UInt128 _full = (UInt128)(ulong)capacity * periodTicks;
    private UInt128 _credit = (UInt128)(ulong)capacity * periodTicks;
    private ulong _lastTicks = nowTicks;

    /// <summary>Whole tokens at a time; time that goes back changes nothing.</summary>
    public long GetAvailable(ulong nowTicks)
    {
        if (nowTicks > _lastTicks)
        {
            // 2^64 ticks times 2^63 tokens fit into 128 bits; added to a bucket they are capped first.
            var earned = (UInt128)(nowTicks - _lastTicks) * (ulong)capacity;
            _credit = earned >= _full - _credit ? _full : _credit + earned;
            _lastTicks = nowTicks;
        }

        return (long)(_credit / periodTicks);
    }

    /// <summary>Takes tokens that are there.</summary>
    /// <param name="count">At most what <see cref="GetAvailable"/> said.</param>
    public void Take(long count) => _credit -= (UInt128)(ulong)count * periodTicks;

    /// <summary>Ticks from the last look until a number of tokens is there; 0 if it is.</summary>
    /// <param name="count">Number of tokens, at most the capacity.</param>
    public ulong GetTicksUntil(long count)
    {
        var needed = (UInt128)(ulong)count * periodTicks;
        return needed <= _credit ? 0 : (ulong)((needed - _credit + (ulong)capacity - 1) / (ulong)capacity);
    }
}
