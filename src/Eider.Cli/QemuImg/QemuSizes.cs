using System.Globalization;
using Eider.Storage;

namespace Eider.Cli.QemuImg;

/// <summary>Sizes as qemu-img reads and prints them.</summary>
internal static class QemuSizes
{
    private static readonly string[] Names = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

    /// <summary>Reads a number with a unit, such as <c>64M</c>, <c>1.5G</c> or <c>0x200</c>; null if it is none, or too large.</summary>
    public static long? TryParse(string text) => Read(text, out var bytes) == ByteSizeKind.Size ? bytes : null;

    /// <summary>Reads a number within bounds.</summary>
    /// <param name="what">What it is, for the failure.</param>
    /// <param name="text">As the user wrote it.</param>
    /// <param name="least">The least one.</param>
    /// <param name="most">The largest one.</param>
    /// <exception cref="QemuImgException">It is none.</exception>
    public static long Parse(string what, string text, long least = 0, long most = long.MaxValue) => Read(text, out var number) switch
    {
        ByteSizeKind.None => throw new QemuImgException(
            $"Invalid {what} specified. You may use k, M, G, T, P or E suffixes for\nqemu-img: kilobytes, megabytes, "
            + "gigabytes, terabytes, petabytes and exabytes."),
        ByteSizeKind.Size when number >= least && number <= most => number,
        _ => throw new QemuImgException($"Invalid {what} specified. Must be between {least} and {most}."),
    };

    /// <summary>Reads the value of a parameter that is a size.</summary>
    /// <exception cref="QemuImgException">It is none.</exception>
    public static long OfParameter(string name, string text) => Read(text, out var number) switch
    {
        ByteSizeKind.Size => number,
        ByteSizeKind.TooLarge => throw new QemuImgException($"Value '{text}' is out of range for parameter '{name}'"),
        _ => throw new QemuImgException(
            $"Parameter '{name}' expects a non-negative number below 2^64\n"
            + "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively."),
    };

    /// <summary>A size for people, such as <c>2.19 MiB</c>.</summary>
    public static string Print(long bytes)
    {
        // The next unit from 1000 of the one before on.
        var power = 0;
        while (power < Names.Length - 1 && bytes / 1000.0 >= Math.Pow(1024, power))
        {
            power++;
        }

        return $"{General(bytes / Math.Pow(1024, power))} {Names[power]}B";
    }

    /// <summary>Three significant digits, as <c>%0.3g</c> of printf(3) gives them.</summary>
    private static string General(double value)
    {
        if (value == 0)
        {
            return "0";
        }

        var exponent = (int)Math.Floor(Math.Log10(value));
        var rounded = decimal.Parse(value.ToString("E2", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
        exponent = rounded >= (decimal)Math.Pow(10, exponent + 1) ? exponent + 1 : exponent;
        return exponent >= 3
            ? value.ToString("0.##e+00", CultureInfo.InvariantCulture)
            : rounded.ToString("0.####", CultureInfo.InvariantCulture);
    }

    private static ByteSizeKind Read(string text, out long bytes)
    {
        if (!text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return ByteSizes.TryParse(text, out bytes);
        }

        return long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes) && bytes >= 0
            ? ByteSizeKind.Size : ByteSizeKind.None;
    }
}
