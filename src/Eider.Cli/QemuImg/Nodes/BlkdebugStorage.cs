using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>
/// Fails requests by rules that events make active, as QEMU's <c>blkdebug</c> does. The events are those of requests:
/// reads, writes, zeroes and flushes; those from inside of a format driver do not happen here.
/// </summary>
internal sealed class BlkdebugStorage : BlockStorageLayer
{
    private static readonly AsyncLocal<bool> Asking = new();

    private readonly Lock _gate = new();
    private readonly List<BlkdebugRule> _rules;
    private readonly List<BlkdebugRule> _active = [];
    private int _state = 1;
    private bool _hasBegun;

    /// <summary>A storage with rules.</summary>
    public BlkdebugStorage(BlockStorage inner, IEnumerable<BlkdebugRule> rules)
        : base(inner)
    {
        _rules = [.. rules];
        Happen("none");
    }

    /// <summary>True while a format answers a question about its tables: what it reads for that is no event.</summary>
    public static bool IsAsking
    {
        get => Asking.Value;
        set => Asking.Value = value;
    }

    /// <summary>From now on requests are events: what a format reads while it is opened is none.</summary>
    public void Begin() => _hasBegun = true;

    protected override ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        Happen("read_aio");
        ThrowIfFaulty(BlockOperation.Read, offsetBytes, buffers.LengthBytes);
        return base.ReadCoreAsync(offsetBytes, buffers, cancellationToken);
    }

    protected override async ValueTask<BlockResult> WriteCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        Happen("write_aio");
        Happen("pwritev");
        ThrowIfFaulty(BlockOperation.Write, offsetBytes, buffers.LengthBytes);
        var result = await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken);
        Happen("pwritev_done");
        return result;
    }

    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        Happen("pwritev_zero");
        ThrowIfFaulty(BlockOperation.WriteZeroes, offsetBytes, lengthBytes);
        return base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken);
    }

    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        Happen("flush_to_os");
        Happen("flush_to_disk");
        ThrowIfFaulty(BlockOperation.Flush, 0, 0);
        return base.FlushCoreAsync(cancellationToken);
    }

    protected override ValueTask<BlockResult> DiscardCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        ThrowIfFaulty(BlockOperation.Discard, offsetBytes, lengthBytes);
        return base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken);
    }

    protected override ValueTask<BlockExtent> GetExtentCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        ThrowIfFaulty(BlockOperation.Extents, offsetBytes, lengthBytes);
        return base.GetExtentCoreAsync(offsetBytes, lengthBytes, cancellationToken);
    }

    private void Happen(string name)
    {
        lock (_gate)
        {
            if ((!_hasBegun || IsAsking) && name != "none")
            {
                return;
            }

            var state = _state;
            var due = _rules.FindAll(rule => rule.Event == name && (rule.State == 0 || rule.State == state));
            var faults = due.FindAll(rule => rule.NewState == null);
            if (faults.Count > 0)
            {
                // What an event makes active takes the place of what was.
                _active.Clear();
                _active.AddRange(faults);
            }

            _state = due.FindLast(rule => rule.NewState != null)?.NewState ?? _state;
        }
    }

    private void ThrowIfFaulty(BlockOperation operation, long offsetBytes, long lengthBytes)
    {
        lock (_gate)
        {
            var rule = _active.Find(rule =>
                (rule.Operation == operation || (rule.Operation == null && operation != BlockOperation.Extents))
                && (rule.Sector is not { } sector || (sector * 512 >= offsetBytes && (sector * 512) - offsetBytes < lengthBytes)));
            if (rule == null || rule.ErrorNumber == 0)
            {
                return;
            }

            if (rule.IsOnce)
            {
                _active.Remove(rule);
                _rules.Remove(rule);
            }

            var kind = QemuWords.KindOf(rule.ErrorNumber);
            throw new BlockStorageException(kind, operation, Name, offsetBytes, $"{Name}: injected fault: {QemuWords.OfKind(kind)}");
        }
    }
}
