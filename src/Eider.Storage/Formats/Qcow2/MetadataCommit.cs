using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Writes changed metadata in an order that leaves a consistent image after a crash at any moment: refcounts and data
/// before the tables that refer to them, tables before their old clusters are used again. See docs/formats/qcow2.md,
/// "Order of writes".
/// </summary>
internal sealed class MetadataCommit(Qcow2Core core)
{
    private readonly AsyncMutex _mutex = new();
    private volatile bool _isIdle = true;

    /// <summary>True if enough waits to be written that a writer should do it now.</summary>
    public bool IsDue => core.Cache.IsFullOfChanges || core.Allocator.HasManyFrees;

    /// <summary>Writes all that was changed until now.</summary>
    /// <param name="mustFlush">True to make data durable too that needed no change of metadata.</param>
    /// <param name="withRefcounts">True to write refcounts also where they may be late.</param>
    /// <param name="cancellationToken">Ends the wait for another commit early.</param>
    public ValueTask RunAsync(bool mustFlush, bool withRefcounts, CancellationToken cancellationToken) =>
        mustFlush && _isIdle && !HasChanges && core.Data == core.File && !core.IsBroken
            ? FlushOnlyAsync(cancellationToken)
            : RunWholeAsync(mustFlush, withRefcounts, cancellationToken);

    /// <summary>Flushes the files.</summary>
    public async ValueTask FlushAllAsync()
    {
        if (core.Data != core.File)
        {
            await FlushAsync(core.Data).ConfigureAwait(false);
        }

        await FlushAsync(core.File).ConfigureAwait(false);
    }

    private bool HasChanges =>
        core.Cache.DirtyCount > 0 || core.L1.IsDirty || core.Allocator.HasFrees || core.Allocator.Refcounts.IsDirty;

    private async ValueTask RunWholeAsync(bool mustFlush, bool withRefcounts, CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _isIdle = false;
            core.ThrowIfBroken(BlockOperation.Flush);
            var frees = core.Allocator.TakePending();
            try
            {
                await WriteAsync(frees, mustFlush, withRefcounts).ConfigureAwait(false);
            }
            catch
            {
                core.Allocator.PutBack(frees);
                throw;
            }

            await core.Allocator.CommittedAsync(frees, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _isIdle = true;
            _mutex.Exit();
        }
    }

    /// <summary>Data went in place: no table changed, and no commit is under way.</summary>
    private ValueTask FlushOnlyAsync(CancellationToken cancellationToken)
    {
        var flush = core.File.FlushAsync(cancellationToken);
        if (!flush.IsCompletedSuccessfully)
        {
            return AwaitAsync(flush);
        }

        _ = flush.Result;
        return ValueTask.CompletedTask;

        static async ValueTask AwaitAsync(ValueTask<BlockResult> flush) => await flush.ConfigureAwait(false);
    }

    private async ValueTask WriteAsync(List<PendingFree> frees, bool mustFlush, bool withRefcounts)
    {
        // Copies first: what changes later may refer to data that are not durable yet.
        var l2 = CopyDirty(core.Cache.DirtyOf(MetadataKind.ActiveL2));
        var l1 = core.L1.TakeDirty();
        var isTableChanged = l2.Count > 0 || l1.Count > 0;
        try
        {
            // A table that moved is named by the header before its old place, which is among the freed, is used again.
            if (withRefcounts || !core.Header.HasLazyRefcounts || core.Allocator.Refcounts.IsMoved)
            {
                await WriteRefcountsAsync(isTableChanged).ConfigureAwait(false);
            }
            else if (isTableChanged)
            {
                await FlushAllAsync().ConfigureAwait(false);
            }

            foreach (var (_, offset, bytes) in l1)
            {
                await WriteAsync(offset, bytes).ConfigureAwait(false);
            }

            foreach (var (slice, changes, bytes) in l2)
            {
                core.Metadata.ThrowUnless(MetadataKind.ActiveL2, slice.Offset);
                await WriteAsync(slice.Offset, bytes).ConfigureAwait(false);
                core.Cache.MarkWritten(slice, changes);
            }
        }
        catch
        {
            foreach (var (sector, _, _) in l1)
            {
                core.L1.PutBack(sector);
            }

            throw;
        }

        if (mustFlush)
        {
            await FlushAllAsync().ConfigureAwait(false);
        }
        else if (frees.Count > 0)
        {
            await FlushAsync(core.File).ConfigureAwait(false);
        }
    }

