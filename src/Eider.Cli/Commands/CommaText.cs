using System.Text;

namespace Eider.Cli.Commands;

/// <summary>Lists with commas between their parts; a comma inside of a part is written twice.</summary>
internal static class CommaText
{
    /// <summary>Takes a list apart; the list without a character has one part, which is empty.</summary>
    public static List<string> Split(string text)
    {
        var parts = new List<string>();
        var part = new StringBuilder();
        for (var at = 0; at < text.Length; at++)
        {
            var isPair = text[at] == ',' && at + 1 < text.Length && text[at + 1] == ',';
            if (text[at] != ',' || isPair)
            {
                part.Append(text[at]);
                at += isPair ? 1 : 0;
            }
            else
            {
                parts.Add(part.ToString());
                part.Clear();
            }
        }

        parts.Add(part.ToString());
        return parts;
    }
}
