namespace Eider.Cli.QemuImg;

/// <summary>Options that several commands have.</summary>
internal static class QemuOptions
{
    private static readonly string[] CacheModes = ["none", "off", "writeback", "writethrough", "directsync", "unsafe"];

    /// <summary>True for <c>--output=json</c>.</summary>
    public static bool IsJson(QemuArguments arguments) => arguments.Value("output") switch
    {
        null or "human" => false,
        "json" => true,
        _ => throw new QemuImgException("--output must be used with human or json as argument."),
    };

    /// <summary>Refuses an unknown cache mode.</summary>
    public static string Cache(QemuArguments arguments, string key, string what, string normal)
    {
        var mode = arguments.Value(key) ?? normal;
        return CacheModes.Contains(mode) ? mode : throw new QemuImgException($"Invalid {what} option: {mode}");
    }
}
