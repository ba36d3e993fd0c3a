using Eider.Storage.Backends.Nbd;

namespace Eider.Storage.Backends;

/// <summary>
/// A disk of an NBD server (fixed newstyle handshake, simple and structured replies, block status). Requests may be in flight
/// together; those that are too long for the server go in pieces. A server that errs or lies gives a
/// <see cref="BlockStorageException"/>, never wrong memory, and ends the connection; it is not made again.
/// </summary>
/// <remarks>Without encryption and without a password: for servers on this machine, or on a network that is trusted.</remarks>
public sealed class NbdStorage : BlockStorage
{
    private const long MaxRangeBytes = 1L << 30;

    private readonly NbdConnection _connection;

    private NbdStorage(NbdAddress address, NbdConnection connection, bool isReadOnly)
    {
        Address = address;
        _connection = connection;
        var canTrim = !isReadOnly && connection.Export.Can(NbdProtocol.ExportCanTrim);
        Geometry = new BlockGeometry
        {
            IsReadOnly = isReadOnly || connection.Export.Can(NbdProtocol.ExportReadOnly),
            CanDiscard = canTrim,
            DiscardGranularityBytes = canTrim ? 512 : 0,
            WriteZeroesMayUnmap = canTrim,
        };
    }

    /// <summary>Where it is.</summary>
    public NbdAddress Address { get; }

    /// <inheritdoc/>
    public override string Name => Address.ToString();

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <inheritdoc/>
    public override long SizeBytes => _connection.Export.SizeBytes;

    /// <summary>Connects to a server.</summary>
    /// <param name="address">The server and the name of the disk.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">The server cannot be reached, has no such disk, or breaks the protocol.</exception>
    public static async ValueTask<NbdStorage> OpenAsync(
        NbdAddress address, NbdStorageOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        options ??= NbdStorageOptions.Default;
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ConnectTimeout, TimeSpan.FromMilliseconds(10));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReplyTimeout, TimeSpan.FromMilliseconds(10));
        return new NbdStorage(
            address, await NbdConnection.OpenAsync(address, options, cancellationToken).ConfigureAwait(false), options.IsReadOnly);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        TransferAsync(BlockOperation.Read, NbdProtocol.Read, offsetBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        TransferAsync(BlockOperation.Write, NbdProtocol.Write, offsetBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        if (_connection.Export.Can(NbdProtocol.ExportCanFlush))
        {
            await _connection.RunAsync(BlockOperation.Flush, new NbdRequest(NbdProtocol.Flush, 0, 0, default), 0, cancellationToken).ConfigureAwait(false);
        }

        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        _connection.Export.Can(NbdProtocol.ExportCanTrim)
            ? RangeAsync(BlockOperation.Discard, NbdProtocol.Trim, 0, offsetBytes, lengthBytes, cancellationToken)
            : ValueTask.FromResult(BlockResult.Unsupported);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        _connection.Export.Can(NbdProtocol.ExportCanWriteZeroes)
            ? RangeAsync(
                BlockOperation.WriteZeroes, NbdProtocol.WriteZeroes, mayUnmap ? (ushort)0 : NbdProtocol.FlagNoHole, offsetBytes, lengthBytes,
                cancellationToken)
            : WriteBlankAsync(offsetBytes, lengthBytes, cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask<BlockExtent> GetExtentCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        if (_connection.Export.AllocationContext == null)
        {
            return new BlockExtent(offsetBytes, lengthBytes, BlockExtentStatus.Data);
        }

        var request = new NbdRequest(NbdProtocol.BlockStatus, offsetBytes, Math.Min(lengthBytes, MaxRangeBytes), default);
        await _connection.RunAsync(BlockOperation.Extents, request, 0, cancellationToken).ConfigureAwait(false);
        var (length, flags) = request.Status;
        var status = (flags & NbdProtocol.StatusZero) == 0 ? BlockExtentStatus.Data
            : (flags & NbdProtocol.StatusHole) == 0 ? BlockExtentStatus.Zero : BlockExtentStatus.Zero | BlockExtentStatus.Hole;
        return new BlockExtent(offsetBytes, length, status);
    }

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    private async ValueTask<BlockResult> TransferAsync(
        BlockOperation operation, ushort type, long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        for (var done = 0L; done < buffers.LengthBytes;)
        {
            var part = buffers.Slice(done, Math.Min(buffers.LengthBytes - done, _connection.Export.MaxPayloadBytes));
            await _connection.RunAsync(operation, new NbdRequest(type, offsetBytes + done, part.LengthBytes, part), 0, cancellationToken)
                .ConfigureAwait(false);
            done += part.LengthBytes;
        }

        return BlockResult.Ok;
    }

    private async ValueTask<BlockResult> RangeAsync(
        BlockOperation operation, ushort type, ushort flags, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        for (var done = 0L; done < lengthBytes;)
        {
            var length = Math.Min(lengthBytes - done, MaxRangeBytes);
            await _connection.RunAsync(operation, new NbdRequest(type, offsetBytes + done, length, default), flags, cancellationToken).ConfigureAwait(false);
            done += length;
        }

        return BlockResult.Ok;
    }

    private async ValueTask<BlockResult> WriteBlankAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var blank = new byte[(int)Math.Min(lengthBytes, 1 << 20)];
        for (var done = 0L; done < lengthBytes;)
        {
            var length = (int)Math.Min(lengthBytes - done, blank.Length);
            await WriteCoreAsync(offsetBytes + done, blank.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            done += length;
        }

        return BlockResult.Ok;
    }
}
