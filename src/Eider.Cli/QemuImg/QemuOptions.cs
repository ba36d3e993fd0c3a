using Eider.Cli.Images;
using Eider.Cli.QemuImg.Nodes;

namespace Eider.Cli.QemuImg;

/// <summary>Options that several commands have.</summary>
internal static class QemuOptions
{
    /// <summary>True for <c>--output=json</c>.</summary>
    public static bool IsJson(QemuArguments arguments) => arguments.Value("output") switch
    {
        null or "human" => false,
        "json" => true,
        _ => throw new QemuImgException("--output must be used with human or json as argument."),
    };

    /// <summary>How written data become durable.</summary>
    /// <exception cref="QemuImgException">There is no such mode.</exception>
    public static CacheMode Cache(QemuArguments arguments, string key, string what, string normal)
    {
        var mode = arguments.Value(key) ?? normal;
        return CacheMode.Find(mode) ?? throw new QemuImgException($"Invalid {what} option: {mode}");
    }

    /// <summary>How the image of a command is opened, as far as all commands agree.</summary>
    public static OpenMode ModeOf(QemuArguments arguments, bool isWritable = false) => new()
    {
        Format = arguments.Value("f"),
        IsOptionList = arguments.Has("image-opts"),
        IsForced = arguments.Has("U"),
        IsWritable = isWritable,
    };

    /// <summary>What opens images, with the secrets of the command line.</summary>
    public static NodeOpener OpenerOf(QemuArguments arguments, QemuOutput output) =>
        new(QemuSecrets.Parse(arguments.Values("object")), output);
}
