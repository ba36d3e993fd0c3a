using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>
/// Writes bitmaps, while nobody else is in the image: bits and tables always to new clusters, then a new directory, and
/// when all of it is durable the header names it. Only flags change in place, each of them within one sector.
/// </summary>
internal sealed class BitmapWriter(Qcow2Core core)
{
    private const int SectorBytes = 512;

    /// <summary>Writes the bits of a bitmap to a new place.</summary>
    /// <param name="entry">Its entry in the directory.</param>
    /// <param name="bits">Its bits.</param>
    /// <param name="cancellationToken">Ends the work early; what was allocated is given back.</param>
    /// <returns>The entry with the new table.</returns>
    public async ValueTask<BitmapEntry> WriteAsync(BitmapEntry entry, Qcow2DirtyBits bits, CancellationToken cancellationToken)
    {
        var runs = new List<HostRun>();
        try
        {
            var table = new byte[BitmapEntry.TableEntriesFor(core.Layout, bits.SizeBytes, entry.GranularityBits) * 8];
            var buffer = new byte[core.Layout.ClusterBytes];
            for (var index = 0; index < table.Length / 8; index++)
            {
                bits.Store((long)index * core.Layout.ClusterBytes * 8, buffer);
                var value = buffer.AsSpan().ContainsAnyExcept((byte)0) ? buffer.AsSpan().ContainsAnyExcept((byte)0xFF) ? -1L : 1L : 0L;
                if (value < 0)
                {
                    value = await PutAsync(buffer, runs, cancellationToken).ConfigureAwait(false);
                }

                BinaryPrimitives.WriteInt64BigEndian(table.AsSpan(index * 8), value);
            }

            return entry with
            {
                TableOffset = await PutAsync(table, runs, cancellationToken).ConfigureAwait(false),
                TableEntries = table.Length / 8,
            };
        }
        catch
        {
            await GiveBackAsync(runs).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Puts a directory in place of the one that is there; without entries the image has no bitmaps any more.</summary>
    public async ValueTask ReplaceAsync(IReadOnlyList<BitmapEntry> entries, CancellationToken cancellationToken)
    {
        var old = BitmapDirectory.IsThere(core.Header) ? BitmapDirectory.PlaceOf(core.Header, core.File) : default;
        var bytes = BitmapDirectory.Write(entries);
        var runs = new List<HostRun>();
        var offset = 0L;
        try
        {
            offset = bytes.Length == 0 ? 0 : await PutAsync(bytes, runs, cancellationToken).ConfigureAwait(false);
            await core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
            await NameAsync(bytes.Length == 0 ? null : BitmapDirectory.Extension(entries.Count, bytes.Length, offset)).ConfigureAwait(false);
        }
        catch
        {
            // Also where the header was to be written: the file has the old one then, or is written no more.
            await GiveBackAsync(runs).ConfigureAwait(false);
            throw;
        }

        core.Metadata.SetRange(MetadataKind.BitmapDirectory, offset, bytes.Length);
        if (old.LengthBytes > 0)
        {
            Free(old.Offset, old.LengthBytes);
        }
    }

    /// <summary>
    /// Writes the directory in place, of which nothing changed but flags, and makes it durable. Where that fails the old flags
    /// are put back: a bitmap that goes on in memory must not look as if it were saved.
    /// </summary>
    public ValueTask WriteFlagsAsync(IReadOnlyList<BitmapEntry> entries) => HeaderField.WriteAsync(
        core, BitmapDirectory.PlaceOf(core.Header, core.File).Offset, BitmapDirectory.Write(entries));

    /// <summary>
    /// Where a bitmap is, as far as that can be told. It is looked up before another directory takes the place of the one that
    /// names the bitmap: after that nothing may fail.
    /// </summary>
    public async ValueTask<IReadOnlyList<(long Offset, long LengthBytes)>> PlacesOfAsync(BitmapEntry entry, CancellationToken cancellationToken)
    {
        if (entry.WhatIsWrong(core.Layout, 0, core.File.Storage.SizeBytes) != null)
        {
            return [];
        }

        var clusters = await new BitmapReader(core).ClustersOfAsync(entry, cancellationToken).ConfigureAwait(false);
        return [.. clusters.Select(cluster => (cluster, (long)core.Layout.ClusterBytes)), (entry.TableOffset, entry.TableEntries * 8)];
    }

    /// <summary>Gives places back that no directory names any more.</summary>
    public void Free(IEnumerable<(long Offset, long LengthBytes)> places)
    {
        foreach (var (offset, lengthBytes) in places)
        {
            Free(offset, lengthBytes);
        }
    }

    /// <summary>Gives back what <see cref="WriteAsync"/> wrote and nothing names.</summary>
    public async ValueTask GiveBackAsync(BitmapEntry written)
    {
        var clusters = await new BitmapReader(core).ClustersOfAsync(written, CancellationToken.None).ConfigureAwait(false);
        foreach (var cluster in clusters)
        {
            await core.Allocator.ReleaseAsync(cluster, core.Layout.ClusterBytes).ConfigureAwait(false);
        }

        await core.Allocator.ReleaseAsync(written.TableOffset, written.TableEntries * 8).ConfigureAwait(false);
    }

    private async ValueTask<long> PutAsync(byte[] bytes, List<HostRun> runs, CancellationToken cancellationToken)
    {
        var clusters = (int)core.Layout.ClustersFor(bytes.Length);
        var run = await core.Allocator.AllocateTableAsync(clusters, cancellationToken).ConfigureAwait(false);
        runs.Add(run);
        var padded = bytes;
        Array.Resize(ref padded, clusters << core.Layout.ClusterBits);
        await core.File.WriteAsync(run.Offset, padded, cancellationToken).ConfigureAwait(false);
        return run.Offset;
    }

    private async ValueTask GiveBackAsync(List<HostRun> runs)
    {
        foreach (var run in runs)
        {
            await core.Allocator.ReleaseAsync(run.Offset, (long)run.Clusters << core.Layout.ClusterBits).ConfigureAwait(false);
        }
    }

    private void Free(long offset, long lengthBytes) => core.Allocator.FreeLater(
        offset, core.Layout.ClustersFor(lengthBytes) << core.Layout.ClusterBits, mayPunch: true);

    /// <summary>Has the header name a directory, or none.</summary>
    private async ValueTask NameAsync(byte[]? extension)
    {
        // Not one conditional: a null array would become an empty extension.
        ReadOnlyMemory<byte>? data = null;
        if (extension != null)
        {
            data = extension;
        }

        if (data != null && PlaceInHeader() is { } place && place % SectorBytes <= SectorBytes - BitmapDirectory.ExtensionBytes)
        {
            // Within one sector: the old directory or the new one, never a mix.
            await HeaderField.WriteAsync(core, place, extension!).ConfigureAwait(false);
            core.UpdateHeader(header => header.With(Qcow2ExtensionType.Bitmaps, data));
            return;
        }

        await Qcow2HeaderChange.WriteAsync(core, header => header.With(Qcow2ExtensionType.Bitmaps, data) with
        {
            AutoclearFeatures = data == null
                ? header.AutoclearFeatures & ~Qcow2AutoclearFeatures.Bitmaps
                : header.AutoclearFeatures | Qcow2AutoclearFeatures.Bitmaps,
        }).ConfigureAwait(false);
    }

    /// <summary>Where the data of the extension are, if it is there and says where the directory is.</summary>
    private long? PlaceInHeader()
    {
        if (!BitmapDirectory.IsThere(core.Header))
        {
            return null;
        }

        const int HeadBytes = 8;
        var place = core.Header.HeaderBytes + HeadBytes;
        foreach (var extension in core.Header.Extensions)
        {
            if (extension.Type == Qcow2ExtensionType.Bitmaps)
            {
                return extension.Data.Length == BitmapDirectory.ExtensionBytes ? place : null;
            }

            place += ((extension.Data.Length + 7) & ~7) + HeadBytes;
        }

        return null;
    }
}
