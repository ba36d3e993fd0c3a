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

        var secrets = QemuSecrets.Parse(arguments.Values("object"));
        var reports = new List<QemuImageReport>();
        var format = arguments.Value("f");
        for (var next = name; next != null;)
        {
            if (reports.Exists(report => report.Name == next))
            {
                throw new QemuImgException($"Backing file '{next}' creates an infinite loop.");
            }

            var mode = new QemuFiles.Mode(format, HasNoBacking: true, IsForced: arguments.Has("U"));
            await using var image = await QemuFiles.OpenAsync(next, mode, secrets, output, cancellationToken);
            var report = await QemuImageReport.OfAsync(next, image, cancellationToken);
            reports.Add(report);
            next = arguments.Has("chain") ? report.FullBackingName : null;
            format = report.BackingFormat;
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
