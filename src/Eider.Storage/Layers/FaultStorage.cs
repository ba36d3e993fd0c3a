namespace Eider.Storage.Layers;

/// <summary>
/// Fails requests on purpose, by rules: every k-th, at a place, by operation, once. For tests of whatever stands
/// on a storage, and for users who want to see how a guest takes a broken disk.
/// </summary>
public sealed class FaultStorage : BlockStorageLayer
{
    private readonly Lock _gate = new();
    private readonly List<ArmedRule> _rules;
    private long _injected;

    /// <summary>A storage with rules.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="rules">When to fail; more can be added later.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    public FaultStorage(BlockStorage inner, IEnumerable<FaultRule> rules, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
        ArgumentNullException.ThrowIfNull(rules);
        _rules = [.. rules.Select(rule => new ArmedRule(rule))];
    }

    /// <summary>How many requests were failed.</summary>
    public long InjectedCount => Interlocked.Read(ref _injected);

    /// <summary>Adds a rule; it counts from now on.</summary>
    public void Add(FaultRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        lock (_gate)
        {
            _rules.Add(new ArmedRule(rule));
        }
    }

    /// <summary>Removes all rules: the storage works again.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _rules.Clear();
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        ThrowIfDue(BlockOperation.Read, offsetBytes, buffers.LengthBytes);
        return base.ReadCoreAsync(offsetBytes, buffers, cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        if (Due(BlockOperation.Write, offsetBytes, buffers.LengthBytes) is not { } rule)
        {
            return await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
        }

        var torn = Math.Min(rule.TornBytes, buffers.LengthBytes);
        if (torn > 0)
        {
            await base.WriteCoreAsync(offsetBytes, buffers.Slice(0, torn), cancellationToken).ConfigureAwait(false);
        }

        throw Failure(rule, BlockOperation.Write, offsetBytes);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        ThrowIfDue(BlockOperation.Flush, null, 0);
        return base.FlushCoreAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        ThrowIfDue(BlockOperation.Discard, offsetBytes, lengthBytes);
        return base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        ThrowIfDue(BlockOperation.WriteZeroes, offsetBytes, lengthBytes);
        return base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        ThrowIfDue(BlockOperation.Extents, offsetBytes, lengthBytes);
        return base.GetExtentCoreAsync(offsetBytes, lengthBytes, cancellationToken);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        ThrowIfDue(BlockOperation.Resize, null, 0);
        return base.ResizeCoreAsync(sizeBytes, cancellationToken);
    }

    private void ThrowIfDue(BlockOperation operation, long? offsetBytes, long lengthBytes)
    {
        if (Due(operation, offsetBytes, lengthBytes) is { } rule)
        {
            throw Failure(rule, operation, offsetBytes);
        }
    }

    private FaultRule? Due(BlockOperation operation, long? offsetBytes, long lengthBytes)
    {
        lock (_gate)
        {
            foreach (var armed in _rules)
            {
                if (armed.IsDue(operation, offsetBytes, lengthBytes))
                {
                    Interlocked.Increment(ref _injected);
                    return armed.Rule;
                }
            }
        }

        return null;
    }

    private BlockStorageException Failure(FaultRule rule, BlockOperation operation, long? offsetBytes) => new(
        rule.Kind, operation, Name, offsetBytes, $"{Name}: injected fault ({rule.Kind}, {operation}, offset {offsetBytes})");

    private sealed class ArmedRule(FaultRule rule)
    {
        private long _fitting;
        private bool _spent;

        public FaultRule Rule { get; } = rule;

        public bool IsDue(BlockOperation operation, long? offsetBytes, long lengthBytes)
        {
            var fits = !_spent
                && (Rule.Operation == null || Rule.Operation == operation)
                && (Rule.OffsetBytes is not { } place
                    || (offsetBytes is { } offset && place >= offset && place - offset < lengthBytes));
            if (!fits || ++_fitting % Math.Max(1, Rule.Every) != 0)
            {
                return false;
            }

            _spent = Rule.IsOnce;
            return true;
        }
    }
}
