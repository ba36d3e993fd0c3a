using System.Runtime.CompilerServices;

namespace Eider.Hardware.Bus;

/// <summary>
/// One registered range, and how many calls are inside its device through it. Closing it lets no further call
/// in; the last one out completes <see cref="Close"/>'s task.
/// </summary>
internal sealed class BusRange(ulong @base, ulong size, IDeviceIo device)
{
    private const int Closed = int.MinValue;

    // Calls inside, plus the top bit once closed. A call that finds it closed is counted for a moment, too.
    private int _state;
    private TaskCompletionSource? _left;

    public ulong Base { get; } = @base;

    public ulong Size { get; } = size;

    public IDeviceIo Device { get; } = device;

    public ulong Last => Base + (Size - 1);

    /// <summary>Calls inside any range on this thread: whoever is inside must not wait for others to leave.</summary>
    [field: ThreadStatic]
    public static int Depth { get; private set; }

    /// <summary>Counts a call in; false if the range was closed, then there is a newer map to look at.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _state) > 0)
        {
            Depth = unchecked(Depth + 1);
            return true;
        }

        Uncount();
        return false;
    }

    /// <summary>Counts a call out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave()
    {
        Depth = unchecked(Depth - 1);
        Uncount();
    }

    /// <summary>Lets nobody in any more.</summary>
    /// <returns>Completes, on the thread of the last call, when it has left.</returns>
    public Task Close()
    {
        // Made before the bit shows: whoever sees the bit finds it.
        _left = new TaskCompletionSource();
        if (Interlocked.Or(ref _state, Closed) == 0)
        {
            _left.TrySetResult();
        }

        return _left.Task;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Uncount()
    {
        if (Interlocked.Decrement(ref _state) == Closed)
        {
            _left!.TrySetResult();
        }
    }
}
