namespace Eider.Storage.Formats;

/// <summary>Reads and carries out <see cref="ImagePreallocation"/>.</summary>
internal static class ImagePreallocations
{
    private const int ZeroBytes = 1 << 20;

    public static ImagePreallocation Parse(BlockStorage file, string text) => text switch
    {
        "off" => ImagePreallocation.Off,
        "metadata" => ImagePreallocation.Metadata,
        "falloc" => ImagePreallocation.Falloc,
        "full" => ImagePreallocation.Full,
        _ => throw ImageErrors.BadOption(file, $"found preallocation={text}, expected off, metadata, falloc or full"),
    };

    /// <summary>Sets a range of a file aside, which reads as zeroes before and after.</summary>
    public static async ValueTask ApplyAsync(
        BlockStorage file, long offsetBytes, long lengthBytes, ImagePreallocation preallocation, CancellationToken cancellationToken)
    {
        if (preallocation == ImagePreallocation.Falloc)
        {
            // Zeroes that may not be a hole: the host sets the space aside without writing it, where it can.
            await file.WriteZeroesAsync(offsetBytes, lengthBytes, mayUnmap: false, cancellationToken).ConfigureAwait(false);
        }
        else if (preallocation == ImagePreallocation.Full)
        {
            var zeroes = new byte[(int)Math.Min(ZeroBytes, lengthBytes)];
            for (var done = 0L; done < lengthBytes; done += zeroes.Length)
            {
                var count = (int)Math.Min(zeroes.Length, lengthBytes - done);
                await file.WriteAsync(offsetBytes + done, zeroes.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
