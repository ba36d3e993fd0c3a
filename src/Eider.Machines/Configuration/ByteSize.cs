using System.Globalization;
using System.Numerics;

namespace Eider.Machines;

/// <summary>A number of bytes, written as a number with a suffix: <c>512M</c>, <c>4G</c>, <c>4096</c>.</summary>
/// <param name="Bytes">The number; not negative.</param>
public readonly record struct ByteSize(long Bytes)
{
    private const string Suffixes = "KMGT";

    /// <summary>From a text such as <c>512M</c>.</summary>
    /// <exception cref="MachineConfigurationException">It is none.</exception>
    public static implicit operator ByteSize(string text) => Parse(text);

    /// <summary>From a number of bytes.</summary>
    public static implicit operator ByteSize(long bytes) => FromInt64(bytes);

    /// <summary>From a number of bytes.</summary>
    public static ByteSize FromInt64(long bytes) => new(bytes);

    /// <summary>From a text such as <c>512M</c>; the same as <see cref="Parse"/>.</summary>
    public static ByteSize FromString(string text) => Parse(text);

    /// <summary>Reads a number of bytes with an optional suffix K, M, G or T (powers of 1024; also KiB, MiB, ...).</summary>
    /// <exception cref="MachineConfigurationException">It is none, or too large for 63 bits.</exception>
    public static ByteSize Parse(string text) =>
        TryParse(text, out var size)
            ? size
            : throw new MachineConfigurationException(
                MachineErrorKind.BadSetting, "size", $"found '{text}', expected a number of bytes such as 512M, 4G or 1048576");

    /// <summary>Reads a number of bytes with an optional suffix.</summary>
    /// <returns>False if it is none.</returns>
    public static bool TryParse(string? text, out ByteSize size)
    {
        size = default;
        var digits = (text ?? "").Trim();
        if (digits.EndsWith("iB", StringComparison.OrdinalIgnoreCase))
        {
            digits = digits[..^2];
        }

        var power = digits.Length > 0 ? Suffixes.IndexOf(char.ToUpperInvariant(digits[^1]), StringComparison.Ordinal) + 1 : 0;
        if (power > 0)
        {
            digits = digits[..^1];
        }

        if (!ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > (ulong)long.MaxValue >> (10 * power))
        {
            return false;
        }

        size = new ByteSize((long)number << (10 * power));
        return true;
    }

    /// <summary>As short as it can be written exactly: <c>512M</c>.</summary>
    public override string ToString()
    {
        var power = Bytes == 0 ? 0 : Math.Min(BitOperations.TrailingZeroCount(Bytes) / 10, Suffixes.Length);
        var suffix = power == 0 ? "" : Suffixes[(power - 1)..power];
        return string.Create(CultureInfo.InvariantCulture, $"{Bytes >> (10 * power)}{suffix}");
    }
}
