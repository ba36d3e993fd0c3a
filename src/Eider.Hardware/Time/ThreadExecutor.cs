namespace Eider.Hardware.Time;

/// <summary>Gives each worker a background thread of its own, so that one that waits for the host stalls no other.</summary>
/// <param name="faulted">
/// Takes what a body threw, on the worker's thread: a bug of ours, that stops the machine. The worker runs no more.
/// </param>
public sealed class ThreadExecutor(Action<Exception> faulted) : IExecutor
{
    /// <inheritdoc/>
    public IWorker CreateWorker(string name, Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return new Worker(name, body, faulted);
    }

    private sealed class Worker : IWorker
    {
        private readonly object _gate = new();
        private readonly Action _body;
        private readonly Action<Exception> _faulted;
        private readonly Thread _thread;
        private int _signalled;
        private bool _stopping; // guarded by _gate

        public Worker(string name, Action body, Action<Exception> faulted)
        {
            _body = body;
            _faulted = faulted;
            _thread = new Thread(Loop) { Name = name, IsBackground = true };
            _thread.Start();
        }

        public void Signal()
        {
            // Only the first signal after the body began has somebody to wake.
            if (Interlocked.Exchange(ref _signalled, 1) == 0)
            {
                lock (_gate)
                {
                    Monitor.Pulse(_gate);
                }
            }
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _stopping = true;
                Monitor.Pulse(_gate);
            }

            if (Thread.CurrentThread != _thread)
            {
                _thread.Join();
            }
        }

        private void Loop()
        {
            try
            {
                while (WaitForSignal())
                {
                    _body();
                }
            }
            catch (Exception exception)
            {
                _faulted(exception);
            }
        }

        private bool WaitForSignal()
        {
            lock (_gate)
            {
                while (!_stopping)
                {
                    // Taken before the body runs: a signal while it runs makes it run again.
                    if (Interlocked.Exchange(ref _signalled, 0) != 0)
                    {
                        return true;
                    }

                    Monitor.Wait(_gate);
                }

                return false;
            }
        }
    }
}
