namespace Eider.Storage.Formats.Qcow2;

/// <summary>QEMU's copy-on-write format, versions 2 and 3 (docs/interop/qcow2 of QEMU).</summary>
public sealed class Qcow2Format : ImageFormat
{
    internal Qcow2Format()
    {
    }

    /// <inheritdoc/>
    public override string Name => "qcow2";

    /// <inheritdoc/>
    public override int Probe(ReadOnlySpan<byte> beginning) => Qcow2HeaderReader.IsQcow2(beginning) ? 100 : 0;

    /// <inheritdoc/>
    public override async ValueTask<ImageStorage> OpenAsync(
        BlockStorage file, ImageOpenOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        return new Qcow2Image(this, await Qcow2Opening.OpenAsync(file, options, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public override ValueTask CreateAsync(
        BlockStorage file, ImageCreateOptions options, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();
}
