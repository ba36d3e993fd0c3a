using System.Buffers;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Writes data that cannot simply go in place: clusters are allocated, what a partial write leaves is copied, and the
/// tables learn of it after the data are in the file.
/// </summary>
internal sealed class ClusterWriter(Qcow2Core core)
{
    private readonly CopyOnWrite _copy = new(core);

    /// <summary>Writes a range of the disk.</summary>
    public async ValueTask WriteAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var length = buffers.LengthBytes;
        var bits = core.Layout.ClusterBits;
        for (var done = 0L; done < length;)
        {
            var start = offsetBytes + done;
            var clusters = core.L2.ClustersInSlice(start);
            var sliceEnd = ((start >> bits) + clusters) << bits;
            var part = Math.Min(length - done, sliceEnd - start);
            var held = await core.ClusterLocks.EnterAsync(start >> bits, (start + part - 1) >> bits, cancellationToken)
                .ConfigureAwait(false);
            try
            {
                await WriteInSliceAsync(start, buffers.Slice(done, part), cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                core.ClusterLocks.Exit(held);
            }

            done += part;
        }
    }

    /// <summary>Sets clusters of the disk aside, whose space reads as zeroes: preallocation. Nobody else writes.</summary>
    public async ValueTask PreallocateAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        var end = offsetBytes + lengthBytes;
        for (var guest = offsetBytes & ~core.Layout.ClusterMask; guest < end;)
        {
            var table = await core.L2.GetWritableTableAsync(guest, cancellationToken).ConfigureAwait(false);
            var wanted = (int)Math.Min(core.L2.ClustersInSlice(guest), core.Layout.ClustersFor(end - guest));
            var run = await _copy.AllocateAsync(guest, wanted, cancellationToken).ConfigureAwait(false);
            if (!run.IsFresh && !core.Layout.HasDataFile)
            {
                await core.Data.WriteZeroesAsync(run.Offset, (long)run.Clusters << bits, mayUnmap: false, cancellationToken)
                    .ConfigureAwait(false);
            }

            var entries = new L2Entry[run.Clusters];
            for (var index = 0; index < entries.Length; index++)
            {
                entries[index] = new L2Entry(
                    (ulong)(run.Offset + ((long)index << bits)) | L2Entry.CopiedFlag,
                    core.Layout.HasExtendedL2 ? L2Entry.AllAllocated : 0);
            }

            await core.L2.WriteAsync(table, guest, entries, cancellationToken).ConfigureAwait(false);
            guest += (long)run.Clusters << bits;
        }
    }

    /// <summary>Writes one compressed cluster in place of whatever is there.</summary>
    /// <param name="guestOffset">Where the cluster begins.</param>
    /// <param name="compressed">Its compressed bytes.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    public async ValueTask WriteCompressedAsync(long guestOffset, Memory<byte> compressed, CancellationToken cancellationToken)
    {
        var cluster = guestOffset >> core.Layout.ClusterBits;
        var held = await core.ClusterLocks.EnterAsync(cluster, cluster, cancellationToken).ConfigureAwait(false);
        try
        {
            var table = await core.L2.GetWritableTableAsync(guestOffset, cancellationToken).ConfigureAwait(false);
            var old = new L2Entry[1];
            await core.L2.ReadAsync(guestOffset, old, cancellationToken).ConfigureAwait(false);
            var offset = await core.Allocator.AllocateBytesAsync(compressed.Length, cancellationToken).ConfigureAwait(false);
            var descriptor = core.Layout.CompressedDescriptor(offset, compressed.Length);
            var (_, placeBytes) = core.Layout.CompressedPlace(descriptor);
            try
            {
                await core.File.WriteAsync(offset, compressed, cancellationToken).ConfigureAwait(false);
                await core.L2.WriteAsync(table, guestOffset, new L2Entry[] { new(descriptor, 0) }, cancellationToken)
                    .ConfigureAwait(false);
            }
            catch
            {
                await core.Allocator.ReleaseAsync(offset, placeBytes).ConfigureAwait(false);
                throw;
            }

            core.L2.Free(old[0], mayPunch: true);
        }
        finally
        {
            core.ClusterLocks.Exit(held);
        }
    }

    /// <summary>Writes inside of one slice; the caller holds the locks of the clusters.</summary>
    public ValueTask WriteLockedAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        WriteInSliceAsync(offsetBytes, buffers, cancellationToken);

    private async ValueTask WriteInSliceAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        var count = (int)(((offsetBytes + buffers.LengthBytes - 1) >> bits) - (offsetBytes >> bits)) + 1;
        var entries = ArrayPool<L2Entry>.Shared.Rent(count);
        try
        {
            var table = await core.L2.GetWritableTableAsync(offsetBytes, cancellationToken).ConfigureAwait(false);
            await core.L2.ReadAsync(offsetBytes, entries.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            var end = offsetBytes + buffers.LengthBytes;
            for (var start = offsetBytes; start < end;)
            {
                var index = (int)((start >> bits) - (offsetBytes >> bits));
                var rest = entries.AsMemory(index, count - index);
                var written = await WriteSomeAsync(table, start, buffers.Slice(start - offsetBytes, end - start), rest, cancellationToken)
                    .ConfigureAwait(false);
                start += written;
            }
        }
        finally
        {
            ArrayPool<L2Entry>.Shared.Return(entries);
        }
    }

    /// <summary>Writes as many clusters as can be treated alike; returns how many bytes.</summary>
    private async ValueTask<long> WriteSomeAsync(
        long table, long guest, BufferList buffers, Memory<L2Entry> entries, CancellationToken cancellationToken)
    {
        var (way, clusters) = WriteClassifier.Classify(core.Layout, core.Mapper, guest, buffers.LengthBytes, entries.Span);
        var run = new HostRun(entries.Span[0].HostOffset, clusters, false);
        if (way == WriteWay.Allocate)
        {
            run = await _copy.AllocateAsync(guest, clusters, cancellationToken).ConfigureAwait(false);
            clusters = run.Clusters;
        }

        var within = guest & core.Layout.ClusterMask;
        var bytes = Math.Min(buffers.LengthBytes, ((long)clusters << core.Layout.ClusterBits) - within);
        var data = buffers.Slice(0, bytes);
        var old = entries[..clusters];
        if (way == WriteWay.InPlace)
        {
            await _copy.WriteInPlaceAsync(guest, run.Offset + within, data, cancellationToken).ConfigureAwait(false);
            return bytes;
        }

        try
        {
            await _copy.WriteAsync(table, guest, run, data, old, way == WriteWay.Allocate, cancellationToken).ConfigureAwait(false);
        }
        catch when (way == WriteWay.Allocate && !core.Layout.HasDataFile)
        {
            await core.Allocator.ReleaseAsync(run.Offset, (long)run.Clusters << core.Layout.ClusterBits).ConfigureAwait(false);
            throw;
        }

        if (way == WriteWay.Allocate)
        {
            for (var index = 0; index < old.Length; index++)
            {
                core.L2.Free(old.Span[index], mayPunch: false);
            }
        }

        return bytes;
    }
}
