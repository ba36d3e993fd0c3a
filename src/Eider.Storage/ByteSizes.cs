using System.Globalization;

namespace Eider.Storage;

/// <summary>Sizes as users write them: bytes, or a number with a unit (powers of 1024), such as <c>64M</c> or <c>1.5G</c>.</summary>
public static class ByteSizes
{
    /// <summary>The units, each 1024 times the one before.</summary>
    public const string Units = "BKMGTPE";

    /// <summary>Reads a size. A fraction is cut off at whole bytes; without a unit it must be zero.</summary>
    /// <param name="text">Digits, perhaps with a point and a fraction, perhaps with one letter of <see cref="Units"/> in either case.</param>
    /// <param name="bytes">The size; if it is too large, 2^63 - 1; if the text is none, 0.</param>
    /// <returns>What the text is.</returns>
    public static ByteSizeKind TryParse(string text, out long bytes)
    {
        ArgumentNullException.ThrowIfNull(text);
        bytes = 0;
        var power = text.Length > 0 ? Units.IndexOf(char.ToUpperInvariant(text[^1]), StringComparison.Ordinal) : -1;
        var digits = power >= 0 ? text.AsSpan()[..^1] : text;
        var point = digits.IndexOf('.');
        var whole = point < 0 ? digits : digits[..point];
        var fraction = point < 0 ? default : digits[(point + 1)..];
        if (whole.IsEmpty || (point >= 0 && fraction.IsEmpty) || whole.ContainsAnyExceptInRange('0', '9')
            || fraction.ContainsAnyExceptInRange('0', '9') || (power <= 0 && fraction.ContainsAnyExcept('0')))
        {
            return ByteSizeKind.None;
        }

        var unit = 1L << (10 * Math.Max(0, power));
        var part = fraction.IsEmpty ? 0
            : (long)(decimal.Parse($"0.{fraction[..Math.Min(fraction.Length, 25)]}", CultureInfo.InvariantCulture) * unit);
        if (!long.TryParse(whole, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > (long.MaxValue - part) / unit)
        {
            bytes = long.MaxValue;
            return ByteSizeKind.TooLarge;
        }

        bytes = (number * unit) + part;
        return ByteSizeKind.Size;
    }
}
