using System.Globalization;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img create</c>.</summary>
internal static class QemuCreate
{
    private const long SectorBytes = 512;
    private const int FirstBlockBytes = 4096;

    private static readonly (string, string)[] LongNames = [("help", "h"), ("object:", "object")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "F:b:f:ho:qu", LongNames);
        if (arguments.Names.Count == 0)
        {
            throw QemuImgException.Usage("Expecting image file name");
        }

        if (arguments.Names.Count > 2)
        {
            throw QemuImgException.Usage($"Unexpected argument: {arguments.Names[2]}");
        }

        var name = arguments.Names[0];
        var format = arguments.Value("f") ?? "raw";
        if (!QemuCreateOptions.Creates(format))
        {
            throw new QemuImgException($"{name}: Unknown file format '{format}'");
        }

        var size = arguments.Names.Count == 2 ? QemuSizes.Parse("image size", arguments.Names[1]) : (long?)null;
        var secrets = QemuSecrets.Parse(arguments.Values("object"));
        try
        {
            var options = OptionsOf(arguments, format);
            await CreateAsync(name, format, options, size, arguments.Has("u"), arguments.Has("q"), secrets, output, cancellationToken);
            return 0;
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException($"{name}: {failure.Message}") { IsUnended = failure.IsUnended };
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"{name}: {QemuFiles.Words(failure, name)}");
        }
    }

    /// <summary>Creates an image, after the options were completed from its backing file.</summary>
    public static async Task CreateAsync(
        string name, string format, QemuCreateOptions options, long? size, bool isUnsafe, bool isQuiet, QemuSecrets secrets, QemuOutput output,
        CancellationToken cancellationToken)
    {
        var backing = await BackingSizeAsync(name, options, size ?? SizeOf(options), isUnsafe, secrets, output, cancellationToken);
        var bytes = size ?? SizeOf(options) ?? backing ?? throw new QemuImgException("Image creation needs a size parameter");
        options.Set("size", bytes.ToString(CultureInfo.InvariantCulture));
        if (!isQuiet)
        {
            output.Out.Write($"Formatting '{name}', fmt={format}{options.Print()}\n");
        }

        bytes = (Math.Min(bytes, long.MaxValue - SectorBytes) + SectorBytes - 1) / SectorBytes * SectorBytes;
        await WriteAsync(name, format, options, bytes, secrets, cancellationToken);
    }

    private static QemuCreateOptions OptionsOf(QemuArguments arguments, string format)
    {
        var options = new QemuCreateOptions(format);
        foreach (var text in arguments.Values("o"))
        {
            options.Add(text);
        }

        SetUnlessNull("backing_file", arguments.Value("b"), $"Backing file not supported for file format '{format}'");
        SetUnlessNull("backing_fmt", arguments.Value("F"), $"Backing format not supported for file format '{format}'");
        return options;

        void SetUnlessNull(string option, string? value, string refusal)
        {
            if (value != null)
            {
                options.Set(option, format == "qcow2" ? value : throw new QemuImgException(refusal));
            }
        }
    }

    private static long? SizeOf(QemuCreateOptions options) =>
        options["size"] is { } text ? QemuSizes.TryParse(text) : null;

    /// <summary>Opens the backing file, and takes the size from it where none was given.</summary>
    private static async Task<long?> BackingSizeAsync(
        string name, QemuCreateOptions options, long? size, bool isUnsafe, QemuSecrets secrets, QemuOutput output, CancellationToken cancellationToken)
    {
        if (options["backing_file"] is not { Length: > 0 } backing || (isUnsafe && size != null))
        {
            return null;
        }

        if (backing == name)
        {
            throw new QemuImgException("Error: Trying to create an image with the same filename as the backing file");
        }

        var format = options["backing_fmt"];
        if (format != null && ImageFormats.Find(format) == null)
        {
            throw new QemuImgException($"Unknown driver '{format}'\nCould not open backing image.");
        }

        var path = Path.IsPathRooted(backing) ? backing : Path.Combine(Path.GetDirectoryName(name) ?? "", backing);
        try
        {
            await using var image = await QemuFiles.OpenPlainAsync(
                path, new QemuFiles.Mode(format, IsForced: true), secrets, output, cancellationToken);
            return format == null
                ? throw new QemuImgException($"Backing file specified without backing format\nDetected format of {image.Format.Name}.") { IsUnended = true }
                : image.SizeBytes;
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"{QemuFiles.Words(failure, path)}\nCould not open backing image.");
        }
    }

    private static async Task WriteAsync(
        string name, string format, QemuCreateOptions options, long bytes, QemuSecrets secrets, CancellationToken cancellationToken)
    {
        var values = options.ToDictionary();
        values.Remove("size");
        var key = values.Remove("encrypt.key-secret", out var id) || values.Remove("key-secret", out id) ? secrets.Get(id!) : (ReadOnlyMemory<byte>?)null;
        await using var data = values.TryGetValue("data_file", out var dataName) ? OpenNew(dataName) : null;
        await using var file = OpenNew(name);
        await ImageFormats.Get(format, name).CreateAsync(
            file, new ImageCreateOptions { SizeBytes = bytes, Options = values, DataFile = data, Key = key }, cancellationToken);
        if (format == "raw")
        {
            // QEMU leaves the first block of a raw file allocated, and `map` shows it.
            await file.WriteAsync(0, new byte[(int)Math.Min(FirstBlockBytes, bytes)], cancellationToken);
        }

        await file.FlushAsync(cancellationToken);
    }

    /// <summary>An empty file of this name, be it new or not.</summary>
    private static FileStorage OpenNew(string name)
    {
        if (!File.Exists(name))
        {
            return FileStorage.Create(name, 0);
        }

        var file = FileStorage.Open(name);
        file.Resize(0);
        return file;
    }
}
