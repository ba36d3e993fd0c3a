using System.Buffers;
using System.Numerics;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Puts data into host clusters together with what a partial write leaves of the old content, in one write, and changes
/// the entries afterwards. The locks of the guest clusters are held.
/// </summary>
internal sealed class CopyOnWrite(Qcow2Core core)
{
    private const int SectorBytes = 512;

    /// <summary>Host clusters for guest clusters; with an external data file those are fixed.</summary>
    public ValueTask<HostRun> AllocateAsync(long guest, int most, CancellationToken cancellationToken) =>
        core.Layout.HasDataFile
            ? ValueTask.FromResult(new HostRun(guest & ~core.Layout.ClusterMask, most, false))
            : core.Allocator.AllocateAsync(most, cancellationToken);

    /// <summary>Writes over data that are there.</summary>
    public async ValueTask WriteInPlaceAsync(long guest, long host, BufferList data, CancellationToken cancellationToken)
    {
        if (!core.Layout.HasDataFile)
        {
            core.Metadata.ThrowIfOverlaps(host, data.LengthBytes, "a write");
        }

        if (core.Cipher == null)
        {
            await core.Data.WriteAsync(host, data, cancellationToken).ConfigureAwait(false);
            return;
        }

        // Whole sectors are encrypted: the rest of the first and the last one is read.
        var head = (int)(guest & (SectorBytes - 1));
        var tail = (int)(-(guest + data.LengthBytes) & (SectorBytes - 1));
        await WriteSurroundedAsync(guest, host, head, data, tail, isHeadZero: false, isTailZero: false, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Writes into host clusters that held no data for the disk until now, and changes the entries.</summary>
    /// <param name="table">The L2 table.</param>
    /// <param name="guest">Where the data start on the disk.</param>
    /// <param name="run">The host clusters.</param>
    /// <param name="data">The data; they end in the last cluster.</param>
    /// <param name="old">The entries as they are.</param>
    /// <param name="isNew">True if the host clusters are newly allocated, false if they belong to the entries.</param>
    /// <param name="cancellationToken">Ends the request early, before the entries are changed.</param>
    public async ValueTask WriteAsync(
        long table, long guest, HostRun run, BufferList data, ReadOnlyMemory<L2Entry> old, bool isNew, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        var end = guest + data.LengthBytes;
        var firstRange = Covered(old.Span[0], guest, Math.Min(end, ((guest >> bits) + 1) << bits), isNew);
        var lastRange = old.Length == 1 ? firstRange : Covered(old.Span[^1], (end - 1) & ~core.Layout.ClusterMask, end, isNew);
        var head = (int)(guest - firstRange.Start);
        var tail = (int)(lastRange.End - end);
        if (!isNew && !core.Layout.HasDataFile)
        {
            core.Metadata.ThrowIfOverlaps(run.Offset, (long)run.Clusters << bits, "a write");
        }

        var isHeadZero = head > 0 && await core.Reader.IsZeroAsync(firstRange.Start, head, cancellationToken).ConfigureAwait(false);
        var isTailZero = tail > 0 && await core.Reader.IsZeroAsync(end, tail, cancellationToken).ConfigureAwait(false);
        if (run.IsFresh && core.Cipher == null)
        {
            // Nothing was ever written there: it is zero already.
            (head, isHeadZero) = isHeadZero ? (0, false) : (head, false);
            (tail, isTailZero) = isTailZero ? (0, false) : (tail, false);
        }

        await WriteSurroundedAsync(
            guest, run.Offset + (guest & core.Layout.ClusterMask), head, data, tail, isHeadZero, isTailZero, cancellationToken)
            .ConfigureAwait(false);
        await ChangeEntriesAsync(table, guest, run, old, firstRange, lastRange, isNew).ConfigureAwait(false);
    }

    private async ValueTask ChangeEntriesAsync(
        long table, long guest, HostRun run, ReadOnlyMemory<L2Entry> old, (long Start, long End) firstRange,
        (long Start, long End) lastRange, bool isNew)
    {
        var entries = ArrayPool<L2Entry>.Shared.Rent(old.Length);
        try
        {
            for (var index = 0; index < old.Length; index++)
            {
                var descriptor = (ulong)(run.Offset + ((long)index << core.Layout.ClusterBits)) | L2Entry.CopiedFlag;
                entries[index] = new L2Entry(descriptor, 0);
                if (core.Layout.HasExtendedL2)
                {
                    var start = (guest & ~core.Layout.ClusterMask) + ((long)index << core.Layout.ClusterBits);
                    var from = index == 0 ? firstRange.Start : start;
                    var to = index == old.Length - 1 ? lastRange.End : start + core.Layout.ClusterBytes;
                    entries[index] = new L2Entry(descriptor, BitmapAfter(old.Span[index], from, to, isNew));
                }
            }

            // Not cancelled any more: the data are there.
            await core.L2.WriteAsync(table, guest, entries.AsMemory(0, old.Length), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<L2Entry>.Shared.Return(entries);
        }
    }

    private ulong BitmapAfter(L2Entry old, long from, long to, bool isNew)
    {
        var written = (ulong)WriteClassifier.Touched(core.Layout, from, to);
        var kept = old.IsCompressed ? 0 : old.Bitmap;
        var allocated = (isNew ? 0 : kept & L2Entry.AllAllocated) | written;
        var zero = kept & L2Entry.AllZero & ~(written << 32);
        return allocated | zero;
    }

    /// <summary>
    /// What must be written of a cluster so that a range of it can be: all of it without subclusters; else whole
    /// subclusters, and with a new host cluster also all that the old one had.
    /// </summary>
    private (long Start, long End) Covered(L2Entry old, long start, long end, bool isNew)
    {
        var cluster = start & ~core.Layout.ClusterMask;
        if (!core.Layout.HasExtendedL2 || old.IsCompressed)
        {
            return (cluster, cluster + core.Layout.ClusterBytes);
        }

        var bits = WriteClassifier.Touched(core.Layout, start, end);
        if (isNew)
        {
            bits |= old.AllocatedSubclusters;
            var first = BitOperations.TrailingZeroCount(bits);
            var last = 31 - BitOperations.LeadingZeroCount(bits);
            return (cluster + ((long)first << core.Layout.SubclusterBits), cluster + ((long)(last + 1) << core.Layout.SubclusterBits));
        }

        // A subcluster with data at the edge is written in part.
        var from = start;
        var to = end;
        var firstTouched = BitOperations.TrailingZeroCount(bits);
        var lastTouched = 31 - BitOperations.LeadingZeroCount(bits);
        if ((old.AllocatedSubclusters & (1U << firstTouched)) == 0)
        {
            from = cluster + ((long)firstTouched << core.Layout.SubclusterBits);
        }

        if ((old.AllocatedSubclusters & (1U << lastTouched)) == 0)
        {
            to = cluster + ((long)(lastTouched + 1) << core.Layout.SubclusterBits);
        }

        // Whole sectors are encrypted.
        return core.Cipher == null ? (from, to) : (from & ~(SectorBytes - 1L), (to + SectorBytes - 1) & ~(SectorBytes - 1L));
    }

    /// <summary>One write of old content, data and old content.</summary>
    private async ValueTask WriteSurroundedAsync(
        long guest, long host, int head, BufferList data, int tail, bool isHeadZero, bool isTailZero, CancellationToken cancellationToken)
    {
        if (head == 0 && tail == 0 && core.Cipher == null)
        {
            await core.Data.WriteAsync(host, data, cancellationToken).ConfigureAwait(false);
            return;
        }

        var around = ArrayPool<byte>.Shared.Rent(Math.Max(1, head + tail));
        try
        {
            await ReadOldAsync(guest - head, around.AsMemory(0, head), isHeadZero, cancellationToken).ConfigureAwait(false);
            await ReadOldAsync(guest + data.LengthBytes, around.AsMemory(head, tail), isTailZero, cancellationToken).ConfigureAwait(false);
            if (core.Cipher == null)
            {
                await WritePlainAsync(host - head, around.AsMemory(0, head), data, around.AsMemory(head, tail), cancellationToken)
                    .ConfigureAwait(false);
            }
            else
            {
                await WriteEncryptedAsync(guest - head, host - head, around.AsMemory(0, head), data, around.AsMemory(head, tail), cancellationToken)
                    .ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(around);
        }
    }

    private async ValueTask ReadOldAsync(long guest, Memory<byte> bytes, bool isZero, CancellationToken cancellationToken)
    {
        // Behind the end of the disk there is nothing to keep.
        var present = (int)Math.Clamp(core.Header.SizeBytes - guest, 0, bytes.Length);
        bytes.Span[present..].Clear();
        if (isZero)
        {
            bytes.Span.Clear();
        }
        else if (present > 0)
        {
            await core.Reader.ReadAsync(guest, bytes[..present], cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask WritePlainAsync(
        long host, Memory<byte> head, BufferList data, Memory<byte> tail, CancellationToken cancellationToken)
    {
        var pieces = ArrayPool<Memory<byte>>.Shared.Rent(data.Count + 2);
        try
        {
            pieces[0] = head;
            for (var index = 0; index < data.Count; index++)
            {
                pieces[index + 1] = data[index];
            }

            pieces[data.Count + 1] = tail;
            var list = new BufferList(pieces.AsMemory(0, data.Count + 2));
            await core.Data.WriteAsync(host, list, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<Memory<byte>>.Shared.Return(pieces, clearArray: true);
        }
    }

    private async ValueTask WriteEncryptedAsync(
        long guest, long host, Memory<byte> head, BufferList data, Memory<byte> tail, CancellationToken cancellationToken)
    {
        var length = (int)(head.Length + data.LengthBytes + tail.Length);
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            head.CopyTo(bytes);
            data.CopyTo(0, bytes.AsSpan(head.Length, (int)data.LengthBytes));
            tail.CopyTo(bytes.AsMemory(head.Length + (int)data.LengthBytes));
            core.Cipher!.Encrypt(bytes.AsSpan(0, length), core.Cipher.IsByHostOffset ? host : guest);
            await core.Data.WriteAsync(host, bytes.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
