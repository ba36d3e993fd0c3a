namespace Eider.Storage;

/// <summary>
/// Lets in many sharers or one alone, without blocking a thread. Whoever waits is let in in the order of arrival, so
/// nobody starves; entering when nobody is in the way allocates nothing.
/// </summary>
internal sealed class AsyncSharedExclusiveGate
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = [];
    private int _sharers;
    private bool _isAlone;

    /// <summary>Waits until no one is alone inside.</summary>
    public ValueTask EnterSharedAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_isAlone && _waiting.Count == 0)
            {
                _sharers++;
                return ValueTask.CompletedTask;
            }

            return WaitAsync(isAlone: false, cancellationToken);
        }
    }

    /// <summary>Waits until no one is inside.</summary>
    public ValueTask EnterAloneAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_isAlone && _sharers == 0 && _waiting.Count == 0)
            {
                _isAlone = true;
                return ValueTask.CompletedTask;
            }

            return WaitAsync(isAlone: true, cancellationToken);
        }
    }

    /// <summary>A sharer leaves.</summary>
    public void ExitShared()
    {
        lock (_gate)
        {
            _sharers--;
            Admit();
        }
    }

    /// <summary>The one alone leaves.</summary>
    public void ExitAlone()
    {
        lock (_gate)
        {
            _isAlone = false;
            Admit();
        }
    }

    /// <summary>Called with the lock held: only the queueing happens under it.</summary>
    private ValueTask WaitAsync(bool isAlone, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(isAlone);
        var node = _waiting.AddLast(waiter);
        return cancellationToken.CanBeCanceled ? WaitAsync(node, cancellationToken) : new ValueTask(waiter.Task);
    }

    private async ValueTask WaitAsync(LinkedListNode<Waiter> node, CancellationToken cancellationToken)
    {
        await using (cancellationToken.Register(() => Cancel(node, cancellationToken)).ConfigureAwait(false))
        {
            await node.Value.Task.ConfigureAwait(false);
        }
    }

    private void Cancel(LinkedListNode<Waiter> node, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (node.List != null)
            {
                _waiting.Remove(node);
                node.Value.TrySetCanceled(cancellationToken);
                Admit();
            }
        }
    }

    private void Admit()
    {
        while (_waiting.First is { } first && !_isAlone && (!first.Value.IsAlone || _sharers == 0))
        {
            _waiting.RemoveFirst();
            if (first.Value.IsAlone)
            {
                _isAlone = true;
            }
            else
            {
                _sharers++;
            }

            first.Value.SetResult();
        }
    }

    private sealed class Waiter(bool isAlone) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public bool IsAlone { get; } = isAlone;
    }
}
