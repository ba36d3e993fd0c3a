namespace Eider.Hardware.Bus;

/// <summary>
/// One access that a device finishes later. The device completes it once, from any thread, also when it is
/// reset or removed; the hart that asked polls <see cref="IsCompleted"/> or sets a continuation, and holds no
/// lock meanwhile. Carries at most eight bytes of a read's answer.
/// </summary>
public sealed class PendingAccess
{
    private static readonly Action Done = () => { };
    private Action? _continuation;
    private ulong _value;
    private int _isTaken;
    private int _isReleased;

    /// <summary>True once <see cref="Complete"/> was called; the value is visible then.</summary>
    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref _continuation), Done);

    /// <summary>The answer of a read, little-endian, valid once completed; 0 for a write.</summary>
    public ulong Value => _value;

    /// <summary>Finishes the access. A second call does nothing and returns false.</summary>
    /// <param name="value">The answer of a read, little-endian.</param>
    public bool Complete(ulong value = 0)
    {
        // A worker and a reset may both come here: the first one's value counts, and never changes afterwards.
        if (Interlocked.Exchange(ref _isTaken, 1) != 0)
        {
            return false;
        }

        _value = value;
        Interlocked.Exchange(ref _continuation, Done)?.Invoke();
        return true;
    }

    /// <summary>Calls <paramref name="continuation"/> once when completed: at once if it already is.</summary>
    /// <exception cref="InvalidOperationException">Somebody waits already: one hart made the access.</exception>
    public void OnCompleted(Action continuation)
    {
        ArgumentNullException.ThrowIfNull(continuation);
        var previous = Interlocked.CompareExchange(ref _continuation, continuation, null);
        if (ReferenceEquals(previous, Done))
        {
            continuation();
        }
        else if (previous is not null)
        {
            throw new InvalidOperationException("one hart waits for an access, a second one tried to");
        }
    }

    /// <summary>
    /// The answer of a completed access; whoever waited has no use for the object any more, so that its device may use it again.
    /// </summary>
    /// <returns>The same as <see cref="Value"/>.</returns>
    public ulong TakeValue()
    {
        var value = _value;
        Volatile.Write(ref _isReleased, 1);
        return value;
    }

    /// <summary>Makes a new access of one whose answer was taken.</summary>
    /// <returns>False if it was not: somebody may still look at it.</returns>
    internal bool TryRenew()
    {
        if (Interlocked.CompareExchange(ref _isReleased, 0, 1) != 1)
        {
            return false;
        }

        _continuation = null;
        _value = 0;
        _isTaken = 0;
        return true;
    }
}
