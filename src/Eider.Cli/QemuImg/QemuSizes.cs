using System.Globalization;

namespace Eider.Cli.QemuImg;

/// <summary>Sizes as qemu-img reads and prints them.</summary>
internal static class QemuSizes
{
    private const string Units = "BKMGTPE";
    private static readonly string[] Names = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

    /// <summary>Reads a number with a unit, such as <c>64M</c> or <c>1.5G</c>; null if it is none, or too large.</summary>
    public static long? TryParse(string text)
    {
        var digits = text;
        var power = 0;
        if (digits.Length > 0 && Units.IndexOf(char.ToUpperInvariant(digits[^1]), StringComparison.Ordinal) is >= 0 and var unit
            && !digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            power = unit;
            digits = digits[..^1];
        }

        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return long.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) && hex >= 0
                ? hex
                : null;
        }

        if (!digits.Contains('.', StringComparison.Ordinal))
        {
            return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var whole)
                && whole <= long.MaxValue >> (10 * power)
                ? whole << (10 * power)
                : null;
        }

        return decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && power > 0 && number < (decimal)long.MaxValue / (1L << (10 * power))
            ? (long)(number * (1L << (10 * power)))
            : null;
    }

    /// <summary>Reads a number within bounds.</summary>
    /// <param name="what">What it is, for the failure.</param>
    /// <param name="text">As the user wrote it.</param>
    /// <param name="least">The least one.</param>
    /// <param name="most">The largest one.</param>
    public static long Parse(string what, string text, long least = 0, long most = long.MaxValue)
    {
        var value = TryParse(text);
        if (value is { } number && number >= least && number <= most)
        {
            return number;
        }

        var isNumber = value != null || (text.Length > 0 && text.All(char.IsAsciiDigit));
        throw new QemuImgException(
            isNumber
                ? $"Invalid {what} specified. Must be between {least} and {most}."
                : $"Invalid {what} specified. You may use k, M, G, T, P or E suffixes for\nqemu-img: kilobytes, megabytes, "
                    + "gigabytes, terabytes, petabytes and exabytes.");
    }

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
}
