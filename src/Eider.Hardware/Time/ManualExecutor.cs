namespace Eider.Hardware.Time;

/// <summary>
/// Runs workers by hand, on the caller's thread, in the order in which they were signalled: the same signals give
/// the same order every time. For a whole machine on one thread, and for tests.
/// </summary>
public sealed class ManualExecutor : IExecutor
{
    private readonly Lock _gate = new();
    private readonly Queue<Worker> _pending = [];

    /// <summary>
    /// Called, on the thread that signalled, when a worker became pending while none was, so that whoever calls
    /// <see cref="RunPending"/> stops sleeping. Must not block or throw.
    /// </summary>
    public Action? WorkAvailable { get; set; }

    /// <summary>True if a worker waits for its turn.</summary>
    public bool HasPending
    {
        get
        {
            lock (_gate)
            {
                return _pending.Count != 0;
            }
        }
    }

    /// <inheritdoc/>
    public IWorker CreateWorker(string name, Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return new Worker(this, name, body);
    }

    /// <summary>
    /// Runs pending workers, first signalled first, also those that are signalled meanwhile, until none is left.
    /// What a body throws comes out here; the workers behind it stay pending.
    /// </summary>
    /// <param name="limit">Stop after so many runs, for workers that signal each other for ever.</param>
    /// <returns>How many bodies ran.</returns>
    public int RunPending(int limit = int.MaxValue)
    {
        var runs = 0;
        while (runs < limit && Take() is { } worker)
        {
            runs++;
            worker.Run();
        }

        return runs;
    }

    private Worker? Take()
    {
        lock (_gate)
        {
            while (_pending.TryDequeue(out var worker))
            {
                worker.IsPending = false;
                if (!worker.IsDisposed)
                {
                    return worker;
                }
            }

            return null;
        }
    }

    private void Enqueue(Worker worker)
    {
        bool first;
        lock (_gate)
        {
            if (worker.IsPending || worker.IsDisposed)
            {
                return;
            }

            worker.IsPending = true;
            _pending.Enqueue(worker);
            first = _pending.Count == 1;
        }

        if (first)
        {
            WorkAvailable?.Invoke();
        }
    }

    private sealed class Worker(ManualExecutor owner, string name, Action body) : IWorker
    {
        private readonly object _running = new();

        private volatile bool _isDisposed;

        /// <summary>In the queue. Guarded by the owner's gate.</summary>
        public bool IsPending { get; set; }

        public bool IsDisposed => _isDisposed;

        public void Signal() => owner.Enqueue(this);

        public void Run()
        {
            // Normally nobody contends: it only makes a Dispose on another thread wait for the body.
            lock (_running)
            {
                if (!_isDisposed)
                {
                    body();
                }
            }
        }

        public void Dispose()
        {
            _isDisposed = true;
            lock (_running)
            {
                // A body that ran on another thread has ended; on this thread the lock is already ours.
            }
        }

        public override string ToString() => name;
    }
}
