using System.Globalization;

namespace Eider.Devices.Ide;

/// <summary>Texts in IDENTIFY data: padded with blanks, two characters a word, the first one in the high byte.</summary>
internal static class IdeText
{
    /// <summary>Refuses a text that does not fit.</summary>
    /// <exception cref="ArgumentException">Too long, or not printable ASCII.</exception>
    public static void Check(string owner, string what, string text, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > maxLength || text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"{owner}: {what} '{text}' has {text.Length} characters; expected at most {maxLength}, printable ASCII"));
        }
    }

    /// <summary>Puts a text into words (ATA/ATAPI-6).</summary>
    public static void PutSwapped(Span<byte> words, string text)
    {
        for (var i = 0; i < words.Length; i++)
        {
            words[i ^ 1] = i < text.Length ? (byte)text[i] : (byte)' ';
        }
    }

    /// <summary>Puts a text as SCSI has it: in order, padded with blanks.</summary>
    public static void Put(Span<byte> bytes, string text)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = i < text.Length ? (byte)text[i] : (byte)' ';
        }
    }
}
