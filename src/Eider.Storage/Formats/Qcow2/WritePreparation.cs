using System.Buffers.Binary;
using System.Globalization;
using Eider.Storage.Formats.Qcow2.Bitmaps;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>What happens once, before the first write: tables for writing are read, flags of the header are set or cleared.</summary>
internal sealed class WritePreparation(Qcow2Core core)
{
    private const Qcow2AutoclearFeatures Kept = Qcow2AutoclearFeatures.RawExternalData | Qcow2AutoclearFeatures.Bitmaps;

    private readonly AsyncMutex _mutex = new();
    private volatile bool _isDone;
    private volatile bool _isDirty;
    private volatile bool _isRecounting;

    /// <summary>True if nothing is left to do for a write that changes no metadata.</summary>
    public bool IsDone => _isDone;

    /// <summary>True if the dirty bit was set by this handle.</summary>
    public bool IsDirty => _isDirty;

    /// <summary>Prepares the image for writing.</summary>
    public ValueTask RunAsync(CancellationToken cancellationToken) =>
        _isDone ? ValueTask.CompletedTask : RunOnceAsync(cancellationToken);

    /// <summary>Sets the dirty bit, where refcounts may be late, before metadata change.</summary>
    public ValueTask BeforeMetadataChangeAsync(CancellationToken cancellationToken) =>
        _isDirty || !core.Header.HasLazyRefcounts ? ValueTask.CompletedTask : SetDirtyAsync(cancellationToken);

    /// <summary>Sets the dirty bit, where the version has one, before refcounts and COPIED flags change together.</summary>
    public async ValueTask BeforeRecountAsync(CancellationToken cancellationToken)
    {
        if (core.Header.Version >= 3 && !_isDirty)
        {
            await SetDirtyAsync(cancellationToken).ConfigureAwait(false);
        }

        _isRecounting = true;
    }

