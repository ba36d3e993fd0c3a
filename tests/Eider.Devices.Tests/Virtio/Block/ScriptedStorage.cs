using System.Threading.Tasks.Sources;
using Eider.Storage;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>
/// A storage over an array that does what a test says: holds operations until they are let go in any order,
/// fails them, and writes down what happened. Holding allocates nothing once warm.
/// </summary>
internal sealed class ScriptedStorage(byte[] content, BlockGeometry? geometry = null) : BlockStorage
{
    private readonly List<Held> _held = [];
    private readonly Stack<Held> _spare = new();
    private byte[] _content = content;

    public override string Name => "scripted";

    public override BlockGeometry Geometry { get; } = geometry
        ?? new BlockGeometry { CanDiscard = true, DiscardGranularityBytes = 512, WriteZeroesMayUnmap = true };

    public override long SizeBytes => _content.Length;

    public byte[] Content => _content;

    /// <summary>True: operations wait for <see cref="Release"/>.</summary>
    public bool Holds { get; set; }

    /// <summary>True: a held operation does not end when it is cancelled.</summary>
    public bool IgnoresCancellation { get; set; }

    /// <summary>Makes an operation fail: returns what it throws.</summary>
    public Func<BlockOperation, Exception?>? Failure { get; set; }

    /// <summary>Names and places of the operations done, in order; null keeps no record.</summary>
    public List<string>? Log { get; set; } = [];

    public int HeldCount
    {
        get
        {
            lock (_held)
            {
                return _held.Count;
            }
        }
    }

    /// <summary>Lets one held operation go on.</summary>
    public void Release(int index)
    {
        Held held;
        lock (_held)
        {
            held = _held[index];
            _held.RemoveAt(index);
        }

        held.Run();
    }

    /// <summary>As <see cref="Release"/>, while others release or cancel too; false if nothing is held.</summary>
    public bool TryRelease(int index)
    {
        Held held;
        lock (_held)
        {
            if (_held.Count == 0)
            {
                return false;
            }

            held = _held[index % _held.Count];
            _held.Remove(held);
        }

        held.Run();
        return true;
    }

    public void ReleaseAll()
    {
        while (HeldCount > 0)
        {
            Release(0);
        }
    }

    public void Resize(int sizeBytes)
    {
        Array.Resize(ref _content, sizeBytes);
        OnSizeChanged();
    }

    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        Start(BlockOperation.Read, offsetBytes, buffers.LengthBytes, buffers, cancellationToken);

    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        Start(BlockOperation.Write, offsetBytes, buffers.LengthBytes, buffers, cancellationToken);

    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        Start(BlockOperation.Flush, 0, 0, default, cancellationToken);

    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        Start(BlockOperation.Discard, offsetBytes, lengthBytes, default, cancellationToken);

    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        Start(BlockOperation.WriteZeroes, offsetBytes, lengthBytes, default, cancellationToken);

    private ValueTask<BlockResult> Start(
        BlockOperation operation, long offset, long length, BufferList buffers, CancellationToken cancellationToken)
    {
        if (!Holds)
        {
            return Perform(operation, offset, length, buffers) is { } failure
                ? ValueTask.FromException<BlockResult>(failure)
                : ValueTask.FromResult(BlockResult.Ok);
        }

        Held held;
        ValueTask<BlockResult> task;
        lock (_held)
        {
            held = _spare.Count > 0 ? _spare.Pop() : new Held(this);
            held.Set(operation, offset, length, buffers);
            task = held.Task;
            _held.Add(held);
        }

        if (cancellationToken.CanBeCanceled && !IgnoresCancellation)
        {
            held.Watch(cancellationToken);
        }

        return task;
    }

    private Exception? Perform(BlockOperation operation, long offset, long length, BufferList buffers)
    {
        if (Failure?.Invoke(operation) is { } failure)
        {
            return failure;
        }

        Log?.Add(operation == BlockOperation.Flush ? "Flush" : $"{operation} {offset / 512}+{length / 512}");
        var range = _content.AsSpan((int)offset, (int)length);
        for (var i = 0; i < buffers.Count; i++)
        {
            var piece = buffers[i].Span;
            if (operation == BlockOperation.Read)
            {
                range[..piece.Length].CopyTo(piece);
            }
            else
            {
                piece.CopyTo(range);
            }

            range = range[piece.Length..];
        }

        if (operation is BlockOperation.Discard or BlockOperation.WriteZeroes)
        {
            range.Clear();
        }

        return null;
    }

    private sealed class Held(ScriptedStorage owner) : IValueTaskSource<BlockResult>
    {
        private ManualResetValueTaskSourceCore<BlockResult> _core;
        private CancellationTokenRegistration _watch;
        private BlockOperation _operation;
        private long _offset;
        private long _length;
        private BufferList _buffers;

        public ValueTask<BlockResult> Task => new(this, _core.Version);

        public void Set(BlockOperation operation, long offset, long length, BufferList buffers)
        {
            _core.Reset();
            (_operation, _offset, _length, _buffers) = (operation, offset, length, buffers);
        }

        public void Watch(CancellationToken cancellationToken) =>
            _watch = cancellationToken.UnsafeRegister(static state => ((Held)state!).Cancel(), this);

        public void Run()
        {
            _watch.Dispose(); // waits for a cancellation that runs: it finds nothing to cancel
            if (owner.Perform(_operation, _offset, _length, _buffers) is { } failure)
            {
                _core.SetException(failure);
            }
            else
            {
                _core.SetResult(BlockResult.Ok);
            }
        }

        public BlockResult GetResult(short token)
        {
            try
            {
                return _core.GetResult(token);
            }
            finally
            {
                lock (owner._held)
                {
                    owner._spare.Push(this);
                }
            }
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);

        private void Cancel()
        {
            lock (owner._held)
            {
                if (!owner._held.Remove(this))
                {
                    return;
                }
            }

            _core.SetException(new OperationCanceledException());
        }
    }
}
