using Eider.Cli.Commands;

namespace Eider.Cli.QemuImg;

/// <summary>Lists such as <c>size=1G,backing_file=a,,b</c>: a doubled comma is a comma of the value.</summary>
internal static class QemuKeyValues
{
    /// <summary>The parts in order. A part without a value counts as <c>name=on</c>; <c>noNAME</c> is not undone.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Parse(string text, string? implied = null)
    {
        var isFirst = true;
        foreach (var part in CommaText.Split(text))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals >= 0)
            {
                yield return new(part[..equals], part[(equals + 1)..]);
            }
            else if (isFirst && implied != null)
            {
                yield return new(implied, part);
            }
            else if (part.Length > 0)
            {
                yield return new(part, "on");
            }

            isFirst = false;
        }
    }
}
