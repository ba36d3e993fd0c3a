namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Which clusters a request changes the mapping of. A request on other clusters passes, one on the same waits, whatever
/// I/O goes on meanwhile.
/// </summary>
internal sealed class RangeLocks
{
    private readonly Lock _gate = new();
    private readonly List<Held> _held = [];
    private readonly Stack<Held> _spare = new();

    /// <summary>A range that is held.</summary>
    internal sealed class Held
    {
        public long First { get; set; }

        public long Last { get; set; }

        public TaskCompletionSource? Released { get; set; }
    }

    /// <summary>Takes a range of numbers; allocates nothing in the long run if nobody holds a part of it.</summary>
    public ValueTask<Held> EnterAsync(long first, long last, CancellationToken cancellationToken) =>
        TryEnter(first, last, out var held, out _) ? ValueTask.FromResult(held) : WaitAsync(first, last, cancellationToken);

    /// <summary>Gives a range back.</summary>
    public void Exit(Held held)
    {
        TaskCompletionSource? released;
        lock (_gate)
        {
            _held.Remove(held);
            released = held.Released;
            held.Released = null;
            _spare.Push(held);
        }

        released?.SetResult();
    }

    private async ValueTask<Held> WaitAsync(long first, long last, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryEnter(first, last, out var held, out var inTheWay))
            {
                return held;
            }

            await inTheWay.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private bool TryEnter(long first, long last, out Held held, out Task inTheWay)
    {
        lock (_gate)
        {
            foreach (var other in _held)
            {
                if (other.First <= last && first <= other.Last)
                {
                    other.Released ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    inTheWay = other.Released.Task;
                    held = other;
                    return false;
                }
            }

            held = _spare.TryPop(out var spare) ? spare : new Held();
            held.First = first;
            held.Last = last;
            _held.Add(held);
            inTheWay = Task.CompletedTask;
            return true;
        }
    }
}
