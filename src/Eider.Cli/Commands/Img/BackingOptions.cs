using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Backends;
using Eider.Storage.Formats;

namespace Eider.Cli.Commands.Img;

/// <summary>The backing image of an image that is made: the user named it, so it may be opened.</summary>
internal static class BackingOptions
{
    /// <summary>The option of the format with the name.</summary>
    public const string Name = "backing_file";

    private const string FormatName = "backing_fmt";

    /// <summary>Puts <c>-b</c> and <c>-F</c> into the options.</summary>
    /// <exception cref="CliException">A name without a format, or the other way round.</exception>
    public static Dictionary<string, string> Add(Dictionary<string, string> options, string? backing, string? format)
    {
        if (backing != null)
        {
            options[Name] = backing;
        }

        if (format != null)
        {
            options[FormatName] = ImgOptions.FormatOf("--backing-format", format).Name;
        }

        return options.ContainsKey(Name) == options.ContainsKey(FormatName)
            ? options
            : throw new CliException(
                ExitCode.Usage,
                options.ContainsKey(Name)
                    ? "a backing image without its format; name it with -F, since a guess could be what a guest wrote"
                    : "-F without -b: expected a backing image too");
    }

    /// <summary>Opens the backing image of an image to make, read-only.</summary>
    public static async Task<ImageStorage> OpenAsync(TargetRequest request, ImageChainPolicy chain, CancellationToken cancellationToken)
    {
        var name = request.Options[Name];
        var path = System.IO.Path.IsPathRooted(name) ? name : System.IO.Path.Combine(System.IO.Path.GetDirectoryName(request.Path) ?? "", name);
        var file = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = true });
        try
        {
            return await ImageFormats.Get(request.Options[FormatName], path).OpenAsync(
                file, new ImageOpenOptions { IsReadOnly = true, Chain = chain }, cancellationToken);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }
}
