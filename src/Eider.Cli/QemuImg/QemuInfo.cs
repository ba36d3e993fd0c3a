namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img info</c>.</summary>
internal static class QemuInfo
{
    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("format:", "f"), ("output:", "output"), ("backing-chain", "chain"), ("object:", "object"),
            ("image-opts", "image-opts"), ("force-share", "U")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hf:U", LongNames);
        var isJson = QemuOptions.IsJson(arguments);
        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting one image file name");
        }

        var opener = QemuOptions.OpenerOf(arguments, output);
        var reports = new List<QemuImageReport>();
        var mode = QemuOptions.ModeOf(arguments) with { HasNoBacking = true, IsForMetadata = true };
        for (var next = name; next != null;)
        {
            if (reports.Exists(report => report.Asked == next))
            {
                throw new QemuImgException($"Backing file '{next}' creates an infinite loop.");
            }

            await using var node = await opener.OpenAsync(next, mode, cancellationToken);
            var report = await QemuImageReport.OfAsync(next, node, cancellationToken);
            reports.Add(report);
            next = arguments.Has("chain") ? report.FullBackingName : null;
            mode = mode with { Format = report.BackingFormat, IsOptionList = false, IsPath = !report.IsUsersName };
        }

        if (isJson)
        {
            object value = arguments.Has("chain") ? reports.ConvertAll<object>(report => report.ToJson()) : reports[0].ToJson();
            output.Out.Write(QemuJson.Print(value) + "\n");
        }
        else
        {
            output.Out.Write(string.Join('\n', reports.Select(report => report.ToText())));
        }

        return 0;
    }
}
