using System.Runtime.CompilerServices;
using Eider.Storage;

namespace Eider.Devices.Requests;

/// <summary>One request to a storage that a worker has started and comes back for; nothing is allocated.</summary>
internal sealed class StorageCall
{
    private readonly Action _onDone;
    private ConfiguredValueTaskAwaitable<BlockResult>.ConfiguredValueTaskAwaiter _awaiter;
    private bool _isDone;

    /// <summary>No request yet.</summary>
    /// <param name="signal">Wakes the worker when a request has ended; any thread.</param>
    public StorageCall(Action signal) => _onDone = () =>
    {
        Volatile.Write(ref _isDone, true);
        signal();
    };

    /// <summary>True from the start of a request until its result was taken.</summary>
    public bool IsActive { get; private set; }

    /// <summary>True if the result is there.</summary>
    public bool IsDone => Volatile.Read(ref _isDone);

    /// <summary>Takes a request that was started.</summary>
    public void Start(ValueTask<BlockResult> request)
    {
        _awaiter = request.ConfigureAwait(false).GetAwaiter();
        IsActive = true;
        if (_awaiter.IsCompleted)
        {
            _isDone = true;
            return;
        }

        Volatile.Write(ref _isDone, false);
        _awaiter.UnsafeOnCompleted(_onDone);
    }

    /// <summary>The result, once.</summary>
    /// <exception cref="BlockStorageException">The host failed.</exception>
    /// <exception cref="OperationCanceledException">The request was cancelled.</exception>
    public BlockResult Take()
    {
        var awaiter = _awaiter;
        (_awaiter, _isDone, IsActive) = (default, false, false);
        return awaiter.GetResult();
    }
}
