using System.Collections.Concurrent;

namespace Eider.Storage.Operations;

/// <summary>Lets workers write one after the other in the order of the chunks.</summary>
internal sealed class WriteTurns
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource> _waiting = new();
    private long _turn;

    /// <summary>Waits until all chunks before this one were written.</summary>
    public async ValueTask WaitAsync(long index, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _turn) == index)
        {
            return;
        }

        var mine = _waiting.GetOrAdd(index, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        // The turn may have come between the look and the entry; then nobody else ends the wait.
        if (Volatile.Read(ref _turn) != index)
        {
            await mine.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        _waiting.TryRemove(index, out _);
    }

    /// <summary>The chunk was written.</summary>
    public void End(long index)
    {
        // A full exchange: the entry of the next one is looked for after the turn is seen.
        Interlocked.Exchange(ref _turn, index + 1);
        if (_waiting.TryGetValue(index + 1, out var next))
        {
            next.TrySetResult();
        }
    }
}
