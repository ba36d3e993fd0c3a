using System.Runtime.CompilerServices;
using Eider.Storage.Encryption;
using Eider.Storage.Formats.Qcow2.Bitmaps;
using Eider.Storage.Formats.Qcow2.Checking;
using Eider.Storage.Formats.Qcow2.Snapshots;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>An open qcow2 image.</summary>
public sealed class Qcow2Image : ImageStorage
{
    private readonly Qcow2Core _core;

    internal Qcow2Image(ImageFormat format, Qcow2Core core)
        : base(format, core.File.Storage)
    {
        _core = core;
        Bitmaps = new Qcow2Bitmaps(this);
        var isReadOnly = core.Options.IsReadOnly;

        // Without a zero flag a cluster can be dropped only where nothing lies behind it.
        var canDrop = !isReadOnly && (core.Layout.CanSayZero || core.Backing == null);
        Geometry = new BlockGeometry
        {
            IsReadOnly = isReadOnly,
            BufferAlignmentBytes = core.Data.Storage.Geometry.BufferAlignmentBytes,
            CanDiscard = canDrop,
            DiscardGranularityBytes = canDrop ? core.Layout.ClusterBytes : 0,
            WriteZeroesMayUnmap = canDrop,
        };
    }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <inheritdoc/>
    public override long SizeBytes => _core.Header.SizeBytes;

    /// <inheritdoc/>
    public override BlockStorage? Backing => _core.Backing;

    /// <inheritdoc/>
    public override string? BackingName => _core.Header.BackingName;

    /// <inheritdoc/>
    public override string? BackingFormat => _core.Header.BackingFormat;

    /// <inheritdoc/>
    public override bool IsEncrypted => _core.Header.Encryption != Qcow2EncryptionMethod.None;

    /// <inheritdoc/>
    public override bool NeedsKey => IsEncrypted && _core.Cipher == null;

    /// <summary>The header as it is now.</summary>
    public Qcow2Header Header => _core.Header;

    /// <summary>The persistent bitmaps.</summary>
    public Qcow2Bitmaps Bitmaps { get; }

    /// <inheritdoc/>
    public override async ValueTask<LuksHeader?> GetLuksHeaderAsync(CancellationToken cancellationToken = default) =>
        Header.Encryption != Qcow2EncryptionMethod.Luks ? null
            : (await Qcow2Encryption.OpenAreaAsync(Header, _core.File.Storage, cancellationToken).ConfigureAwait(false)).Header;

