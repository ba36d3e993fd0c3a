using System.Text;

namespace Eider.Testing.Fuzzing;

/// <summary>
/// A case in a file: choices in hexadecimal, below lines that begin with <c>#</c> and say what it shows.
/// A line <c># outcome: X</c> names something that the case must show again when it is replayed.
/// </summary>
/// <param name="Name">Name of the file, without its extension.</param>
/// <param name="Choices">The choices.</param>
/// <param name="Outcome">What it must show; null for a case that only must not break a promise.</param>
public sealed record FuzzCase(string Name, ReadOnlyMemory<byte> Choices, string? Outcome)
{
    private const string OutcomeMark = "# outcome: ";
    private const int BytesInLine = 48;

    /// <summary>Reads a file.</summary>
    public static FuzzCase Load(string path)
    {
        var lines = File.ReadAllLines(path);
        var outcome = lines.FirstOrDefault(line => line.StartsWith(OutcomeMark, StringComparison.Ordinal))?[OutcomeMark.Length..];
        var hex = string.Concat(lines.Where(line => !line.StartsWith('#')).Select(line => line.Trim()));
        return new FuzzCase(Path.GetFileNameWithoutExtension(path), Convert.FromHexString(hex), outcome);
    }

    /// <summary>All cases of a target in a corpus, by name.</summary>
    /// <param name="folder">The corpus: a folder for each target in it.</param>
    /// <param name="target">Name of the target.</param>
    public static FuzzCase[] LoadAll(string folder, string target)
    {
        var own = Path.Combine(folder, target);
        return Directory.Exists(own)
            ? [.. Directory.EnumerateFiles(own, "*.case").Order(StringComparer.Ordinal).Select(Load)]
            : [];
    }

    /// <summary>Writes the file.</summary>
    /// <param name="folder">Where; it is made if need be.</param>
    /// <param name="comment">What it shows, in any number of lines.</param>
    /// <returns>Its path.</returns>
    public string Save(string folder, string comment)
    {
        Directory.CreateDirectory(folder);
        var text = new StringBuilder();
        foreach (var line in comment.ReplaceLineEndings("\n").Split('\n'))
        {
            text.Append("# ").Append(line.TrimEnd()).Append('\n');
        }

        if (Outcome is not null)
        {
            text.Append(OutcomeMark).Append(Outcome).Append('\n');
        }

        foreach (var piece in Choices.ToArray().Chunk(BytesInLine))
        {
            text.Append(Convert.ToHexStringLower(piece)).Append('\n');
        }

        var path = Path.Combine(folder, $"{Name}.case");
        File.WriteAllText(path, text.ToString());
        return path;
    }
}
