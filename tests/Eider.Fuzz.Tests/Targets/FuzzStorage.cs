using System.Threading.Tasks.Sources;
using Eider.Storage;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>A small disk that counts what it did, answers late or fails when told to, and allocates nothing.</summary>
internal sealed class FuzzStorage(int sizeBytes) : BlockStorage
{
    private readonly byte[] _content = new byte[sizeBytes];
    private readonly List<Held> _held = [];
    private readonly Stack<Held> _spare = new();

    public override string Name => "fuzz";

    public override BlockGeometry Geometry { get; } = new()
    {
        CanDiscard = true,
        DiscardGranularityBytes = 512,
        WriteZeroesMayUnmap = true,
    };

    public override long SizeBytes => _content.Length;

    /// <summary>Operations that were done, wholly and well.</summary>
    public int Done { get; private set; }

    /// <summary>Operations wait until <see cref="LetGo"/>.</summary>
    public bool Holds { get; set; }

    /// <summary>Held operations go on although they were cancelled.</summary>
    public bool IgnoresCancellation { get; set; }

    /// <summary>Operations fail as if the host were broken.</summary>
    public bool Fails { get; set; }

    /// <summary>Forgets everything.</summary>
    public void Begin()
    {
        _content.AsSpan().Clear();
        (Done, Holds, IgnoresCancellation, Fails) = (0, false, false, false);
    }

    /// <summary>Lets what is held go on, the last one first.</summary>
    /// <returns>False if nothing was.</returns>
    public bool LetGo()
    {
        var any = _held.Count > 0;
        while (_held.Count > 0)
        {
            var held = _held[^1];
            _held.RemoveAt(_held.Count - 1);
            held.Run();
        }

        return any;
    }

    protected override ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        Start(BlockOperation.Read, offsetBytes, buffers.LengthBytes, buffers, cancellationToken);

    protected override ValueTask<BlockResult> WriteCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        Start(BlockOperation.Write, offsetBytes, buffers.LengthBytes, buffers, cancellationToken);

    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        Start(BlockOperation.Flush, 0, 0, default, cancellationToken);

    protected override ValueTask<BlockResult> DiscardCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        Start(BlockOperation.Discard, offsetBytes, lengthBytes, default, cancellationToken);

    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        Start(BlockOperation.WriteZeroes, offsetBytes, lengthBytes, default, cancellationToken);

    private ValueTask<BlockResult> Start(BlockOperation operation, long offset, long length, BufferList buffers, CancellationToken cancellationToken)
    {
        if (!Holds)
        {
            return Perform(operation, offset, length, buffers) is { } failure
                ? ValueTask.FromException<BlockResult>(failure)
                : ValueTask.FromResult(BlockResult.Ok);
        }

        var held = _spare.Count > 0 ? _spare.Pop() : new Held(this);
        held.Set(operation, offset, length, buffers);
        _held.Add(held);
        var task = held.Task;
        if (!IgnoresCancellation)
        {
            held.Watch(cancellationToken);
        }

        return task;
    }

    private BlockStorageException? Perform(BlockOperation operation, long offset, long length, BufferList buffers)
    {
        // A flush that fails once fails for good (the storage's contract), in all later cases too: other tests are about that.
        if (Fails && operation != BlockOperation.Flush)
        {
            return new BlockStorageException(BlockErrorKind.Io, operation, Name, offset, "fuzz: the host is broken");
        }

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

        Done++;
        return null;
    }

    private sealed class Held(FuzzStorage owner) : IValueTaskSource<BlockResult>
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
            _watch.Dispose();
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
                owner._spare.Push(this);
            }
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);

        private void Cancel()
        {
            if (owner._held.Remove(this))
            {
                _core.SetException(new OperationCanceledException());
            }
        }
    }
}
