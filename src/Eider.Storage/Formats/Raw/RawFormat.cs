namespace Eider.Storage.Formats.Raw;

/// <summary>The format without a format: the bytes of the file are the bytes of the disk.</summary>
public sealed class RawFormat : ImageFormat
{
    private static readonly ImageCreateOption[] Known =
    [
        new("preallocation", "off|falloc|full", "whether space is set aside now"),
    ];

    internal RawFormat()
    {
    }

    /// <inheritdoc/>
    public override string Name => "raw";

    /// <inheritdoc/>
    public override IReadOnlyList<ImageCreateOption> CreateOptions => Known;

    /// <inheritdoc/>
    public override int Probe(ReadOnlySpan<byte> beginning) => 1;

    /// <inheritdoc/>
    public override ValueTask<ImageStorage> OpenAsync(
        BlockStorage file, ImageOpenOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        return ValueTask.FromResult<ImageStorage>(new RawImage(this, file, options));
    }

    /// <inheritdoc/>
    public override async ValueTask CreateAsync(
        BlockStorage file, ImageCreateOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        foreach (var name in options.Options.Keys.Where(name => name != Known[0].Name))
        {
            throw ImageErrors.BadOption(file, $"unknown option '{name}' for raw; expected preallocation");
        }

        var preallocation = ImagePreallocations.Parse(file, options.Options.GetValueOrDefault(Known[0].Name, "off"));
        if (preallocation == ImagePreallocation.Metadata)
        {
            throw ImageErrors.BadOption(file, "raw has no metadata: found preallocation=metadata, expected off, falloc or full");
        }

        await ImageErrors.ExpectDoneAsync(file.ResizeAsync(0, cancellationToken), file, "cannot be resized").ConfigureAwait(false);
        await ImageErrors.ExpectDoneAsync(file.ResizeAsync(options.SizeBytes, cancellationToken), file, "cannot be resized")
            .ConfigureAwait(false);
        await ImagePreallocations.ApplyAsync(file, 0, options.SizeBytes, preallocation, cancellationToken).ConfigureAwait(false);
    }
}
