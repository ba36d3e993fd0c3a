using System.CommandLine;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Formats;

namespace Eider.Cli.Commands.Img;

/// <summary>Options that several commands have; each call makes a new one.</summary>
internal static class ImgOptions
{
    /// <summary>The file of an image.</summary>
    public static Argument<string> File(string name = "FILE", string description = "The image: a file, or http(s)://... for reading.") =>
        new(name) { Description = description };

    /// <summary>Progress.</summary>
    public static Option<string?> Progress() => Limited(
        new Option<string?>("--progress", "-p")
        {
            Description = "Show progress on standard error: a bar with rate and time left, or with --progress=json a JSON line several times a second.",
            HelpName = "bar|json",
        },
        ImageProgress.Bar, ImageProgress.Json);

    /// <summary>Number of workers.</summary>
    public static Option<int> Workers() => new("--workers", "-m")
    {
        Description = "How many requests are under way at once, 1 to 64 (default: one a processor, at most 16).",
        DefaultValueFactory = _ => Math.Clamp(Environment.ProcessorCount, 1, 16),
        HelpName = "N",
    };

    /// <summary>Options of the new image's format.</summary>
    public static Option<string[]> FormatOptions() => new("--option", "-o")
    {
        Description = "Options of the new image: name=value,name=value, as cluster_size=64K,compat=1.1,preallocation=metadata. May be given several times.",
        HelpName = "OPTIONS",
        DefaultValueFactory = _ => [],
    };

    /// <summary>How the target is written.</summary>
    public static Option<string> Cache() => new("--cache", "-t")
    {
        Description = $"How the target is written: {CacheMode.Names} (default writeback: durable when the command ends).",
        DefaultValueFactory = _ => "writeback",
        HelpName = "MODE",
    };

    /// <summary>Number of workers as given.</summary>
    /// <exception cref="CliException">It is out of range.</exception>
    public static int WorkersOf(int count) =>
        count is >= 1 and <= 64 ? count : throw new CliException(ExitCode.Usage, $"--workers {count}: expected 1 to 64");

    /// <summary>A format that images can be made in.</summary>
    /// <exception cref="CliException">There is none of that name.</exception>
    public static ImageFormat FormatOf(string option, string name) =>
        ImageFormats.Find(name) ?? throw new CliException(
            ExitCode.Usage, $"{option} {name}: expected {string.Join(", ", ImageFormats.All.Select(format => format.Name))}");

    /// <summary>Writes <c>--progress</c> without a value as one with, so that it does not take the file's name for its value.</summary>
    public static string[] Normalize(string[] arguments)
    {
        if (arguments is not ["img", ..])
        {
            return arguments;
        }

        var end = Array.IndexOf(arguments, "--");
        return [.. arguments.Select((word, index) =>
            word is "--progress" or "-p" && (end < 0 || index < end) ? $"--progress={ImageProgress.Bar}" : word)];
    }

    private static Option<string?> Limited(Option<string?> option, params string[] values)
    {
        option.AcceptOnlyFromAmong(values);
        return option;
    }
}
