using System.Globalization;

namespace Eider.Storage.Formats.Foreign;

/// <summary>Reads pieces of a file that may be too short, and says what is wrong with it.</summary>
internal sealed class HeaderReader(BlockStorage file)
{
    /// <summary>Size of the file.</summary>
    public long SizeBytes => file.SizeBytes;

    /// <summary>A piece of the file, cut off at its end; empty behind it.</summary>
    public async ValueTask<byte[]> ReadAsync(long offsetBytes, int lengthBytes, CancellationToken cancellationToken)
    {
        var bytes = new byte[(int)Math.Clamp(file.SizeBytes - offsetBytes, 0, lengthBytes)];
        if (bytes.Length > 0)
        {
            await ImageErrors.ExpectDoneAsync(file.ReadAsync(offsetBytes, bytes, cancellationToken), file, "cannot be read").ConfigureAwait(false);
        }

        return bytes;
    }

    /// <summary>A piece of the file that must be there.</summary>
    /// <exception cref="BlockStorageException">The file ends before.</exception>
    public async ValueTask<byte[]> RequireAsync(string what, long offsetBytes, int lengthBytes, CancellationToken cancellationToken)
    {
        if (offsetBytes < 0 || offsetBytes > file.SizeBytes - lengthBytes)
        {
            throw Wrong(string.Create(
                CultureInfo.InvariantCulture,
                $"{what} of {lengthBytes} bytes at {offsetBytes} reaches past the end of the file at {file.SizeBytes}"));
        }

        return await ReadAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A size of a disk that can be.</summary>
    /// <exception cref="BlockStorageException">It cannot.</exception>
    public long SizeOf(string what, ulong size, ulong unit = 1) =>
        size <= long.MaxValue / unit
            ? (long)(size * unit)
            : throw Wrong(string.Create(CultureInfo.InvariantCulture, $"{what} says a size of {size} times {unit} bytes, expected less than 2^63"));

    /// <summary>The failure of a header that contradicts itself.</summary>
    public BlockStorageException Wrong(string what) => ImageErrors.Invalid(file.Name, null, what);
}
