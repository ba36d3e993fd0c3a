using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>One package source that the machine is configured with.</summary>
/// <param name="Uri">The mirror, as configured.</param>
/// <param name="Suites">Its suites, such as <c>bookworm</c>.</param>
/// <param name="Components">Its components, such as <c>main</c>.</param>
/// <param name="SignedBy">Keyring file that signs it, or null if none is named.</param>
internal sealed record AptSource(
    string Uri, IReadOnlyList<string> Suites, IReadOnlyList<string> Components, string? SignedBy)
{
    private const string DefaultKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

    private static readonly string[] ArchiveSuites =
        ["oldstable", "stable", "testing", "unstable", "sid", "bookworm", "trixie", "forky", "duke"];

    /// <summary>The keyring file that the signatures are checked with.</summary>
    public string Keyring => SignedBy ?? DefaultKeyring;

    /// <summary>The mirror of the Debian archive that the machine is configured with.</summary>
    /// <param name="aptDirectory">The folder of apt's configuration, <c>/etc/apt</c>.</param>
    /// <exception cref="CliException">It is configured with none.</exception>
    public static AptSource OfMachine(string aptDirectory)
    {
        var found = Read(aptDirectory).FirstOrDefault(source =>
            source.Components.Contains("main") && source.Suites.Any(suite => ArchiveSuites.Contains(suite)));
        var chosen = found ?? throw new CliException(
            ExitCode.Unavailable,
            $"{aptDirectory}: found no source of the Debian archive (a suite such as bookworm with the component main); add one, "
            + "or pass your own: eider run --kernel IMAGE --initrd INITRD --disk ROOT.img");
        return chosen.SignedBy is { } file && !File.Exists(file) ? chosen with { SignedBy = null } : chosen;
    }

    /// <summary>All sources below a folder of apt's configuration, in apt's order.</summary>
    public static IEnumerable<AptSource> Read(string aptDirectory)
    {
        var single = Path.Combine(aptDirectory, "sources.list");
        var parts = Path.Combine(aptDirectory, "sources.list.d");
        var files = (File.Exists(single) ? [single] : Array.Empty<string>())
            .Concat(Directory.Exists(parts) ? Directory.GetFiles(parts).Order(StringComparer.Ordinal) : []);
        foreach (var file in files)
        {
            var sources = Path.GetExtension(file) switch
            {
                ".list" => ParseOneLine(ReadText(file)),
                ".sources" => ParseDeb822(ReadText(file)),
                _ => [],
            };
            foreach (var source in sources)
            {
                yield return source;
            }
        }
    }

    /// <summary>Parses the one-line form: <c>deb [options] uri suite component...</c> (sources.list(5)).</summary>
    public static IEnumerable<AptSource> ParseOneLine(string text)
    {
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.Split('#')[0].Trim();
            if (!line.StartsWith("deb ", StringComparison.Ordinal) && !line.StartsWith("deb\t", StringComparison.Ordinal))
            {
                continue;
            }

            line = line[4..].Trim();
            string? signedBy = null;
            if (line.StartsWith('['))
            {
                var end = line.IndexOf(']', StringComparison.Ordinal);
                if (end < 0)
                {
                    continue;
                }

                signedBy = Words(line[1..end])
                    .FirstOrDefault(option => option.StartsWith("signed-by=", StringComparison.OrdinalIgnoreCase))?[10..];
                line = line[(end + 1)..];
            }

            var words = Words(line);
            if (words.Length >= 3)
            {
                yield return new AptSource(words[0], [words[1]], words[2..], KeyringFile(signedBy));
            }
        }
    }

    /// <summary>Parses the deb822 form: stanzas of <c>Types</c>, <c>URIs</c>, <c>Suites</c>, ... (sources.list(5)).</summary>
    public static IEnumerable<AptSource> ParseDeb822(string text)
    {
        foreach (var stanza in ControlParagraph.ParseAll(text))
        {
            if (!Words(stanza["Types"] ?? "").Contains("deb") || stanza["Enabled"] is "no" or "false" or "0")
            {
                continue;
            }

            foreach (var uri in Words(stanza["URIs"] ?? ""))
            {
                yield return new AptSource(
                    uri, Words(stanza["Suites"] ?? ""), Words(stanza["Components"] ?? ""), KeyringFile(stanza["Signed-By"]));
            }
        }
    }

    // A key that stands in the file itself is not taken over: the archive's own keyring signs the archive.
    private static string? KeyringFile(string? signedBy) =>
        signedBy?.Split(',')[0].Trim() is { } first && first.StartsWith('/') ? first : null;

    private static string[] Words(string text) =>
        text.Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);

    private static string ReadText(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.NoInput, $"{file}: cannot be read ({cause.Message})", cause);
        }
    }
}
