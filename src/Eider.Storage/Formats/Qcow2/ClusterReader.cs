using System.Buffers;
using System.Globalization;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Reads runs of every kind: data, zeroes, the backing image, compressed and encrypted clusters.</summary>
internal sealed class ClusterReader(Qcow2Core core)
{
    private const int SectorBytes = 512;

    private readonly DecodedClusters _decoded = new(core.Layout.ClusterBytes);

    /// <summary>Reads a range of the disk.</summary>
    public async ValueTask ReadAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var length = buffers.LengthBytes;
        for (var done = 0L; done < length;)
        {
            if (!core.Mapper.TryMap(offsetBytes + done, length - done, out var run))
            {
                run = await core.Mapper.MapAsync(offsetBytes + done, length - done, cancellationToken).ConfigureAwait(false);
            }

            await ReadRunAsync(run, offsetBytes + done, buffers.Slice(done, run.LengthBytes), cancellationToken).ConfigureAwait(false);
            done += run.LengthBytes;
        }
    }

    /// <summary>Reads one run.</summary>
    public async ValueTask ReadRunAsync(MappedRun run, long guestOffset, BufferList buffers, CancellationToken cancellationToken)
    {
        switch (run.Kind)
        {
            case MappingKind.Data when core.Cipher == null:
                await core.Data.ReadAsync(run.HostOffset, buffers, cancellationToken).ConfigureAwait(false);
                break;
            case MappingKind.Data:
                await ReadEncryptedAsync(run.HostOffset, guestOffset, buffers, cancellationToken).ConfigureAwait(false);
                break;
            case MappingKind.Zero:
                buffers.Clear();
                break;
            case MappingKind.Unallocated:
                await ReadBackingAsync(guestOffset, buffers, cancellationToken).ConfigureAwait(false);
                break;
            default:
                await ReadCompressedAsync(run.Descriptor, guestOffset, buffers, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>True if a range of the disk is known to read as zeroes, by the tables.</summary>
    public async ValueTask<bool> IsZeroAsync(long guestOffset, long lengthBytes, CancellationToken cancellationToken)
    {
        for (var done = 0L; done < lengthBytes;)
        {
            var run = await core.Mapper.MapAsync(guestOffset + done, lengthBytes - done, cancellationToken).ConfigureAwait(false);
            var isZero = run.Kind == MappingKind.Zero
                || (run.Kind == MappingKind.Unallocated && (core.Backing == null || core.Backing.SizeBytes <= guestOffset + done));
            if (!isZero)
            {
                return false;
            }

            done += run.LengthBytes;
        }

        return true;
    }

    /// <summary>Forgets decompressed clusters: their places become something else.</summary>
    public void Forget() => _decoded.Clear();

    private async ValueTask ReadBackingAsync(long guestOffset, BufferList buffers, CancellationToken cancellationToken)
    {
        var backing = core.Backing;
        var present = backing == null ? 0 : Math.Clamp(backing.SizeBytes - guestOffset, 0, buffers.LengthBytes);
        buffers.Slice(present, buffers.LengthBytes - present).Clear();
        if (present > 0)
        {
            await backing!.ReadAsync(guestOffset, buffers.Slice(0, present), cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask ReadEncryptedAsync(
        long hostOffset, long guestOffset, BufferList buffers, CancellationToken cancellationToken)
    {
        // Whole sectors are read; what was asked for may begin and end inside of one.
        var cipher = core.Cipher!;
        var skipped = (int)(guestOffset & (SectorBytes - 1));
        const int Most = 1 << 20;
        var bytes = ArrayPool<byte>.Shared.Rent((int)Math.Min(Most, buffers.LengthBytes + (2 * SectorBytes)));
        try
        {
            for (var done = 0L; done < buffers.LengthBytes;)
            {
                var whole = (int)Math.Min(Most, (skipped + buffers.LengthBytes - done + SectorBytes - 1) & ~(SectorBytes - 1L));
                var host = hostOffset + done - skipped;
                await core.Data.ReadAsync(host, bytes.AsMemory(0, whole), cancellationToken).ConfigureAwait(false);
                cipher.Decrypt(bytes.AsSpan(0, whole), cipher.IsByHostOffset ? host : guestOffset + done - skipped);
                var count = (int)Math.Min(whole - skipped, buffers.LengthBytes - done);
                buffers.CopyFrom(done, bytes.AsSpan(skipped, count));
                done += count;
                skipped = 0;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private async ValueTask ReadCompressedAsync(
        ulong descriptor, long guestOffset, BufferList buffers, CancellationToken cancellationToken)
    {
        var clusterBytes = core.Layout.ClusterBytes;
        var within = (int)(guestOffset & core.Layout.ClusterMask);
        if (_decoded.TryCopy(descriptor, within, buffers))
        {
            return;
        }

        var isWhole = buffers.Count == 1 && buffers.LengthBytes == clusterBytes;
        var cluster = isWhole ? buffers[0] : new byte[clusterBytes];
        await DecodeAsync(descriptor, guestOffset, cluster, cancellationToken).ConfigureAwait(false);
        if (!isWhole)
        {
            buffers.CopyFrom(0, cluster.Span.Slice(within, (int)buffers.LengthBytes));
            _decoded.Add(descriptor, cluster);
        }
    }

    private async ValueTask DecodeAsync(ulong descriptor, long guestOffset, Memory<byte> cluster, CancellationToken cancellationToken)
    {
        var (offset, length) = core.Layout.CompressedPlace(descriptor);
        if (offset + length > Qcow2Limits.MaxHostOffset)
        {
            throw Damaged(descriptor, guestOffset);
        }

        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            await core.File.ReadAsync(offset, bytes.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            if (!core.Codec.TryDecompress(bytes.AsSpan(0, length), cluster.Span))
            {
                throw Damaged(descriptor, guestOffset);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private BlockStorageException Damaged(ulong descriptor, long guestOffset) => new(
        BlockErrorKind.CorruptImage, BlockOperation.Read, core.Name, guestOffset,
        string.Create(
            CultureInfo.InvariantCulture,
            $"{core.Name}: the compressed cluster of offset {guestOffset & ~core.Layout.ClusterMask} "
            + $"(L2 entry {descriptor:x16}) is damaged"));
}
