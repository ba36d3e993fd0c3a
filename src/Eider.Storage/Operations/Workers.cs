namespace Eider.Storage.Operations;

/// <summary>Runs the workers of one operation; the first failure stops the others and is what comes out.</summary>
internal static class Workers
{
    /// <summary>The most workers there can be.</summary>
    public const int MaxCount = 64;

    /// <summary>Runs a body several times at once.</summary>
    /// <param name="count">How many; 1 runs on the caller's thread.</param>
    /// <param name="scheduler">Where they run; null for the thread pool.</param>
    /// <param name="body">The work, given the worker's number.</param>
    /// <param name="cancellationToken">Ends all of them.</param>
    public static async Task RunAsync(
        int count, TaskScheduler? scheduler, Func<int, CancellationToken, Task> body, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxCount);
        if (count == 1)
        {
            await body(0, cancellationToken).ConfigureAwait(false);
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var factory = new TaskFactory(
            CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskContinuationOptions.None,
            scheduler ?? TaskScheduler.Default);
        Exception? first = null;
        var tasks = Enumerable.Range(0, count).Select(number => factory.StartNew(() => GuardAsync(number)).Unwrap());
        await Task.WhenAll(tasks.ToArray()).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (first != null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }

        async Task GuardAsync(int number)
        {
            try
            {
                await body(number, stop.Token).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // What the others throw because they were stopped is not the cause.
                Interlocked.CompareExchange(ref first, exception, null);
                await stop.CancelAsync().ConfigureAwait(false);
            }
        }
    }
}
