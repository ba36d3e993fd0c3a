namespace Eider.Hardware.Time;

/// <summary>
/// A timebase that moves only when it is told to: by retired instructions, or to the next deadline when every
/// hart waits. The same inputs give the same ticks.
/// </summary>
/// <param name="epochNanoseconds">The wall clock at tick 0, in nanoseconds since 1970.</param>
/// <param name="frequencyHz">Ticks a second.</param>
public sealed class VirtualTimebase(ulong epochNanoseconds = 0, ulong frequencyHz = 10_000_000) : Timebase
{
    private ulong _now;

    /// <inheritdoc/>
    public override ulong FrequencyHz { get; } = frequencyHz;

    /// <inheritdoc/>
    public override ulong Now => Volatile.Read(ref _now);

    /// <inheritdoc/>
    public override ulong WallClockNanoseconds =>
        unchecked(epochNanoseconds + (ulong)((UInt128)Now * 1_000_000_000 / FrequencyHz));

    /// <summary>
    /// Moves the clock forward. At the largest tick it stands still: a guest gets there by sleeping until then.
    /// </summary>
    public void Advance(ulong ticks) => Volatile.Write(ref _now, _now + Math.Min(ticks, ulong.MaxValue - _now));

    /// <summary>Moves the clock to a tick, unless it is there already or past it.</summary>
    public void AdvanceTo(ulong tick) => Volatile.Write(ref _now, Math.Max(_now, tick));
}
