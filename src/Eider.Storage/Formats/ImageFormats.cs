using System.Buffers;

namespace Eider.Storage.Formats;

/// <summary>The formats there are, by name.</summary>
public static class ImageFormats
{
    /// <summary>Bytes as they are.</summary>
    public static ImageFormat Raw { get; } = new Formats.Raw.RawFormat();

    /// <summary>QEMU's copy-on-write format, versions 2 and 3.</summary>
    public static ImageFormat Qcow2 { get; } = new Formats.Qcow2.Qcow2Format();

    /// <summary>A LUKS1 volume in a file of its own.</summary>
    public static ImageFormat Luks { get; } = new Formats.Luks.LuksFormat();

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ImageFormat> All { get; } = [Raw, Qcow2, Luks];

    /// <summary>The format of a name, or null.</summary>
    public static ImageFormat? Find(string name) => All.FirstOrDefault(format => format.Name == name);

    /// <summary>The format of a name.</summary>
    /// <param name="name">The name as the user or an image has it.</param>
    /// <param name="path">What the failure speaks of.</param>
    /// <exception cref="BlockStorageException">There is no such format.</exception>
    public static ImageFormat Get(string name, string path) =>
        Find(name) ?? throw new BlockStorageException(
            BlockErrorKind.UnsupportedFeature, BlockOperation.Open, path, null,
            $"{path}: found format '{name}', expected {string.Join(" or ", All.Select(format => $"'{format.Name}'"))}");

    /// <summary>
    /// Guesses the format of a file: the one with the highest score. Only for users who ask for it, never for a disk
    /// that a guest has written to as raw.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">The file cannot be read.</exception>
    public static async ValueTask<ImageFormat> ProbeAsync(BlockStorage file, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        var length = (int)Math.Min(ImageFormat.ProbeBytes, file.SizeBytes);
        var bytes = ArrayPool<byte>.Shared.Rent(ImageFormat.ProbeBytes);
        try
        {
            await file.ReadAsync(0, bytes.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            return All.MaxBy(format => format.Probe(bytes.AsSpan(0, length)))!;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
