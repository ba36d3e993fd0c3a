namespace Eider.Cli.QemuImg.Nodes;

/// <summary>Reads the rules of a <see cref="BlkdebugStorage"/> from a file, and from options.</summary>
internal static class BlkdebugRules
{
    private const string Fault = "inject-error";
    private const string State = "set-state";
    private const long MaxFileBytes = 1 << 20;

    /// <summary>The rules of a file in the form of an INI file: <c>[inject-error]</c>, <c>event = "..."</c>.</summary>
    /// <exception cref="QemuImgException">The file cannot be read, or is wrong.</exception>
    public static List<BlkdebugRule> OfFile(string path)
    {
        var rules = new List<BlkdebugRule>();
        NodeOptions? group = null;
        var isFault = false;
        foreach (var line in Lines(path).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#').Append("[end]"))
        {
            if (line[0] != '[')
            {
                AddTo(group, line, path);
                continue;
            }

            if (group != null)
            {
                rules.Add(BlkdebugRule.Read(isFault, group));
            }

            var name = line.Trim('[', ']').Split(' ')[0];
            isFault = name == Fault;
            group = name is Fault or State or "end" ? new NodeOptions() : throw new QemuImgException($"There is no option group '{name}'");
        }

        return rules;
    }

    /// <summary>The rules in options: <c>inject-error.0.event</c> and so on.</summary>
    public static List<BlkdebugRule> OfOptions(NodeOptions options)
    {
        var rules = new List<BlkdebugRule>();
        foreach (var name in (string[])[Fault, State])
        {
            var all = options.TakeChild(name);
            for (var number = 0; all.Has($"{number}"); number++)
            {
                rules.Add(BlkdebugRule.Read(name == Fault, all.TakeChild($"{number}")));
            }
        }

        return rules;
    }

    private static void AddTo(NodeOptions? group, string line, string path)
    {
        var pair = line.Split('=', 2, StringSplitOptions.TrimEntries);
        if (group == null || pair.Length != 2)
        {
            throw new QemuImgException($"{path}: parse error: {line}");
        }

        group.Set(pair[0], pair[1].Trim('"'));
    }

    private static string[] Lines(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MaxFileBytes
                ? File.ReadAllLines(path)
                : throw new QemuImgException($"Could not read blkdebug config file: larger than {MaxFileBytes} bytes");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new QemuImgException($"Could not read blkdebug config file: {QemuWords.OfHost(failure)}");
        }
    }
}
