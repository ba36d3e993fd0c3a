using System.Globalization;

namespace Eider.Serving.Http;

/// <summary>A range of a page, from a Range header (RFC 9110, 14.1.2).</summary>
/// <param name="OffsetBytes">Where it begins.</param>
/// <param name="LengthBytes">How long it is; 0 if the page has nothing of it.</param>
internal readonly record struct ByteRange(long OffsetBytes, long LengthBytes)
{
    private const string Unit = "bytes=";

    /// <summary>Reads a header.</summary>
    /// <returns>
    /// Null if the header shall be ignored: it is missing, malformed, of another unit or of several ranges. A length
    /// of 0 if no byte of the page is in the range.
    /// </returns>
    public static ByteRange? Parse(string? header, long sizeBytes)
    {
        if (header == null || !header.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var text = header.AsSpan(Unit.Length).Trim();
        var dash = text.IndexOf('-');
        if (dash < 0 || text.Contains(','))
        {
            return null;
        }

        var hasFirst = TryNumber(text[..dash], out var first);
        var hasLast = TryNumber(text[(dash + 1)..], out var last);
        if (dash == 0)
        {
            // The last bytes of the page, as many as said.
            return hasLast ? new ByteRange(sizeBytes - Math.Min(last, sizeBytes), Math.Min(last, sizeBytes)) : null;
        }

        if (!hasFirst || (!hasLast && dash + 1 < text.Length) || (hasLast && last < first))
        {
            return null;
        }

        if (first >= sizeBytes)
        {
            return new ByteRange(0, 0);
        }

        var end = hasLast ? Math.Min(last, sizeBytes - 1) : sizeBytes - 1;
        return new ByteRange(first, end - first + 1);
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out long number)
    {
        // A number beyond 63 bits is beyond every page.
        var isNumber = UInt128.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var wide);
        number = (long)UInt128.Min(wide, long.MaxValue);
        return isNumber;
    }
}
