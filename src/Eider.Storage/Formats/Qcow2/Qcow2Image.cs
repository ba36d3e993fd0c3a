using System.Runtime.CompilerServices;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>An open qcow2 image.</summary>
public sealed class Qcow2Image : ImageStorage
{
    private readonly Qcow2Core _core;

    internal Qcow2Image(ImageFormat format, Qcow2Core core)
        : base(format, core.File.Storage)
    {
        _core = core;
        Geometry = new BlockGeometry
        {
            IsReadOnly = true,
            BufferAlignmentBytes = core.Data.Storage.Geometry.BufferAlignmentBytes,
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
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.ReadOnly);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Ok);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.ReadOnly);

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
            if (_core.Data != _core.File)
            {
                await _core.Data.DisposeAsync().ConfigureAwait(false);
            }

            if (_core.Backing != null)
            {
                await _core.Backing.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await _core.File.DisposeAsync().ConfigureAwait(false);
            _core.Dispose();
            _core.Gate.ExitAlone();
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
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
        throw new BlockStorageException(BlockErrorKind.Closed, operation, Name, null, $"{Name}: the storage was closed");
    }

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
