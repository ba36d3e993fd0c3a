using System.Globalization;
using Eider.Cli.Errors;
using Eider.Storage;

namespace Eider.Cli.Images;

/// <summary>Sizes as users write and read them.</summary>
internal static class ImageSizes
{
    /// <summary>Reads a size: bytes, or a number, perhaps with a fraction, with K, M, G, T, P or E (powers of 1024).</summary>
    /// <param name="what">What it is, for the message.</param>
    /// <param name="text">As the user wrote it.</param>
    /// <exception cref="CliException">It is none, or larger than 2^63 - 1.</exception>
    public static long Parse(string what, string text)
    {
        return ByteSizes.TryParse(text, out var bytes) == ByteSizeKind.Size
            ? bytes
            : throw new CliException(ExitCode.Usage, $"{what} '{text}': expected a number of bytes, or one with K, M, G, T, P or E, below 8E");
    }

    /// <summary>A size for people: <c>1.5 GiB</c>.</summary>
    public static string Text(long bytes)
    {
        var value = (double)bytes;
        var power = 0;
        while (value >= 1024 && power < ByteSizes.Units.Length - 1)
        {
            value /= 1024;
            power++;
        }

        return power == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.##} {ByteSizes.Units[power]}iB");
    }

    /// <summary>A size for people with the bytes behind it.</summary>
    public static string Both(long bytes) =>
        bytes < 1024 ? Text(bytes) : string.Create(CultureInfo.InvariantCulture, $"{Text(bytes)} ({bytes} bytes)");
}
