namespace Eider.Storage.Formats;

/// <summary>Reads and carries out <see cref="ImagePreallocation"/>.</summary>
public static class ImagePreallocations
{
    private const int ZeroBytes = 1 << 20;

    /// <summary>The mode of a name.</summary>
    /// <param name="text">As users write it: <c>off</c>, <c>metadata</c>, <c>falloc</c> or <c>full</c>.</param>
    /// <param name="preallocation">The mode.</param>
    /// <returns>False if there is none of that name.</returns>
    public static bool TryParse(string text, out ImagePreallocation preallocation)
    {
        (var isKnown, preallocation) = text switch
        {
            "off" => (true, ImagePreallocation.Off),
            "metadata" => (true, ImagePreallocation.Metadata),
            "falloc" => (true, ImagePreallocation.Falloc),
            "full" => (true, ImagePreallocation.Full),
            _ => (false, ImagePreallocation.Off),
        };
        return isKnown;
    }

    internal static ImagePreallocation Parse(BlockStorage file, string text) => TryParse(text, out var preallocation)
        ? preallocation
        : throw ImageErrors.BadOption(file, $"found preallocation={text}, expected off, metadata, falloc or full");

    /// <summary>Sets a range of a file aside, which reads as zeroes before and after.</summary>
    internal static async ValueTask ApplyAsync(
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
