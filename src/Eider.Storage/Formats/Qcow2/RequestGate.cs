namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Knows which requests are under way. A request enters and leaves by one counter of its processor, so that readers on
/// several processors do not disturb each other. Who wants the image alone waits for all of them; who wants to use a
/// freed cluster again waits, without blocking anyone, for those that may still look at it (a grace period).
/// </summary>
internal sealed class RequestGate
{
    // Counters stand a cache line (and its neighbour, which is fetched with it) apart.
    private const int Padding = 16;

    private readonly long[] _counts;
    private readonly uint _stripeMask;
    private readonly AsyncMutex _alone = new();
    private TaskCompletionSource? _barrier;
    private TaskCompletionSource? _drained;
    private int _epoch;
    private bool _inGrace;

    public RequestGate()
    {
        var stripes = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount, 1, 64));
        _stripeMask = (uint)stripes - 1;
        _counts = new long[((2 * stripes) + 1) * Padding];
    }

    /// <summary>Enters, unless somebody wants to be alone.</summary>
    /// <param name="token">To leave with.</param>
    public bool TryEnter(out int token)
    {
        while (true)
        {
            var stripe = (int)((uint)Thread.GetCurrentProcessorId() & _stripeMask);
            var epoch = Volatile.Read(ref _epoch) & 1;
            token = ((2 * stripe) + epoch + 1) * Padding;
            Interlocked.Increment(ref _counts[token]);
            if (Volatile.Read(ref _barrier) != null)
            {
                Exit(token);
                return false;
            }

            if ((Volatile.Read(ref _epoch) & 1) == epoch)
            {
                return true;
            }

            Exit(token);
        }
    }

    /// <summary>Enters as soon as nobody is alone any more.</summary>
    public async ValueTask<int> EnterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryEnter(out var token))
            {
                return token;
            }

            if (Volatile.Read(ref _barrier) is { } barrier)
            {
                await barrier.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Leaves.</summary>
    public void Exit(int token)
    {
        Interlocked.Decrement(ref _counts[token]);
        if (Volatile.Read(ref _barrier) != null && Sum(0) + Sum(1) == 0)
        {
            Volatile.Read(ref _drained)?.TrySetResult();
        }
    }

    /// <summary>Keeps new requests out and waits until all have left.</summary>
    public async ValueTask EnterAloneAsync(CancellationToken cancellationToken)
    {
        await _alone.EnterAsync(cancellationToken).ConfigureAwait(false);
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _drained, drained);
        Interlocked.Exchange(ref _barrier, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        if (Sum(0) + Sum(1) > 0)
        {
            await drained.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Lets requests in again.</summary>
    public void ExitAlone()
    {
        Interlocked.Exchange(ref _barrier, null)!.SetResult();
        _alone.Exit();
    }

    /// <summary>Begins a grace period for all requests that are under way now; false while another one runs. One caller at a time.</summary>
    public bool TryBeginGrace()
    {
        if (_inGrace)
        {
            return false;
        }

        _inGrace = true;
        Interlocked.Increment(ref _epoch);
        return true;
    }

    /// <summary>True if all requests have left that were under way when the grace period began. One caller at a time.</summary>
    public bool TryEndGrace()
    {
        if (_inGrace && Sum((Volatile.Read(ref _epoch) + 1) & 1) == 0)
        {
            _inGrace = false;
        }

        return !_inGrace;
    }

    private long Sum(int epoch)
    {
        var sum = 0L;
        for (var index = (epoch + 1) * Padding; index < _counts.Length; index += 2 * Padding)
        {
            sum += Interlocked.Read(ref _counts[index]);
        }

        return sum;
    }
}
