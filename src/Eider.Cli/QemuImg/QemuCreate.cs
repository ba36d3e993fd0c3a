using Eider.Cli.QemuImg.Nodes;
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
        var format = arguments.Value("f") ?? "raw";
        var lists = QemuCreateOptions.ListOf(arguments);
        if (QemuCreateOptions.AsksForHelp(lists))
        {
            output.Out.Write(HelpFor(format, arguments.Names.FirstOrDefault()));
            return 0;
        }

        if (arguments.Names.Count == 0)
        {
            throw QemuImgException.Usage("Expecting image file name");
        }

        var name = arguments.Names[0];
        var size = arguments.Names.Count > 1 ? QemuSizes.Parse("image size", arguments.Names[1]) : (long?)null;
        if (arguments.Names.Count > 2)
        {
            throw QemuImgException.Usage($"Unexpected argument: {arguments.Names[2]}");
        }

        var secrets = QemuSecrets.Parse(arguments.Values("object"));
        try
        {
            await CreateAsync(name, format, lists, size, arguments, secrets, output, cancellationToken);
            return 0;
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException($"{name}: {failure.Message}") { IsUnended = failure.IsUnended };
        }
    }

    /// <summary>The help for the options of a format.</summary>
    /// <exception cref="QemuImgException">There is no such format or protocol.</exception>
    public static string HelpFor(string format, string? name)
    {
        if (!QemuCreateOptions.Creates(format))
        {
            throw new QemuImgException($"Unknown file format '{format}'");
        }

        ThrowIfNoFile(name);
        return QemuCreateOptions.Help(format, name != null);
    }

    /// <summary>Writes an empty image.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="format">Its format.</param>
    /// <param name="options">Its options.</param>
    /// <param name="bytes">The size of the disk.</param>
    /// <param name="secrets">Where the key of an encrypted one is.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="QemuImgException">It cannot be.</exception>
    public static async Task WriteAsync(
        string name, string format, QemuCreateOptions options, long bytes, QemuSecrets secrets, CancellationToken cancellationToken)
    {
        try
        {
            if (format == "qcow2")
            {
                QemuCreateWords.Check(options);
            }

            await WriteFilesAsync(name, format, options, bytes, secrets, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException(QemuCreateWords.Of(failure, format));
        }
    }

    /// <summary>Refuses a name that new images cannot have.</summary>
    /// <exception cref="QemuImgException">It is one.</exception>
    public static void ThrowIfNoFile(string? name)
    {
        if (name != null && NodeNames.DriverOf(name) is not ("file" or "host_device") and var driver)
        {
            throw new QemuImgException($"Protocol driver '{driver}' does not support image creation");
        }
    }

    private static async Task CreateAsync(
        string name, string format, List<string> lists, long? size, QemuArguments arguments, QemuSecrets secrets, QemuOutput output,
        CancellationToken cancellationToken)
    {
        if (!QemuCreateOptions.Creates(format))
        {
            throw new QemuImgException($"Unknown file format '{format}'");
        }

        ThrowIfNoFile(name);
        var options = new QemuCreateOptions(format);
        lists.ForEach(options.Add);
        if (options.SizeBytes != null && size != null)
        {
            throw new QemuImgException("The image size must be specified only once");
        }

        options.Set("backing_file", arguments.Value("b"), $"Backing file not supported for file format '{format}'");
        options.Set("backing_fmt", arguments.Value("F"), $"Backing file format not supported for file format '{format}'");
        var bytes = await SizeAsync(name, options, options.SizeBytes ?? size, arguments.Has("u"), secrets, output, cancellationToken);
        options.SetSize(bytes);
        if (!arguments.Has("q"))
        {
            output.Out.Write($"Formatting '{name}', fmt={format}{options.Print()}\n");
            await output.Out.FlushAsync(cancellationToken);
        }

        await WriteAsync(name, format, options, bytes, secrets, cancellationToken);
    }

    /// <summary>The size of the disk: as given, or the one of the backing file, which is looked at in any case.</summary>
    private static async Task<long> SizeAsync(
        string name, QemuCreateOptions options, long? size, bool isUnsafe, QemuSecrets secrets, QemuOutput output, CancellationToken cancellationToken)
    {
        var (backing, format) = (options["backing_file"], options["backing_fmt"]);
        if (backing == name)
        {
            throw new QemuImgException("Error: Trying to create an image with the same filename as the backing file");
        }

        if (backing?.Length == 0)
        {
            throw new QemuImgException("Expected backing file name, got empty string");
        }

        if (backing != null && isUnsafe && format == null)
        {
            throw new QemuImgException("Backing file specified without backing format");
        }

        if (backing != null && !isUnsafe)
        {
            var found = await BackingSizeAsync(NodeNames.Beside(name, backing), format, secrets, output, cancellationToken);
            size ??= found;
        }

        return size ?? throw new QemuImgException("Image creation needs a size parameter");
    }

    private static async Task<long> BackingSizeAsync(
        string path, string? format, QemuSecrets secrets, QemuOutput output, CancellationToken cancellationToken)
    {
        try
        {
            var mode = new OpenMode { Format = format, IsForced = true, IsForMetadata = true };
            await using var node = await new NodeOpener(secrets, output).OpenPlainAsync(path, mode, cancellationToken);
            return format != null
                ? node.Image.SizeBytes
                : throw new QemuImgException($"Backing file specified without backing format\nDetected format of {node.Text.Driver}.") { IsUnended = true };
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"{QemuWords.Of(failure, path)}\nCould not open backing image.");
        }
        catch (QemuImgException failure) when (!failure.IsUnended)
        {
            throw new QemuImgException($"{failure.Message}\nCould not open backing image.");
        }
    }

    private static async Task WriteFilesAsync(
        string name, string format, QemuCreateOptions options, long bytes, QemuSecrets secrets, CancellationToken cancellationToken)
    {
        bytes = (Math.Min(bytes, long.MaxValue - SectorBytes) + SectorBytes - 1) / SectorBytes * SectorBytes;
        var values = options.Values();
        values.Remove("nocow");
        values.Remove("extent_size_hint");
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
        UserNames.Note(file.Name, options["backing_file"]);
    }

    /// <summary>An empty file of this name, be it new or not.</summary>
    private static FileStorage OpenNew(string name)
    {
        var path = NodeNames.PathOf(name);
        if (!File.Exists(path))
        {
            return FileStorage.Create(path, 0);
        }

        var file = FileStorage.Open(path);
        file.Resize(0);
        return file;
    }
}
