using Eider.Storage.Layers;

namespace Eider.Storage.Formats.Raw;

/// <summary>A raw image. Every request goes to the file as it is.</summary>
internal sealed class RawImage : ImageStorage
{
    private const int GuardedBytes = 512;

    private readonly bool _isGuarded;

    public RawImage(ImageFormat format, BlockStorage file, ImageOpenOptions options)
        : base(format, file)
    {
        _isGuarded = options.IsFormatProbed;
        Geometry = options.IsReadOnly
            ? file.Geometry with { IsReadOnly = true, CanDiscard = false, DiscardGranularityBytes = 0, WriteZeroesMayUnmap = false }
            : file.Geometry;
        file.SizeChanged += OnFileSizeChanged;
    }

    public override BlockGeometry Geometry { get; }

    public override long SizeBytes => File.SizeBytes;

    public override async ValueTask<BlockResult> MakeEmptyAsync(CancellationToken cancellationToken = default) =>
        SizeBytes == 0 ? BlockResult.Ok
            : await WriteZeroesAsync(0, SizeBytes, mayUnmap: true, cancellationToken).ConfigureAwait(false);

    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        File.ReadAsync(offsetBytes, buffers, cancellationToken);

    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        _isGuarded && offsetBytes < GuardedBytes
            ? WriteGuardedAsync(offsetBytes, buffers, cancellationToken)
            : File.WriteAsync(offsetBytes, buffers, cancellationToken);

    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        File.FlushAsync(cancellationToken);

    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        File.DiscardAsync(offsetBytes, lengthBytes, cancellationToken);

    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        File.WriteZeroesAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken);

    protected override ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        File.GetExtentAsync(offsetBytes, lengthBytes, cancellationToken);

    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken) =>
        File.ResizeAsync(sizeBytes, cancellationToken);

    protected override async ValueTask<ImageExtent> GetImageExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var extent = await File.GetExtentAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
        var isZero = extent.Status.HasFlag(BlockExtentStatus.Zero);
        var kind = !isZero ? ImageExtentKind.Data
            : extent.Status.HasFlag(BlockExtentStatus.Hole) ? ImageExtentKind.Zero : ImageExtentKind.AllocatedZero;
        var start = (File as RangeStorage)?.OffsetBytes ?? 0;
        return new ImageExtent(extent.OffsetBytes, extent.LengthBytes, kind, start + extent.OffsetBytes);
    }

    protected override async ValueTask DisposeCoreAsync()
    {
        File.SizeChanged -= OnFileSizeChanged;
        await File.DisposeAsync().ConfigureAwait(false);
        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    private void OnFileSizeChanged(object? sender, EventArgs eventArgs) => OnSizeChanged();

    /// <summary>
    /// A guest must not turn a disk whose format was guessed into an image of another format: the next guess would open
    /// the files that it names.
    /// </summary>
    private async ValueTask<BlockResult> WriteGuardedAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var sector = new byte[(int)Math.Min(GuardedBytes, SizeBytes)];
        await File.ReadAsync(0, sector, cancellationToken).ConfigureAwait(false);
        var count = (int)Math.Min(buffers.LengthBytes, sector.Length - offsetBytes);
        buffers.CopyTo(0, sector.AsSpan((int)offsetBytes, count));
        foreach (var format in ImageFormats.All)
        {
            if (format != Format && format.Probe(sector) > 0)
            {
                throw new BlockStorageException(
                    BlockErrorKind.AccessDenied, BlockOperation.Write, Name, offsetBytes,
                    $"{Name}: a write would make this disk look like {format.Name}, and its format was guessed; "
                    + "name the format raw to allow it");
            }
        }

        return await File.WriteAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
    }
}