    /// <inheritdoc/>
    public override async ValueTask<BlockResult> MakeEmptyAsync(CancellationToken cancellationToken = default)
    {
        if (Geometry.IsReadOnly)
        {
            return BlockResult.ReadOnly;
        }

        await AloneAsync(() => DropAllAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        return BlockResult.Ok;
    }

    /// <summary>The internal snapshots, in the order of the image.</summary>
    public async ValueTask<IReadOnlyList<Qcow2Snapshot>> GetSnapshotsAsync(CancellationToken cancellationToken = default)
    {
        var token = await AdmitAsync(BlockOperation.Read, cancellationToken).ConfigureAwait(false);
        try
        {
            return (await SnapshotTable.ReadAsync(Header, _core.File, cancellationToken).ConfigureAwait(false)).Snapshots;
        }
        finally
        {
            _core.Gate.Exit(token);
        }
    }

    /// <summary>Takes an internal snapshot of the disk as it is.</summary>
    /// <param name="name">Its name; need not be unique, the id is.</param>
    /// <param name="date">When it is taken.</param>
    /// <param name="cancellationToken">Ends the work early, before the snapshot exists.</param>
    /// <exception cref="BlockStorageException">The image cannot have one, or the host fails.</exception>
    public async ValueTask<Qcow2Snapshot> CreateSnapshotAsync(
        string name, DateTimeOffset date, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Qcow2Snapshot? snapshot = null;
        await ChangeSnapshotsAsync(
            async operations => snapshot = await operations.CreateAsync(name, date, cancellationToken).ConfigureAwait(false), cancellationToken)
            .ConfigureAwait(false);
        return snapshot!;
    }

    /// <summary>Makes the disk, and its size, what they were when a snapshot was taken; the snapshot stays.</summary>
    /// <param name="idOrName">Its id, or else its name.</param>
    /// <param name="cancellationToken">Ends the work early, before anything changes.</param>
    /// <exception cref="BlockStorageException">There is none (<see cref="BlockErrorKind.NotFound"/>), or the host fails.</exception>
    public async ValueTask ApplySnapshotAsync(string idOrName, CancellationToken cancellationToken = default)
    {
        var size = SizeBytes;
        await ChangeSnapshotsAsync(operations => ApplyAsync(operations, idOrName, cancellationToken), cancellationToken).ConfigureAwait(false);
        if (size != SizeBytes)
        {
            OnSizeChanged();
        }
    }

    /// <summary>Deletes a snapshot.</summary>
    /// <param name="idOrName">Its id, or else its name.</param>
    /// <param name="cancellationToken">Ends the work early, before anything changes.</param>
    /// <exception cref="BlockStorageException">There is none (<see cref="BlockErrorKind.NotFound"/>), or the host fails.</exception>
    public ValueTask DeleteSnapshotAsync(string idOrName, CancellationToken cancellationToken = default) =>
        ChangeSnapshotsAsync(operations => operations.DeleteAsync(idOrName, cancellationToken), cancellationToken);

    /// <summary>Compares the refcounts with all references, and sets right what is asked for. Nobody else is in the image meanwhile.</summary>
    /// <param name="repair">What to mend; nothing by default, and then nothing is written.</param>
    /// <param name="cancellationToken">Ends the work early.</param>
    /// <exception cref="BlockStorageException">The image is read-only and shall be repaired, or the host fails.</exception>
    public async ValueTask<Qcow2CheckResult> CheckAsync(
        Qcow2Repair repair = Qcow2Repair.None, CancellationToken cancellationToken = default)
    {
        if (repair != Qcow2Repair.None && Geometry.IsReadOnly)
        {
            throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Write, Name, null, $"{Name}: opened read-only; open it for writing to repair it");
        }

        await _core.Gate.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (IsClosed)
            {
                throw Closed(BlockOperation.Read);
            }

            await WriteAllAsync().ConfigureAwait(false);
            if (_core.IsBroken && _core.Preparation.IsDone)
            {
                // What is in memory only is never written: the file is what there is to check.
                await _core.Preparation.ForgetAsync(cancellationToken).ConfigureAwait(false);
            }

            var result = await new Qcow2Checker(_core).RunAsync(repair, cancellationToken).ConfigureAwait(false);
            if (repair != Qcow2Repair.None)
            {
                await _core.Preparation.ForgetAsync(CancellationToken.None).ConfigureAwait(false);
                if (repair == Qcow2Repair.All && result.Corruptions == result.CorruptionsFixed)
                {
                    await _core.Preparation.RepairedAsync().ConfigureAwait(false);
                }
            }

            return result;
        }
        finally
        {
            _core.Gate.ExitAlone();
        }
    }

    /// <summary>
    /// Writes one cluster compressed, in place of whatever is there; as it is, if it does not become smaller.
    /// </summary>
    /// <param name="offsetBytes">Where the cluster begins on the disk.</param>
    /// <param name="cluster">The cluster; the last one of a disk may be shorter.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <exception cref="ArgumentException">The range is no cluster, or reaches past the end.</exception>
    public ValueTask<BlockResult> WriteCompressedAsync(
        long offsetBytes, ReadOnlyMemory<byte> cluster, CancellationToken cancellationToken = default)
    {
        var whole = new byte[_core.Layout.ClusterBytes];
        cluster.CopyTo(whole);
        var packed = new byte[_core.Layout.ClusterBytes - 1];
        return _core.Codec.TryCompress(whole, packed, out var length)
            ? WriteCompressedAsync(offsetBytes, cluster.Length, packed.AsMemory(0, length), cancellationToken)
            : WriteAsync(offsetBytes, whole.AsMemory(0, cluster.Length), cancellationToken);
    }

    /// <summary>Writes one cluster that is compressed already, in the way of the image.</summary>
    /// <param name="offsetBytes">Where the cluster begins on the disk.</param>
    /// <param name="lengthBytes">Length of the cluster; the last one of a disk may be shorter.</param>
    /// <param name="compressed">The compressed bytes, shorter than a cluster.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <exception cref="ArgumentException">The range is no cluster, or reaches past the end.</exception>
    public async ValueTask<BlockResult> WriteCompressedAsync(
        long offsetBytes, int lengthBytes, Memory<byte> compressed, CancellationToken cancellationToken = default)
    {
        var left = SizeBytes - offsetBytes;
        if (offsetBytes < 0 || (offsetBytes & _core.Layout.ClusterMask) != 0
            || lengthBytes != Math.Min(left, _core.Layout.ClusterBytes) || compressed.Length >= _core.Layout.ClusterBytes)
        {
            throw new ArgumentException("A compressed write must be exactly one cluster of the disk.", nameof(offsetBytes));
        }

        if (Geometry.IsReadOnly || _core.Layout.HasDataFile || IsEncrypted)
        {
            return Geometry.IsReadOnly ? BlockResult.ReadOnly : BlockResult.Unsupported;
        }

        ObjectDisposedException.ThrowIf(IsClosed, this);
        return await ChangeAsync(offsetBytes, compressed, ImageChange.WriteCompressed, lengthBytes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives the space of a range back whose content is zeroes: nothing changes for the guest, so no bitmap learns of it.</summary>
    internal ValueTask<BlockResult> DropZeroesAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ChangeAsync(offsetBytes, default, ImageChange.DropZeroes, lengthBytes, cancellationToken);

    /// <summary>The parts of the image, for what else works on it.</summary>
    internal Qcow2Core Core => _core;

    /// <inheritdoc/>
    public override async ValueTask<BlockResult> SetKeyAsync(
        ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        if (!IsEncrypted)
        {
            return BlockResult.Unsupported;
        }

        _core.Cipher ??= await Qcow2Encryption.UnlockAsync(_core, key, cancellationToken).ConfigureAwait(false);
        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        ThrowIfNeedsKey(BlockOperation.Read);
        if (!_core.Gate.TryEnter(out var token))
        {
            return ReadWhenAdmittedAsync(offsetBytes, buffers, cancellationToken);
        }

        ValueTask<BlockResult> read;
        try
        {
            // Most reads are of data whose place is known: no state machine, no allocation.
            if (_core.Cipher == null && _core.Mapper.TryMap(offsetBytes, buffers.LengthBytes, out var run)
                && run.Kind == MappingKind.Data && run.LengthBytes == buffers.LengthBytes)
            {
                read = _core.Data.ReadAsync(run.HostOffset, buffers, cancellationToken);
                if (read.IsCompletedSuccessfully)
                {
                    _core.Gate.Exit(token);
                    return read;
                }
            }
            else
            {
                read = ReadPiecesAsync(offsetBytes, buffers, cancellationToken);
            }
        }
        catch
        {
            _core.Gate.Exit(token);
            throw;
        }

        return FinishAsync(read, token);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        ThrowIfNeedsKey(BlockOperation.Write);
        _core.ThrowIfBroken(BlockOperation.Write);
        if (!_core.Gate.TryEnter(out var token))
        {
            return ChangeAsync(offsetBytes, buffers, ImageChange.Write, 0, cancellationToken);
        }

        ValueTask<BlockResult> write;
        try
        {
            if (TryMapForWrite(offsetBytes, buffers.LengthBytes, out var host))
            {
                write = _core.Data.WriteAsync(host, buffers, cancellationToken);
                if (write.IsCompletedSuccessfully)
                {
                    _core.Gate.Exit(token);
                    return write;
                }
            }
            else
            {
                write = RunChangeAsync(offsetBytes, buffers, ImageChange.Write, 0, cancellationToken);
            }
        }
        catch
        {
            _core.Gate.Exit(token);
            throw;
        }

        return FinishAsync(write, token);
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    protected override async ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        if (Geometry.IsReadOnly)
        {
            return BlockResult.Ok;
        }

        var token = await AdmitAsync(BlockOperation.Flush, cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_core.Preparation.IsDone)
            {
                // Nothing was written since the image was opened; what was before may still be on its way.
                await _core.Commit.FlushAllAsync().ConfigureAwait(false);
                return BlockResult.Ok;
            }

            await _core.Commit.RunAsync(mustFlush: true, withRefcounts: false, cancellationToken).ConfigureAwait(false);
            return BlockResult.Ok;
        }
        catch (BlockStorageException exception) when (ImageErrors.IsStructural(exception))
        {
            await _core.Preparation.MarkCorruptAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            _core.Gate.Exit(token);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) => Geometry.CanDiscard
        ? ChangeAsync(offsetBytes, default, ImageChange.Discard, lengthBytes, cancellationToken)
        : ValueTask.FromResult(BlockResult.Unsupported);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        ThrowIfNeedsKey(BlockOperation.WriteZeroes);
        return ChangeAsync(
            offsetBytes, default, mayUnmap ? ImageChange.ZeroAndUnmap : ImageChange.Zero, lengthBytes, cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        var old = SizeBytes;
        try
        {
            await AloneAsync(() => ResizeAloneAsync(sizeBytes, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // A shrink that fails later has cut the disk off already.
            if (SizeBytes != old)
            {
                OnSizeChanged();
            }
        }

        return BlockResult.Ok;
    }

    private async ValueTask ResizeAloneAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        await _core.Bitmaps.HoldAllAsync(cancellationToken).ConfigureAwait(false);
        _core.Bitmaps.ThrowIfTooLargeFor(sizeBytes);
        try
        {
            await Qcow2Resizing.RunAsync(_core, sizeBytes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // As far as it came: the bitmaps are as long as the disk is now.
            _core.Bitmaps.Resize(SizeBytes);
        }

        await _core.Bitmaps.SettleAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var token = await _core.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var run = await _core.Mapper.MapAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
            var status = run.Kind switch
            {
                MappingKind.Zero when run.HostOffset < 0 => BlockExtentStatus.Zero | BlockExtentStatus.Hole,
                MappingKind.Zero => BlockExtentStatus.Zero,
                MappingKind.Unallocated => BlockExtentStatus.Hole,
                _ => BlockExtentStatus.Data,
            };
            if (run.Kind != MappingKind.Unallocated)
            {
                return new BlockExtent(offsetBytes, run.LengthBytes, status);
            }

            var behind = Math.Clamp((_core.Backing?.SizeBytes ?? 0) - offsetBytes, 0, run.LengthBytes);
            return behind > 0
                ? await _core.Backing!.GetExtentAsync(offsetBytes, behind, cancellationToken).ConfigureAwait(false)
                : new BlockExtent(offsetBytes, run.LengthBytes, BlockExtentStatus.Hole | BlockExtentStatus.Zero);
        }
        finally
        {
            _core.Gate.Exit(token);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<ImageExtent> GetImageExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var token = await _core.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var run = await _core.Mapper.MapAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
            var kind = run.Kind switch
            {
                MappingKind.Data => ImageExtentKind.Data,
                MappingKind.Compressed => ImageExtentKind.Compressed,
                MappingKind.Unallocated => ImageExtentKind.Unallocated,
                _ => run.HostOffset < 0 ? ImageExtentKind.Zero : ImageExtentKind.AllocatedZero,
            };
            return new ImageExtent(offsetBytes, run.LengthBytes, kind, run.HostOffset < 0 ? null : run.HostOffset);
        }
        finally
        {
            _core.Gate.Exit(token);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        await _core.Gate.EnterAloneAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            await WriteWhatIsLeftAsync().ConfigureAwait(false);
        }
        finally
        {
            await CloseFilesAsync().ConfigureAwait(false);
            _core.Gate.ExitAlone();
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    /// <summary>The image was not opened after all: closes what was opened besides the file and what the caller gave.</summary>
    internal async ValueTask AbandonAsync()
    {
        if (_core.Data != _core.File && _core.Data.Storage != _core.Options.DataFile)
        {
            await _core.Data.DisposeAsync().ConfigureAwait(false);
        }

        if (_core.Backing != null && _core.Backing != _core.Options.Backing)
        {
            await _core.Backing.DisposeAsync().ConfigureAwait(false);
        }

        _core.Dispose();
    }

    /// <summary>Closes what belongs to the image besides the file.</summary>
    private async ValueTask CloseOthersAsync()
    {
        if (_core.Data != _core.File)
        {
            await _core.Data.DisposeAsync().ConfigureAwait(false);
        }

        if (_core.Backing != null)
        {
            await _core.Backing.DisposeAsync().ConfigureAwait(false);
        }

        _core.Dispose();
    }

    /// <summary>Runs something while no request is under way.</summary>
    internal async ValueTask AloneAsync(Func<ValueTask> action, CancellationToken cancellationToken)
    {
        await _core.Gate.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (IsClosed)
            {
                throw Closed(BlockOperation.Write);
            }

            _core.ThrowIfBroken(BlockOperation.Write);
            await _core.Preparation.RunAsync(cancellationToken).ConfigureAwait(false);
            await _core.Preparation.BeforeMetadataChangeAsync(cancellationToken).ConfigureAwait(false);
            await action().ConfigureAwait(false);
        }
        catch (BlockStorageException exception) when (ImageErrors.IsStructural(exception))
        {
            await _core.Preparation.MarkCorruptAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            _core.Gate.ExitAlone();
        }
    }

    private async ValueTask ChangeSnapshotsAsync(Func<SnapshotOperations, ValueTask> change, CancellationToken cancellationToken)
    {
        if (Geometry.IsReadOnly || _core.Layout.HasDataFile)
        {
            throw new BlockStorageException(
                Geometry.IsReadOnly ? BlockErrorKind.AccessDenied : BlockErrorKind.UnsupportedFeature, BlockOperation.Write, Name, null,
                $"{Name}: {(Geometry.IsReadOnly ? "opened read-only" : "an image with an external data file")} cannot change snapshots");
        }

        await AloneAsync(
            async () =>
            {
                // Counts and COPIED flags change together, in more than one write: a crash between them leaves the dirty bit.
                await WriteAllAsync().ConfigureAwait(false);
                await _core.Preparation.BeforeRecountAsync(cancellationToken).ConfigureAwait(false);
                await RecountAsync(change).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Runs the change; the tables are read anew afterwards, also where it ended in the middle: the file says how far it came.</summary>
    private async ValueTask RecountAsync(Func<SnapshotOperations, ValueTask> change)
    {
        var isDone = false;
        try
        {
            await change(new SnapshotOperations(_core)).ConfigureAwait(false);
            await WriteAllAsync().ConfigureAwait(false);
            await _core.Preparation.AfterRecountAsync().ConfigureAwait(false);
            isDone = true;
        }
        catch (Exception exception) when (IsRefusal(exception))
        {
            // Refused before the first commit: what was changed is in memory only, and forgotten.
            await ForgetAsync(tells: false).ConfigureAwait(false);
            await _core.Preparation.AfterRecountAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            await ForgetAsync(isDone).ConfigureAwait(false);
        }
    }

    private static bool IsRefusal(Exception exception) => exception is OperationCanceledException
        or BlockStorageException { Kind: BlockErrorKind.NotFound or BlockErrorKind.UnsupportedFeature };

    /// <summary>Has the tables read anew; where they cannot be, nothing is written any more.</summary>
    private async ValueTask ForgetAsync(bool tells)
    {
        try
        {
            await _core.Preparation.ForgetAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            _core.LoseHeader();
            if (tells)
            {
                throw;
            }
        }
    }

    /// <summary>Another disk comes in place of this one: for the enabled bitmaps all of it changes.</summary>
    private async ValueTask ApplyAsync(SnapshotOperations operations, string idOrName, CancellationToken cancellationToken)
    {
        await _core.Bitmaps.HoldAllAsync(cancellationToken).ConfigureAwait(false);
        var table = Header.L1Offset;
        try
        {
            await operations.ApplyAsync(idOrName, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Also a failure behind the switch leaves the other disk.
            if (Header.L1Offset != table)
            {
                _core.Bitmaps.Resize(SizeBytes);
                _core.Bitmaps.OnChange(0, SizeBytes);
            }
        }

        await _core.Bitmaps.SettleAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private async ValueTask DropAllAsync(CancellationToken cancellationToken)
    {
        await _core.Bitmaps.BeforeChangeAsync(cancellationToken).ConfigureAwait(false);
        await _core.Zeroer.DropFromAsync(0, cancellationToken).ConfigureAwait(false);
        await _core.Commit.RunAsync(mustFlush: true, withRefcounts: false, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What was not flushed may stay or go: a host that fails here takes nothing that was promised.</summary>
    private async ValueTask WriteWhatIsLeftAsync()
    {
        if (_core.IsBroken)
        {
            return;
        }

        // A bitmap that cannot be saved stays marked as in use; the rest is written all the same.
        await AttemptAsync(() => _core.Bitmaps.SettleAsync(CancellationToken.None)).ConfigureAwait(false);
        await AttemptAsync(WriteTheRestAsync).ConfigureAwait(false);
    }

    private async ValueTask WriteTheRestAsync()
    {
        if (!_core.Preparation.IsDone || _core.IsBroken)
        {
            return;
        }

        await WriteAllAsync().ConfigureAwait(false);
        await _core.Preparation.ClearDirtyAsync().ConfigureAwait(false);
        await _core.File.TrimAsync(0, CancellationToken.None).ConfigureAwait(false);
    }

    private async ValueTask AttemptAsync(Func<ValueTask> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (BlockStorageException exception)
        {
            if (ImageErrors.IsStructural(exception))
            {
                await _core.Preparation.MarkCorruptAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Writes all metadata, also refcounts that may be late; nobody else is in the image.</summary>
    private async ValueTask WriteAllAsync()
    {
        if (_core.Preparation.IsDone && !_core.IsBroken)
        {
            await _core.Commit.RunAsync(mustFlush: false, withRefcounts: true, CancellationToken.None).ConfigureAwait(false);
            await _core.Allocator.SettleAloneAsync(CancellationToken.None).ConfigureAwait(false);
            await _core.Commit.RunAsync(mustFlush: _core.Preparation.IsDirty, withRefcounts: true, CancellationToken.None)
                .ConfigureAwait(false);
        }
    }

    private async ValueTask CloseFilesAsync()
    {
        try
        {
            await CloseOthersAsync().ConfigureAwait(false);
        }
        finally
        {
            await _core.File.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>True if a write can go straight over data that are there, without a look at any table that is not in memory.</summary>
    private bool TryMapForWrite(long offsetBytes, long lengthBytes, out long host)
    {
        host = -1;
        if (!_core.Preparation.IsDone || _core.Cipher != null || !_core.Bitmaps.IsReady
            || (_core.L1[_core.Layout.L1Index(offsetBytes)] & L2Entry.CopiedFlag) == 0
            || !_core.Mapper.TryMap(offsetBytes, lengthBytes, out var run)
            || run.Kind != MappingKind.Data || !run.IsCopied || run.LengthBytes != lengthBytes)
        {
            return false;
        }

        host = run.HostOffset;
        if (!_core.Layout.HasDataFile && _core.Metadata.Find(host, lengthBytes) != null)
        {
            return false;
        }

        _core.Bitmaps.OnChange(offsetBytes, lengthBytes);
        return true;
    }

    private async ValueTask<BlockResult> ChangeAsync(
        long offsetBytes, BufferList buffers, ImageChange change, long lengthBytes, CancellationToken cancellationToken)
    {
        _core.ThrowIfBroken(BlockOperation.Write);
        var token = await AdmitAsync(BlockOperation.Write, cancellationToken).ConfigureAwait(false);
        try
        {
            return await RunChangeAsync(offsetBytes, buffers, change, lengthBytes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _core.Gate.Exit(token);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<BlockResult> RunChangeAsync(
        long offsetBytes, BufferList buffers, ImageChange change, long lengthBytes, CancellationToken cancellationToken)
    {
        try
        {
            await _core.Preparation.RunAsync(cancellationToken).ConfigureAwait(false);
            await _core.Preparation.BeforeMetadataChangeAsync(cancellationToken).ConfigureAwait(false);
            if (change != ImageChange.DropZeroes)
            {
                await _core.Bitmaps.BeforeChangeAsync(cancellationToken).ConfigureAwait(false);
                _core.Bitmaps.OnChange(offsetBytes, change == ImageChange.Write ? buffers.LengthBytes : lengthBytes);
            }

            switch (change)
            {
                case ImageChange.Write:
                    await _core.Writer.WriteAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
                    break;
                case ImageChange.WriteCompressed:
                    await _core.Writer.WriteCompressedAsync(offsetBytes, buffers[0], cancellationToken).ConfigureAwait(false);
                    break;
                case ImageChange.Discard:
                    await _core.Zeroer.DiscardAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    await _core.Zeroer.WriteZeroesAsync(offsetBytes, lengthBytes, change != ImageChange.Zero, cancellationToken)
                        .ConfigureAwait(false);
                    break;
            }

            if (_core.Commit.IsDue)
            {
                await _core.Commit.RunAsync(mustFlush: false, withRefcounts: true, cancellationToken).ConfigureAwait(false);
            }

            return BlockResult.Ok;
        }
        catch (BlockStorageException exception) when (ImageErrors.IsStructural(exception))
        {
            await _core.Preparation.MarkCorruptAsync().ConfigureAwait(false);
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<BlockResult> FinishAsync(ValueTask<BlockResult> request, int token)
    {
        try
        {
            return await request.ConfigureAwait(false);
        }
        finally
        {
            _core.Gate.Exit(token);
        }
    }

    private async ValueTask<BlockResult> ReadWhenAdmittedAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var token = await AdmitAsync(BlockOperation.Read, cancellationToken).ConfigureAwait(false);
        return await FinishAsync(ReadPiecesAsync(offsetBytes, buffers, cancellationToken), token).ConfigureAwait(false);
    }

    private async ValueTask<int> AdmitAsync(BlockOperation operation, CancellationToken cancellationToken)
    {
        var token = await _core.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        if (!IsClosed)
        {
            return token;
        }

        _core.Gate.Exit(token);
        throw Closed(operation);
    }

    private BlockStorageException Closed(BlockOperation operation) =>
        new(BlockErrorKind.Closed, operation, Name, null, $"{Name}: the storage was closed");

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<BlockResult> ReadPiecesAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        await _core.Reader.ReadAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
        return BlockResult.Ok;
    }

    private void ThrowIfNeedsKey(BlockOperation operation)
    {
        if (NeedsKey)
        {
            throw new BlockStorageException(
                BlockErrorKind.AccessDenied, operation, Name, null,
                $"{Name}: the image is encrypted; give its key or passphrase");
        }
    }
}
