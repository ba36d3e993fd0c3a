using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img convert</c>.</summary>
internal sealed class ImgConvert
{
    private readonly Argument<string[]> _files = new("FILES")
    {
        Description = "SOURCE... TARGET: the image to read, a file or http(s)://..., or several that follow each other on the new disk; last the image to write, which is replaced when the new one is complete.",
        Arity = new ArgumentArity(2, 1000),
    };

    private readonly ImageArguments _image = new();
    private readonly Option<string[]> _options = ImgOptions.FormatOptions();
    private readonly Option<string> _cache = ImgOptions.Cache();
    private readonly Option<string?> _progress = ImgOptions.Progress();
    private readonly Option<int> _workers = ImgOptions.Workers();

    private readonly Option<string> _format = new("--target-format", "-O")
    {
        Description = "Format of the target: raw, qcow2 or luks (default raw).",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "raw",
    };

    private readonly Option<bool> _compress = new("--compress", "-c")
    {
        Description = "Compress the clusters of a qcow2 target, on as many threads as --workers says.",
    };

    private readonly Option<int?> _level = new("--level")
    {
        Description = "How hard to compress: 1 to 9 for zlib, 1 to 22 for zstd (default as QEMU: 6 and 3).",
        HelpName = "N",
    };

    private readonly Option<string?> _backing = new("--backing", "-B")
    {
        Description = "Put the target before this image and write only what differs from it. The name is relative to the target.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _backingFormat = new("--backing-format", "-F")
    {
        Description = "Format of the backing image; needed with --backing.",
        HelpName = "FORMAT",
    };

    private readonly Option<bool> _noCreate = new("--no-create", "-n")
    {
        Description = "Write into a target that is there, in place; it must be as large as the source.",
    };

    private readonly Option<bool> _targetIsZero = new("--target-is-zero")
    {
        Description = "With -n: the target reads as zeroes everywhere, so zeroes need not be written.",
    };

    private readonly Option<bool> _unordered = new("--unordered", "-W")
    {
        Description = "Write as the data come instead of in the order of the disk.",
    };

    private readonly Option<bool> _salvage = new("--salvage")
    {
        Description = "Go on where the source cannot be read; those places become zeroes and are told on standard error.",
    };

    private readonly Option<string> _sparse = new("--sparse", "-S")
    {
        Description = "Smallest run of zeroes in the data that is left out: a power of two from 512, 0 for none (default 4K).",
        HelpName = "SIZE",
        DefaultValueFactory = _ => "4K",
    };

    private readonly Option<string?> _rate = new("--rate", "-r")
    {
        Description = "Read at most this many bytes a second.",
        HelpName = "RATE",
    };

    private readonly Option<string?> _snapshot = new("--snapshot", "-l")
    {
        Description = "Read the source's internal snapshot of this id or name instead of its disk.",
        HelpName = "NAME",
    };

    private readonly Option<bool> _bitmaps = new("--bitmaps")
    {
        Description = "Copy the persistent bitmaps of a qcow2 source into the qcow2 target too.",
    };

    private readonly Option<bool> _skipBroken = new("--skip-broken-bitmaps")
    {
        Description = "With --bitmaps: leave out those that are inconsistent, and tell so; without it they are an error.",
    };

    private readonly Option<string?> _targetKey = new("--target-key-file")
    {
        Description = "File with the passphrase of an encrypted target.",
        HelpName = "FILE",
    };

    private ImgConvert()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgConvert();
        return ImgAction.Command(
            "convert", "Copy the content of an image into a new one of any format. The target takes its name when it is complete.",
            [self._files, self._format, self._options, self._compress, self._level, self._backing, self._backingFormat,
                self._noCreate, self._targetIsZero, self._unordered, self._workers, self._sparse, self._salvage, self._rate, self._cache,
                self._targetKey, self._snapshot, self._bitmaps, self._skipBroken, self._progress, .. self._image.All],
            self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var files = result.GetRequiredValue(_files);
        if (Array.Find(files, file => file.Length > 1 && file[0] == '-') is { } option)
        {
            // With any number of files an option that is not known would be one of them.
            throw new CliException(ExitCode.Usage, $"unknown command or option '{option}'; see eider img convert --help (a file of that name: ./{option})");
        }

        var (sources, path) = (files[..^1], files[^1]);
        var request = Request(result, path);
        var session = new ConvertSession(_image.Read(result) with { Snapshot = result.GetValue(_snapshot) }, request, Settings(result))
        {
            Progress = ImageProgress.Of(result.GetValue(_progress)),
        };
        session.Check(sources);
        var size = await session.RunAsync(sources, cancellationToken);
        await output.PrintAsync(
            text =>
            {
                if (session.UnreadableBytes > 0)
                {
                    text.Append(CultureInfo.InvariantCulture, $"{string.Join(", ", sources)}: {ImageSizes.Both(session.UnreadableBytes)} could not be read and are zeroes in {path}\n");
                }
            },
            json =>
            {
                json.WriteStartObject();
                json.WriteString("source", sources[0]);
                json.WriteStartArray("sources");
                Array.ForEach(sources, json.WriteStringValue);
                json.WriteEndArray();
                json.WriteString("filename", path);
                json.WriteString("format", request.Format.Name);
                json.WriteNumber("virtual-size", size);
                json.WriteNumber("unreadable-bytes", session.UnreadableBytes);
                json.WriteEndObject();
            });
        return session.UnreadableBytes > 0 ? ExitCode.HostInputOutput : ExitCode.Ok;
    }

    private TargetRequest Request(ParseResult result, string path) => new()
    {
        Path = path,
        Format = ImgOptions.FormatOf("--target-format", result.GetRequiredValue(_format)),
        Options = BackingOptions.Add(
            OptionList.Parse(result.GetRequiredValue(_options)), result.GetValue(_backing), result.GetValue(_backingFormat)),
        Cache = CacheMode.Parse("--cache", result.GetRequiredValue(_cache)),
        Key = ImageArguments.ReadKey("--target-key-file", result.GetValue(_targetKey)),
    };

    private ConvertSettings Settings(ParseResult result) => new()
    {
        IsCompressed = result.GetValue(_compress),
        Level = result.GetValue(_level),
        IsInPlace = result.GetValue(_noCreate),
        TargetIsZero = result.GetValue(_targetIsZero),
        IsOrdered = !result.GetValue(_unordered),
        Workers = ImgOptions.WorkersOf(result.GetValue(_workers)),
        SparseBytes = SparseOf(result.GetRequiredValue(_sparse)),
        Salvages = result.GetValue(_salvage),
        CopiesBitmaps = result.GetValue(_bitmaps),
        SkipsBrokenBitmaps = result.GetValue(_skipBroken),
        BytesPerSecond = result.GetValue(_rate) is { } rate ? ImageSizes.Parse("--rate", rate) : 0,
    };

    private static int SparseOf(string text)
    {
        var size = ImageSizes.Parse("--sparse", text);
        return size == 0 || (size is >= 512 and <= 1 << 30 && long.IsPow2(size))
            ? (int)size
            : throw new CliException(ExitCode.Usage, $"--sparse {text}: expected 0, or a power of two from 512 to 1G");
    }
}
