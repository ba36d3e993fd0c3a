namespace Eider.Hardware.Time;

/// <summary>A timebase that follows the host's monotonic clock.</summary>
/// <param name="clock">The host's clock.</param>
/// <param name="frequencyHz">Ticks a second; 10 MHz as on QEMU's virt board by default.</param>
public sealed class HostTimebase(TimeProvider clock, ulong frequencyHz = 10_000_000) : Timebase
{
    private readonly long _start = clock.GetTimestamp();

    /// <inheritdoc/>
    public override ulong FrequencyHz { get; } = frequencyHz;

    /// <inheritdoc/>
    public override ulong Now
    {
        get
        {
            var elapsed = unchecked((ulong)(clock.GetTimestamp() - _start));
            var perSecond = (ulong)clock.TimestampFrequency;
            // Both factors fit: split into whole seconds and the rest, so that nothing wraps for centuries.
            return (elapsed / perSecond * FrequencyHz) + (elapsed % perSecond * FrequencyHz / perSecond);
        }
    }

    /// <inheritdoc/>
    public override ulong WallClockNanoseconds =>
        (ulong)(clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
}
