namespace Eider.Cli.Provisioning;

/// <summary>One paragraph of a Debian control file: fields by name, in any case (Debian policy, section 5.1).</summary>
internal sealed class ControlParagraph
{
    private readonly Dictionary<string, string> _fields = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A field's value with its continuation lines, or null.</summary>
    public string? this[string name] => _fields.GetValueOrDefault(name);

    /// <summary>Parses a text of paragraphs that empty lines part.</summary>
    public static IEnumerable<ControlParagraph> ParseAll(string text)
    {
        var current = new ControlParagraph();
        string? last = null;
        foreach (var line in text.Split('\n').Append(""))
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                if (current._fields.Count > 0)
                {
                    yield return current;
                    current = new ControlParagraph();
                }

                last = null;
            }
            else if (line[0] is ' ' or '\t')
            {
                if (last != null)
                {
                    current._fields[last] += "\n" + line.Trim();
                }
            }
            else if (line[0] != '#' && line.IndexOf(':', StringComparison.Ordinal) is var colon and > 0)
            {
                last = line[..colon].Trim();
                current._fields[last] = line[(colon + 1)..].Trim();
            }
        }
    }
}
