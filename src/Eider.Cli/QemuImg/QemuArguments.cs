namespace Eider.Cli.QemuImg;

/// <summary>
/// The options of a command line read by the rules of getopt_long(3): bundled letters, values in the same or the next word,
/// options and names mixed, long names shortened as far as they stay clear, <c>--</c> as the end of the options.
/// </summary>
internal sealed class QemuArguments
{
    private readonly List<KeyValuePair<string, string>> _options = [];

    private QemuArguments()
    {
    }

    /// <summary>What is no option, in order.</summary>
    public List<string> Names { get; } = [];

    /// <summary>Reads a command line.</summary>
    /// <param name="words">The words after the command.</param>
    /// <param name="letters">The letters as for getopt(3): a colon after those that take a value.</param>
    /// <param name="longNames">Long names with the letter or name that they stand for; a colon at the end if they take a value.</param>
    /// <exception cref="QemuImgException">An unknown option, or a value is missing.</exception>
    /// <exception cref="QemuHelpException">The user asked for help.</exception>
    public static QemuArguments Parse(IReadOnlyList<string> words, string letters, params (string Name, string Key)[] longNames)
    {
        var found = new QemuArguments();
        for (var index = 0; index < words.Count; index++)
        {
            var word = words[index];
            if (word == "--")
            {
                found.Names.AddRange(words.Skip(index + 1));
                break;
            }

            if (word.StartsWith("--", StringComparison.Ordinal))
            {
                found.AddLong(words, ref index, longNames);
            }
            else if (word.Length > 1 && word[0] == '-')
            {
                found.AddLetters(words, ref index, letters);
            }
            else
            {
                found.Names.Add(word);
            }
        }

        return found;
    }

    /// <summary>True if an option was given.</summary>
    public bool Has(string key) => _options.Exists(option => option.Key == key);

    /// <summary>The last value of an option, or null.</summary>
    public string? Value(string key) => _options.FindLast(option => option.Key == key).Value;

    /// <summary>All values of an option, in order.</summary>
    public IEnumerable<string> Values(string key) => _options.Where(option => option.Key == key).Select(option => option.Value);

    /// <summary>All options in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> All => _options;

    private void AddLong(IReadOnlyList<string> words, ref int index, (string Name, string Key)[] longNames)
    {
        var word = words[index];
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? word[2..] : word[2..equals];
        var exact = longNames.Where(known => known.Name.TrimEnd(':') == name).ToArray();
        var matches = exact.Length > 0
            ? exact
            : [.. longNames.Where(known => known.Name.StartsWith(name, StringComparison.Ordinal)).DistinctBy(known => known.Key)];
        if (matches is not [var match])
        {
            throw QemuImgException.Usage($"unrecognized option '{word}'");
        }

        if (!match.Name.EndsWith(':'))
        {
            if (equals >= 0)
            {
                throw QemuImgException.Usage($"unrecognized option '{word}'");
            }

            Add(match.Key, "");
            return;
        }

        if (equals < 0 && index + 1 == words.Count)
        {
            throw QemuImgException.Usage($"missing argument for option '{word}'");
        }

        Add(match.Key, equals < 0 ? words[++index] : word[(equals + 1)..]);
    }

    private void AddLetters(IReadOnlyList<string> words, ref int index, string letters)
    {
        var word = words[index];
        for (var at = 1; at < word.Length; at++)
        {
            var known = letters.IndexOf(word[at], StringComparison.Ordinal);
            if (known < 0 || word[at] == ':')
            {
                throw QemuImgException.Usage($"unrecognized option '{word}'");
            }

            if (known + 1 >= letters.Length || letters[known + 1] != ':')
            {
                Add(word[at].ToString(), "");
                continue;
            }

            if (at + 1 == word.Length && index + 1 == words.Count)
            {
                throw QemuImgException.Usage($"missing argument for option '{word}'");
            }

            Add(word[at].ToString(), at + 1 < word.Length ? word[(at + 1)..] : words[++index]);
            return;
        }
    }

    // Help is given where it is asked for, whatever would be wrong behind it.
    private void Add(string key, string value) => _options.Add(key == "h" ? throw new QemuHelpException() : new(key, value));
}