    /// <summary>Writes refcounts, then what refers to new refcount blocks, then the place of the table.</summary>
    private async ValueTask WriteRefcountsAsync(bool isTableChanged)
    {
        await core.Allocator.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        var refcounts = core.Allocator.Refcounts;
        List<(MetadataSlice Slice, long Changes, byte[] Bytes)> blocks;
        List<(int Sector, long Offset, byte[] Bytes)> table = [];
        var (isMoved, place, clusters) = (false, 0L, 0);
        try
        {
            blocks = CopyDirty(core.Cache.DirtyOf(MetadataKind.RefcountBlock));
            if (refcounts.IsDirty)
            {
                table = refcounts.TakeDirty();
                (isMoved, place, clusters) = (refcounts.IsMoved, refcounts.Offset, refcounts.Clusters);
            }
        }
        finally
        {
            core.Allocator.Exit();
        }

        try
        {
            foreach (var (slice, changes, bytes) in blocks)
            {
                core.Metadata.ThrowUnless(MetadataKind.RefcountBlock, slice.Offset);
                await WriteAsync(slice.Offset, bytes).ConfigureAwait(false);
                core.Cache.MarkWritten(slice, changes);
            }

            if (isTableChanged || table.Count > 0)
            {
                await FlushAllAsync().ConfigureAwait(false);
            }

            foreach (var (_, offset, bytes) in table)
            {
                await WriteAsync(offset, bytes).ConfigureAwait(false);
            }

            if (table.Count > 0)
            {
                await FlushAsync(core.File).ConfigureAwait(false);
            }

            if (isMoved)
            {
                await SwitchTableAsync(place, clusters).ConfigureAwait(false);
                await WithRefcountsAsync(() => refcounts.HeaderNames(place)).ConfigureAwait(false);
            }
        }
        catch
        {
            await WithRefcountsAsync(() => refcounts.PutBack(table.Select(sector => sector.Sector))).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Changes what the table knows of itself, while nobody moves it.</summary>
    private async ValueTask WithRefcountsAsync(Action action)
    {
        await core.Allocator.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            action();
        }
        finally
        {
            core.Allocator.Exit();
        }
    }

    private async ValueTask SwitchTableAsync(long offset, int clusters)
    {
        var field = new byte[12];
        BinaryPrimitives.WriteInt64BigEndian(field, offset);
        BinaryPrimitives.WriteInt32BigEndian(field.AsSpan(8), clusters);
        await HeaderField.WriteAsync(core, Qcow2HeaderWriter.RefcountTableField, field).ConfigureAwait(false);
        core.UpdateHeader(header => header with { RefcountTableOffset = offset, RefcountTableClusters = clusters });
    }

    private static async ValueTask FlushAsync(ImageFile file) =>
        await file.FlushAsync(CancellationToken.None).ConfigureAwait(false);

    private async ValueTask WriteAsync(long offset, byte[] bytes) =>
        await core.File.WriteAsync(offset, bytes, CancellationToken.None).ConfigureAwait(false);

    private static List<(MetadataSlice Slice, long Changes, byte[] Bytes)> CopyDirty(List<MetadataSlice> slices)
    {
        var copies = new List<(MetadataSlice, long, byte[])>(slices.Count);
        foreach (var slice in slices)
        {
            lock (slice.Gate)
            {
                if (!slice.IsEvicted)
                {
                    copies.Add((slice, slice.Changes, slice.Content.ToArray()));
                }
            }
        }

        return copies;
    }
}
