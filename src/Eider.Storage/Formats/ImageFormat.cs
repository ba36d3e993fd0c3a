namespace Eider.Storage.Formats;

/// <summary>
/// A format driver: how a disk is laid out inside a file. It opens a file as an <see cref="ImageStorage"/> and
/// creates new images. Reading, writing, flushing, asking what is allocated, setting a key and emptying are
/// operations of the open image.
/// </summary>
public abstract class ImageFormat
{
    /// <summary>How many bytes from the beginning of a file <see cref="Probe"/> should see, if the file has them.</summary>
    public const int ProbeBytes = 4096;

    /// <summary>What users call it: <c>raw</c>, <c>qcow2</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The options that <see cref="CreateAsync"/> knows.</summary>
    public virtual IReadOnlyList<ImageCreateOption> CreateOptions => [];

    /// <summary>
    /// How much the beginning of a file looks like this format. Never used unless a user asks for a guess: what a guest
    /// writes into a raw disk can look like anything.
    /// </summary>
    /// <param name="beginning">Up to <see cref="ProbeBytes"/> bytes.</param>
    /// <returns>0 for not at all, 100 for certainly.</returns>
    public abstract int Probe(ReadOnlySpan<byte> beginning);

    /// <summary>Opens a file as an image. The image closes the file at its end; if opening fails, the caller keeps it.</summary>
    /// <param name="file">The file, open for reading, and for writing unless the image is opened read-only.</param>
    /// <param name="options">How to open it.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">It is no such image, or cannot be opened as asked.</exception>
    public abstract ValueTask<ImageStorage> OpenAsync(
        BlockStorage file, ImageOpenOptions options, CancellationToken cancellationToken = default);

    /// <summary>Writes an empty image into a file, over whatever is there. The file stays open.</summary>
    /// <param name="file">The file; it is resized.</param>
    /// <param name="options">Size and options of the image.</param>
    /// <param name="cancellationToken">Ends the attempt early; the file is then no image.</param>
    /// <exception cref="BlockStorageException">The options are wrong or contradict each other, or the host fails.</exception>
    public abstract ValueTask CreateAsync(
        BlockStorage file, ImageCreateOptions options, CancellationToken cancellationToken = default);
}
