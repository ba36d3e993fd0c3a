using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Time;

namespace Eider.Devices.Virtio.Entropy;

/// <summary>
/// A virtio entropy device (virtio 1.3, 5.4). Made by <see cref="EntropyDevice"/>. A request gets at least one
/// byte; with a rate limit it waits for them in the ring, and the worker sleeps.
/// </summary>
public sealed class EntropyHandler : VirtioDevice
{
    private readonly byte[] _bytes = new byte[EntropyLimits.ChunkBytes];
    private TokenBucket? _bucket;
    private TimebaseTimer? _timer;
    private DescriptorChain? _waiting;

    internal EntropyHandler(EntropyDevice settings) => Settings = settings;

    /// <summary>What it was made from.</summary>
    public EntropyDevice Settings { get; }

    /// <inheritdoc/>
    public override VirtioDeviceId DeviceId => VirtioDeviceId.Entropy;

    /// <inheritdoc/>
    public override IReadOnlyList<ushort> QueueSizes { get; } = [EntropyLimits.QueueSize];

    /// <inheritdoc/>
    public override void Attach(VirtioDeviceContext context)
    {
        base.Attach(context);
        if (Settings.RateLimit is not { } limit)
        {
            return;
        }

        // The limit belongs to the machine's life, not to the driver's: a reset does not fill the bucket.
        var ticks = (ulong)UInt128.Max(1, (UInt128)(ulong)limit.Period.Ticks * Context.Timebase.FrequencyHz / TimeSpan.TicksPerSecond);
        _bucket = new TokenBucket(limit.Bytes, ticks, Context.Timebase.Now);
        _timer = Context.Timebase.CreateTimer(() => Context.Wake(0));
    }

    /// <inheritdoc/>
    public override void ProcessQueue(int index, VirtQueue queue)
    {
        while (_waiting is not null || queue.TryTake(out _waiting))
        {
            var start = Context.Clock.GetTimestamp();
            var chain = _waiting;
            var isUseless = chain.WritableBytes == 0; // against 5.4.6.1
            var wanted = (int)Math.Min(chain.WritableBytes, EntropyLimits.MaxRequestBytes);
            var granted = isUseless ? 0 : Grant(wanted);
            if (granted == 0 && !isUseless)
            {
                return;
            }

            Fill(chain, granted);
            _waiting = null;
            Context.Statistics.Count(granted, 0, Context.NanosecondsSince(start), isUseless);
            queue.Complete(chain, (uint)granted);
        }
    }

    /// <inheritdoc/>
    public override void QueueStopping(int index, VirtQueue queue)
    {
        _waiting = null;
        _timer?.Disarm();
    }

    /// <inheritdoc/>
    public override void Close() => _timer?.Disarm();

    // Takes bytes from the limit; 0 if the request has to wait, with the timer armed for when it need not.
    private int Grant(int wanted)
    {
        if (_bucket is null)
        {
            return wanted;
        }

        var now = Context.Timebase.Now;
        var available = _bucket.GetAvailable(now);
        var least = Math.Min(Math.Min(wanted, EntropyLimits.GrantBytes), Settings.RateLimit!.Value.Bytes);
        if (available < least)
        {
            var wait = _bucket.GetTicksUntil(least);
            _timer!.Arm(wait > ulong.MaxValue - now ? ulong.MaxValue : now + wait);
            return 0;
        }

        var granted = (int)Math.Min(wanted, available);
        _bucket.Take(granted);
        return granted;
    }

    private void Fill(DescriptorChain chain, int count)
    {
        var source = Settings.Source ?? Context.Random;
        var writer = chain.Writer;
        while (count > 0)
        {
            var piece = _bytes.AsSpan(0, Math.Min(count, _bytes.Length));
            source.Fill(piece);
            if (!writer.TryWrite(piece))
            {
                return;
            }

            count -= piece.Length;
        }

        // What one guest got, nothing else should find.
        _bytes.AsSpan().Clear();
    }
}
