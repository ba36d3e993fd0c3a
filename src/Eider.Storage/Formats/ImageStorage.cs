using Eider.Storage.Encryption;

namespace Eider.Storage.Formats;

/// <summary>
/// An open image: a disk, with the operations that only an image has. Reading, writing (scatter lists), flushing and
/// closing are those of <see cref="BlockStorage"/>: each can be cancelled, and a request outside the disk is refused
/// before it starts.
/// </summary>
public abstract class ImageStorage : BlockStorage
{
    /// <summary>An image of a format in a file.</summary>
    protected ImageStorage(ImageFormat format, BlockStorage file)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(file);
        Format = format;
        File = file;
    }

    /// <summary>The driver.</summary>
    public ImageFormat Format { get; }

    /// <summary>The file with the image.</summary>
    public BlockStorage File { get; }

    /// <inheritdoc/>
    public override string Name => File.Name;

    /// <summary>The image behind this one, or null. It is closed with this one.</summary>
    public virtual BlockStorage? Backing => null;

    /// <summary>The name of the backing file as the image has it; null if it has none.</summary>
    public virtual string? BackingName => null;

    /// <summary>The format of the backing file as the image has it; null if it does not say.</summary>
    public virtual string? BackingFormat => null;

    /// <summary>True if the data are encrypted.</summary>
    public virtual bool IsEncrypted => false;

    /// <summary>True if no data can be read or written before <see cref="SetKeyAsync"/>.</summary>
    public virtual bool NeedsKey => false;

    /// <summary>The LUKS header of an image that is encrypted with LUKS; null for others. No key is needed.</summary>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <exception cref="BlockStorageException">The header is damaged, or the host failed.</exception>
    public virtual ValueTask<LuksHeader?> GetLuksHeaderAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<LuksHeader?>(null);

    /// <summary>Where this image itself keeps the run that starts at an offset.</summary>
    /// <param name="offsetBytes">Where it starts.</param>
    /// <param name="lengthBytes">How far to look at most; a shorter run may be the answer though it goes on alike.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty or reaches past the end.</exception>
    public ValueTask<ImageExtent> GetImageExtentAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, SizeBytes - offsetBytes);
        return GetImageExtentCoreAsync(offsetBytes, lengthBytes, cancellationToken);
    }

    /// <summary>True if this image itself has the byte, be it as data or as zeroes.</summary>
    public async ValueTask<bool> IsAllocatedAsync(long offsetBytes, CancellationToken cancellationToken = default) =>
        (await GetImageExtentAsync(offsetBytes, 1, cancellationToken).ConfigureAwait(false)).Kind
            != ImageExtentKind.Unallocated;

    /// <summary>Unlocks the data of an encrypted image.</summary>
    /// <param name="key">The passphrase or key; it is not kept.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <returns><see cref="BlockResult.Unsupported"/> if the image is not encrypted.</returns>
    /// <exception cref="BlockStorageException">The key does not fit (<see cref="BlockErrorKind.AccessDenied"/>).</exception>
    public virtual ValueTask<BlockResult> SetKeyAsync(
        ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(BlockResult.Unsupported);

    /// <summary>Drops all data of this image itself: afterwards it reads as what lies behind it, or as zeroes.</summary>
    /// <param name="cancellationToken">Ends the request early; then a part may be dropped.</param>
    /// <returns><see cref="BlockResult.ReadOnly"/>, or <see cref="BlockResult.Unsupported"/> where a format cannot.</returns>
    public virtual ValueTask<BlockResult> MakeEmptyAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(BlockResult.Unsupported);

    /// <summary>Where this image keeps a run; the range is valid and not empty.</summary>
    protected abstract ValueTask<ImageExtent> GetImageExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken);
}