    /// <summary>Clears the dirty bit again, unless refcounts may be late anyway; everything is in the file, durably.</summary>
    public async ValueTask AfterRecountAsync()
    {
        _isRecounting = false;
        if (!core.Header.HasLazyRefcounts)
        {
            await ClearDirtyAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Clears the dirty bit after all refcounts are in the file, durably. It stays where a recount did not come to its end: the
    /// image is repaired when it is opened again.
    /// </summary>
    public async ValueTask ClearDirtyAsync()
    {
        if (_isRecounting)
        {
            return;
        }

        // An image that became version 2 meanwhile has its header extensions where the features were.
        if (_isDirty && core.Header.Version >= 3)
        {
            await WriteFeaturesAsync(core.Header.IncompatibleFeatures & ~Qcow2IncompatibleFeatures.Dirty, CancellationToken.None)
                .ConfigureAwait(false);
        }

        _isDirty = false;
    }

    /// <summary>Clears the marks of an image that was repaired, and has its tables read anew before the next write.</summary>
    public async ValueTask RepairedAsync()
    {
        const Qcow2IncompatibleFeatures Marks = Qcow2IncompatibleFeatures.Dirty | Qcow2IncompatibleFeatures.Corrupt;
        if ((core.Header.IncompatibleFeatures & Marks) != 0)
        {
            await WriteFeaturesAsync(core.Header.IncompatibleFeatures & ~Marks, CancellationToken.None).ConfigureAwait(false);
        }

        _isDirty = false;
        _isRecounting = false;
        core.IsBroken = false;
    }

    /// <summary>Has all tables read anew before the next write; nobody else is in the image.</summary>
    public async ValueTask ForgetAsync(CancellationToken cancellationToken)
    {
        core.Cache.Clear();
        core.Reader.Forget();
        core.L1.Replace(
            core.Header.L1Offset,
            await L1Table.ReadAsync(core.File, core.Header.L1Offset, core.Header.L1Entries, cancellationToken).ConfigureAwait(false));
        _isDone = false;
    }

    /// <summary>Marks the image as corrupt; where that fails or cannot be, it is at least not written any more.</summary>
    public async ValueTask MarkCorruptAsync()
    {
        core.IsBroken = true;
        if (core.Header.Version < 3 || core.Header.IsCorrupt)
        {
            return;
        }

        try
        {
            await WriteFeaturesAsync(core.Header.IncompatibleFeatures | Qcow2IncompatibleFeatures.Corrupt, CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            // The failure that led here is the one to report.
        }
    }

    private async ValueTask RunOnceAsync(CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isDone)
            {
                return;
            }

            await MapMetadataAsync(cancellationToken).ConfigureAwait(false);
            await ClearAutoclearAsync(cancellationToken).ConfigureAwait(false);
            _isDone = true;
        }
        finally
        {
            _mutex.Exit();
        }
    }

    private async ValueTask MapMetadataAsync(CancellationToken cancellationToken)
    {
        var header = core.Header;
        var map = new MetadataMap(core.Layout, core.Name);
        var table = await ReadRefcountTableAsync(cancellationToken).ConfigureAwait(false);
        map.AddRange(MetadataKind.Header, 0, core.Layout.ClusterBytes);
        map.AddRange(MetadataKind.ActiveL1, header.L1Offset, core.Layout.ClustersFor(header.L1Entries * 8L) << core.Layout.ClusterBits);
        map.AddRange(MetadataKind.RefcountTable, header.RefcountTableOffset, (long)header.RefcountTableClusters << core.Layout.ClusterBits);
        if (header.SnapshotCount > 0)
        {
            var (snapshots, length) = await SnapshotTable.ReadAsync(header, core.File, cancellationToken).ConfigureAwait(false);
            map.AddRange(MetadataKind.SnapshotTable, header.SnapshotsOffset, length);
            map.AddRanges(
                MetadataKind.InactiveL1,
                snapshots.Where(snapshot => snapshot.L1Entries > 0).Select(snapshot => (snapshot.L1Offset, snapshot.L1Entries * 8L)));
        }

        if (BitmapDirectory.IsThere(header))
        {
            AddExtension(map, Qcow2ExtensionType.Bitmaps, MetadataKind.BitmapDirectory, offsetField: 16, lengthField: 8);
        }

        AddExtension(map, Qcow2ExtensionType.EncryptionHeader, MetadataKind.EncryptionHeader, offsetField: 0, lengthField: 8);
        map.ThrowIfRangesOverlap();
        for (var index = 0; index < core.L1.Count; index++)
        {
            AddTable(map, (long)(core.L1[index] & L2Entry.OffsetMask), MetadataKind.ActiveL2);
        }

        var refcounts = new RefcountTable(core, table);
        for (var index = 0; index < refcounts.Count; index++)
        {
            AddTable(map, refcounts.BlockOffset(index), MetadataKind.RefcountBlock);
        }

        core.Metadata = map;
        core.Allocator = new ClusterAllocator(core, refcounts);
    }

    private async ValueTask<ulong[]> ReadRefcountTableAsync(CancellationToken cancellationToken)
    {
        var bytes = (long)core.Header.RefcountTableClusters << core.Layout.ClusterBits;
        if (bytes == 0 || core.Header.RefcountTableOffset > core.File.Storage.SizeBytes - Math.Min(bytes, core.File.Storage.SizeBytes))
        {
            throw ImageErrors.Structural(
                core.Name, core.Header.RefcountTableOffset,
                string.Create(CultureInfo.InvariantCulture, $"the refcount table of {bytes} bytes is empty, or reaches past the end of the file"));
        }

        return await L1Table.ReadAsync(core.File, core.Header.RefcountTableOffset, (int)(bytes / 8), cancellationToken).ConfigureAwait(false);
    }

    private void AddTable(MetadataMap map, long offset, MetadataKind kind)
    {
        if (offset == 0)
        {
            return;
        }

        if ((offset & core.Layout.ClusterMask) != 0 || offset >= Qcow2Limits.MaxHostOffset)
        {
            throw ImageErrors.Structural(core.Name, offset, "a table or refcount block does not begin with a cluster");
        }

        map.AddCluster(offset, kind);
    }

    private void AddExtension(MetadataMap map, Qcow2ExtensionType type, MetadataKind kind, int offsetField, int lengthField)
    {
        if (core.Header.Find(type) is { Data.Length: var present } extension && present >= Math.Max(offsetField, lengthField) + 8)
        {
            var offset = BinaryPrimitives.ReadUInt64BigEndian(extension.Data.Span[offsetField..]);
            var length = BinaryPrimitives.ReadUInt64BigEndian(extension.Data.Span[lengthField..]);
            if (offset < Qcow2Limits.MaxHostOffset && length < Qcow2Limits.MaxHostOffset)
            {
                map.AddRange(kind, (long)offset, (long)length);
            }
        }
    }

    private async ValueTask ClearAutoclearAsync(CancellationToken cancellationToken)
    {
        // A bit of bitmaps without bitmaps says nothing.
        var kept = core.Header.AutoclearFeatures & (BitmapDirectory.IsThere(core.Header) ? Kept : Kept & ~Qcow2AutoclearFeatures.Bitmaps);
        if (core.Header.Version < 3 || kept == core.Header.AutoclearFeatures)
        {
            return;
        }

        var field = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(field, (ulong)kept);
        await core.File.WriteAsync(Qcow2HeaderWriter.AutoclearFeaturesField, field, cancellationToken).ConfigureAwait(false);
        await core.File.FlushAsync(cancellationToken).ConfigureAwait(false);
        core.UpdateHeader(header => header with { AutoclearFeatures = kept });
    }

    private async ValueTask SetDirtyAsync(CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_isDirty)
            {
                await WriteFeaturesAsync(core.Header.IncompatibleFeatures | Qcow2IncompatibleFeatures.Dirty, cancellationToken)
                    .ConfigureAwait(false);
                _isDirty = true;
            }
        }
        finally
        {
            _mutex.Exit();
        }
    }

    private async ValueTask WriteFeaturesAsync(Qcow2IncompatibleFeatures features, CancellationToken cancellationToken)
    {
        var field = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(field, (ulong)features);
        await core.File.WriteAsync(Qcow2HeaderWriter.IncompatibleFeaturesField, field, cancellationToken).ConfigureAwait(false);
        await core.File.FlushAsync(cancellationToken).ConfigureAwait(false);
        core.UpdateHeader(header => header with { IncompatibleFeatures = features });
    }
}
