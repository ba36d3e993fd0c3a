namespace Eider.Storage.Layers;

/// <summary>
/// Slows requests down to the limits of a group; several storages of one group share them. Flushes and questions pass.
/// </summary>
public sealed class ThrottleStorage : BlockStorageLayer
{
    /// <summary>A throttled storage.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="group">The limits; shared with the other storages of the group.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    public ThrottleStorage(BlockStorage inner, ThrottleGroup group, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
        ArgumentNullException.ThrowIfNull(group);
        Group = group;
    }

    /// <summary>The limits.</summary>
    public ThrottleGroup Group { get; }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        await Group.AdmitAsync(isRead: true, buffers.LengthBytes, cancellationToken).ConfigureAwait(false);
        return await base.ReadCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        await Group.AdmitAsync(isRead: false, buffers.LengthBytes, cancellationToken).ConfigureAwait(false);
        return await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        await Group.AdmitAsync(isRead: false, 0, cancellationToken).ConfigureAwait(false);
        return await base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        await Group.AdmitAsync(isRead: false, lengthBytes, cancellationToken).ConfigureAwait(false);
        return await base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken).ConfigureAwait(false);
    }
}
