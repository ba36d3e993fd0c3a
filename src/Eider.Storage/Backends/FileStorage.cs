using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>
/// A raw image: a file or block device whose bytes are the bytes of the disk. Every request completes on the
/// calling thread and allocates nothing. Holes are kept: a discard punches one, zeroes become one where the caller
/// allows it.
/// </summary>
public sealed class FileStorage : BlockStorage
{
    private readonly FileBackend _backend;
    private readonly IDisposable? _lock;
    private readonly bool _leaveOpen;
    private long _sizeBytes;

    /// <summary>A disk over the caller's open handle.</summary>
    /// <remarks>
    /// The handle's file position is not used but may move. Whether it is direct is found out on Linux; elsewhere no
    /// lock is taken on it.
    /// </remarks>
    /// <param name="handle">Open for reading, and for writing unless the storage is read-only.</param>
    /// <param name="options">Read-only, locking, and whether the handle stays open at the end.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <exception cref="BlockStorageException">The handle does not fit, or the file is in use.</exception>
    public FileStorage(SafeFileHandle handle, FileStorageOptions? options = null, string? name = null)
        : this(FileOpening.Adopt(handle, options ?? FileStorageOptions.Default, name ?? "file handle"))
    {
    }

    private FileStorage(FileOpening.Opened opened)
    {
        _backend = opened.Backend;
        _lock = opened.Lock;
        _leaveOpen = opened.LeaveOpen;
        _sizeBytes = opened.SizeBytes;
        Name = opened.Name;
        Identity = opened.Identity;
        var canPunch = _backend.CanPunchHoles && !opened.IsReadOnly;
        Geometry = new BlockGeometry
        {
            IsReadOnly = opened.IsReadOnly,
            PhysicalBlockBytes = Math.Max(512, opened.PhysicalBlockBytes),
            BufferAlignmentBytes = _backend.AlignmentBytes,
            CanDiscard = canPunch,
            DiscardGranularityBytes = canPunch ? Math.Max(4096, opened.PhysicalBlockBytes) : 0,
            WriteZeroesMayUnmap = canPunch,
        };
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <inheritdoc/>
    public override long SizeBytes => Volatile.Read(ref _sizeBytes);

    /// <summary>Which file it is, whatever its name; null where the host does not say.</summary>
    internal FileIdentity? Identity { get; }

    /// <summary>The open file, for questions that the contract has no method for.</summary>
    internal SafeFileHandle Handle => _backend.Handle;

    /// <summary>Opens an existing file or block device.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="options">How to open it.</param>
    /// <exception cref="BlockStorageException">
    /// It does not exist, may not be accessed, is not a file, is in use, or cannot be opened as asked.
    /// </exception>
    public static FileStorage Open(string path, FileStorageOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new FileStorage(FileOpening.Open(path, options ?? FileStorageOptions.Default, createBytes: null));
    }

    /// <summary>Creates a file that is one large hole, and opens it. An existing file is never touched.</summary>
    /// <param name="path">Where it shall be.</param>
    /// <param name="sizeBytes">Its size.</param>
    /// <param name="options">How to open it; not read-only.</param>
    /// <exception cref="ArgumentException">The options ask for a read-only file.</exception>
    /// <exception cref="BlockStorageException">It exists, or cannot be created.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public static FileStorage Create(string path, long sizeBytes, FileStorageOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        options ??= FileStorageOptions.Default;
        return options.IsReadOnly
            ? throw new ArgumentException("A file to create cannot be read-only.", nameof(options))
            : new FileStorage(FileOpening.Open(path, options, sizeBytes));
    }

    /// <summary>Looks again how large the file is, after somebody else made it larger or smaller.</summary>
    /// <exception cref="BlockStorageException">The host does not say.</exception>
    public void RefreshSize() => SetSize(_backend.GetSize());

    /// <summary>Changes the size of the file; what is added reads as zeroes.</summary>
    /// <param name="sizeBytes">The new size.</param>
    /// <exception cref="BlockStorageException">The storage is read-only, or the host refuses.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public void Resize(long sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        if (Geometry.IsReadOnly || sizeBytes % _backend.AlignmentBytes != 0)
        {
            throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Resize, Name, null,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Name}: cannot be resized to {sizeBytes} bytes: "
                    + $"it is read-only, or the size is no multiple of {_backend.AlignmentBytes}"));
        }

        try
        {
            _backend.Resize(sizeBytes);
        }
        catch (ObjectDisposedException exception)
        {
            throw HostErrors.FromException(exception, BlockOperation.Resize, Name, null);
        }

        SetSize(sizeBytes);
    }

    /// <summary>Opens a file as hosts other than Linux do.</summary>
    internal static FileStorage OpenPortably(string path, FileStorageOptions options) =>
        new(FileOpening.OpenPortably(path, options, createBytes: null));

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        try
        {
            _backend.Read(offsetBytes, buffers);
        }
        catch (ObjectDisposedException exception)
        {
            throw HostErrors.FromException(exception, BlockOperation.Read, Name, offsetBytes);
        }

        return ValueTask.FromResult(BlockResult.Ok);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        try
        {
            _backend.Write(offsetBytes, buffers);
        }
        catch (ObjectDisposedException exception)
        {
            throw HostErrors.FromException(exception, BlockOperation.Write, Name, offsetBytes);
        }

        return ValueTask.FromResult(BlockResult.Ok);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        if (Geometry.IsReadOnly)
        {
            return ValueTask.FromResult(BlockResult.Ok);
        }

        try
        {
            _backend.Flush();
        }
        catch (ObjectDisposedException exception)
        {
            throw HostErrors.FromException(exception, BlockOperation.Flush, Name, null);
        }

        return ValueTask.FromResult(BlockResult.Ok);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        try
        {
            return ValueTask.FromResult(
                _backend.TryPunchHole(offsetBytes, lengthBytes, BlockOperation.Discard)
                    ? BlockResult.Ok
                    : BlockResult.Unsupported);
        }
        catch (ObjectDisposedException exception)
        {
            throw HostErrors.FromException(exception, BlockOperation.Discard, Name, offsetBytes);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        try
        {
            if (!(mayUnmap && _backend.TryPunchHole(offsetBytes, lengthBytes, BlockOperation.WriteZeroes))
                && !_backend.TryZeroRange(offsetBytes, lengthBytes))
            {
                _backend.WriteZeroes(offsetBytes, lengthBytes, cancellationToken);
            }
        }
        catch (ObjectDisposedException exception)
        {
            throw HostErrors.FromException(exception, BlockOperation.WriteZeroes, Name, offsetBytes);
        }

        return ValueTask.FromResult(BlockResult.Ok);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        try
        {
            return ValueTask.FromResult(_backend.GetExtent(offsetBytes, lengthBytes));
        }
        catch (ObjectDisposedException exception)
        {
            throw HostErrors.FromException(exception, BlockOperation.Extents, Name, offsetBytes);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        Resize(sizeBytes);
        return ValueTask.FromResult(BlockResult.Ok);
    }

    /// <inheritdoc/>
    protected override ValueTask DisposeCoreAsync()
    {
        if (!_leaveOpen)
        {
            if (OperatingSystem.IsLinux() && _lock is FileLockHold hold)
            {
                hold.Unlock();
            }

            _backend.Handle.Dispose();
        }

        // Last: only then may the next one have the file.
        _lock?.Dispose();
        return base.DisposeCoreAsync();
    }

    private void SetSize(long sizeBytes)
    {
        if (Interlocked.Exchange(ref _sizeBytes, sizeBytes) != sizeBytes)
        {
            OnSizeChanged();
        }
    }
}
