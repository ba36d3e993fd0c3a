using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Layers;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>
/// Opens what a user names: a path, <c>json:{...}</c>, <c>blkdebug:...</c> and others, or a list of options. Only the user's
/// own names mean more than a path; those inside of images never do.
/// </summary>
/// <param name="secrets">The keys of encrypted images.</param>
/// <param name="output">Where warnings go.</param>
internal sealed class NodeOpener(QemuSecrets secrets, QemuOutput output)
{
    private const string JsonPrefix = "json:";
    private const int MaxDepth = 32;

    private static readonly string[] HowItRuns =
    [
        "node-name", "auto-read-only", "discard", "detect-zeroes", "cache.", "force-share", "read-only", "locking", "aio", "aio-max-batch",
        "drop-cache", "x-check-cache-dropped", "pr-manager", "lazy-refcounts", "pass-discard-request", "pass-discard-snapshot",
        "pass-discard-other", "overlap-check", "overlap-check.", "cache-size", "l2-cache-size", "l2-cache-entry-size", "refcount-cache-size",
        "cache-clean-interval", "latency-ns", "align", "max-transfer", "opt-write-zero", "max-write-zero", "opt-discard", "max-discard",
    ];

    /// <summary>Opens an image; a failure begins with its name.</summary>
    /// <exception cref="QemuImgException">It cannot be opened.</exception>
    public async Task<ImageNode> OpenAsync(string name, OpenMode mode, CancellationToken cancellationToken)
    {
        if (mode is { IsOptionList: true, Format: not null })
        {
            throw new QemuImgException("--image-opts and --format are mutually exclusive");
        }

        try
        {
            return await OpenPlainAsync(name, mode, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"Could not open '{name}': {QemuWords.Of(failure, name)}");
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException($"Could not open '{name}': {failure.Message}");
        }
    }

    /// <summary>Opens an image; failures are the storage's own.</summary>
    public async Task<ImageNode> OpenPlainAsync(string name, OpenMode mode, CancellationToken cancellationToken)
    {
        var options = mode.IsOptionList ? NodeOptions.FromText(name) : new NodeOptions();
        if (mode.Format != null)
        {
            options.Set("driver", mode.Format);
        }

        foreach (var (key, value) in mode.Keys)
        {
            options.Set(key, value);
        }

        if (mode.IsPath)
        {
            options.Set("file.driver", "file");
            options.Set("file.filename", name);
        }

        var node = await OpenNodeAsync(mode.IsOptionList || mode.IsPath ? null : name, options, isProtocol: false, mode, 0, cancellationToken);
        try
        {
            var image = node.Storage as ImageStorage
                ?? await ImageFormats.Raw.OpenAsync(node.Storage, new ImageOpenOptions { IsReadOnly = !mode.IsWritable }, cancellationToken);
            ThrowIfKeyIsMissing(image, mode);
            return new ImageNode(image, node.Text);
        }
        catch
        {
            await node.Storage.DisposeAsync();
            throw;
        }
    }

    /// <summary>The driver of a format.</summary>
    /// <exception cref="QemuImgException">There is none.</exception>
    public static ImageFormat FormatOf(string name) =>
        NodeNames.IsFormat(name) && ImageFormats.Find(name) is { } found ? found : throw new QemuImgException($"Unknown driver '{name}'");

    private async Task<Node> OpenNodeAsync(
        string? name, NodeOptions options, bool isProtocol, OpenMode mode, int depth, CancellationToken cancellationToken)
    {
        if (depth > MaxDepth)
        {
            throw new QemuImgException($"more than {MaxDepth} nodes stand on each other");
        }

        if (name?.StartsWith(JsonPrefix, StringComparison.Ordinal) == true)
        {
            options.AddMissing(FromJson(name[JsonPrefix.Length..]));
            name = null;
        }

        var driver = options.TakeText("driver");
        isProtocol = driver == null ? isProtocol : !NodeNames.IsFormat(FormatOrProtocol(driver));
        var given = options.Copy();
        if (options.TakeSwitch("read-only") == true)
        {
            mode = mode with { IsWritable = false };
        }

        options.Drop(HowItRuns);
        var node = isProtocol
            ? await OpenProtocolAsync(name, driver, options, mode, depth, cancellationToken)
            : await OpenFormatAsync(name, driver, options, given, mode, depth, cancellationToken);
        if (options.Names.FirstOrDefault() is { } unknown)
        {
            await node.Storage.DisposeAsync();
            throw new QemuImgException(isProtocol
                ? $"Block protocol '{node.Text.Driver}' doesn't support the option '{unknown}'"
                : $"Block format '{node.Text.Driver}' does not support the option '{unknown}'");
        }

        return node;
    }

    private static NodeOptions FromJson(string text)
    {
        try
        {
            return NodeOptions.FromJson(text);
        }
        catch (FormatException wrong)
        {
            throw new QemuImgException($"Could not parse the JSON options: {wrong.Message}");
        }
    }

    private static string FormatOrProtocol(string driver) =>
        NodeNames.IsFormat(driver) || NodeNames.IsProtocol(driver) ? driver : throw new QemuImgException($"Unknown driver '{driver}'");

    private async Task<Node> OpenProtocolAsync(
        string? name, string? driver, NodeOptions options, OpenMode mode, int depth, CancellationToken cancellationToken)
    {
        if (name != null && options.Has("filename"))
        {
            throw new QemuImgException("Can't specify 'file' and 'filename' options at the same time");
        }

        driver = name != null ? NodeNames.Parse(name, options, driver)
            : driver ?? (options.Has("filename") ? "file" : throw new QemuImgException("Must specify either driver or file"));
        switch (driver)
        {
            case "blkdebug":
                return await OpenBlkdebugAsync(options, mode, depth, cancellationToken);
            case "nbd":
                return await NbdNodes.OpenAsync(options, mode, cancellationToken);
            case "null-co" or "null-aio":
                return ProtocolNodes.OpenNull(driver, options, mode);
            default:
                return ProtocolNodes.OpenFile(driver, options, mode);
        }
    }

    private async Task<Node> OpenBlkdebugAsync(NodeOptions options, OpenMode mode, int depth, CancellationToken cancellationToken)
    {
        var config = options.TakeText("config");
        var image = await OpenNodeAsync(
            options.TakeText("x-image"), options.TakeChild("image"), isProtocol: true, mode, depth + 1, cancellationToken);
        try
        {
            var texts = new Dictionary<string, object>();
            options.CopyTo(texts);
            var isPlain = texts.Count == 0 && image.Text.PlainName != null;
            var rules = (config == null ? [] : BlkdebugRules.OfFile(config)).Concat(BlkdebugRules.OfOptions(options)).ToList();
            texts["image"] = image.Text.Options;
            if (config != null)
            {
                texts["config"] = config;
            }

            var plain = isPlain ? $"blkdebug:{config}:{image.Text.PlainName}" : null;
            return new Node(new BlkdebugStorage(image.Storage, rules), NodeText.OfProtocol("blkdebug", plain, texts));
        }
        catch
        {
            await image.Storage.DisposeAsync();
            throw;
        }
    }

    private async Task<Node> OpenFormatAsync(
        string? name, string? driver, NodeOptions options, NodeOptions given, OpenMode mode, int depth, CancellationToken cancellationToken)
    {
        if (name == null && !options.Has("file") && options.TakeText("filename") is { } only)
        {
            name = only;
        }

        if (name == null && !options.Has("file"))
        {
            throw new QemuImgException(driver == null
                ? "Must specify either driver or file" : "A block device must be specified for \"file\"");
        }

        var fileMode = mode with { IsForRepair = false, Snapshot = null };
        var file = await OpenNodeAsync(name, options.TakeChild("file"), isProtocol: true, fileMode, depth + 1, cancellationToken);
        try
        {
            var node = await OpenImageAsync(file, name, driver, options, given, mode, depth, cancellationToken);
            (file.Storage as BlkdebugStorage)?.Begin();
            return node;
        }
        catch
        {
            await file.Storage.DisposeAsync();
            throw;
        }
    }

    private async Task<Node> OpenImageAsync(
        Node file, string? name, string? driver, NodeOptions options, NodeOptions given, OpenMode mode, int depth,
        CancellationToken cancellationToken)
    {
        var format = driver == null ? await ImageFormats.ProbeAsync(file.Storage, cancellationToken) : FormatOf(driver);
        if (driver == null && format == ImageFormats.Raw && mode.IsWritable)
        {
            WarnOfGuess(name ?? file.Text.FileName);
        }

        var strong = Strong(given, format);
        if (format == ImageFormats.Raw && (options.Has("offset") || options.Has("size")))
        {
            file = file with { Storage = ProtocolNodes.Cut(file.Storage, options) };
        }

        var keyId = options.TakeText(format == ImageFormats.Qcow2 ? "encrypt.key-secret" : "key-secret");
        var (backing, data, isLeftOut) = (default(Node), default(Node), mode.HasNoBacking);
        if (format == ImageFormats.Qcow2)
        {
            options.Drop("encrypt.format");
            isLeftOut |= options.TakeText("backing") == "";
            (backing, data) = await OpenChildrenAsync(file.Storage, options, mode with { HasNoBacking = isLeftOut }, depth, cancellationToken);
        }

        try
        {
            var image = await format.OpenAsync(
                file.Storage,
                new ImageOpenOptions
                {
                    IsReadOnly = !mode.IsWritable,
                    IsFormatProbed = driver == null,
                    Chain = isLeftOut ? ImageChainPolicy.Ignore : ImageChainPolicy.Allow,
                    Backing = backing?.Storage,
                    DataFile = data?.Storage,
                    ProbesBackingFormat = true,
                    KeyOf = other => keyId != null && other == file.Storage.Name ? secrets.Get(keyId) : (ReadOnlyMemory<byte>?)null,
                    Locking = ProtocolNodes.LockingOf(mode),
                    IsDirect = mode.IsDirect,
                    IsForRepair = mode.IsForRepair,
                    WritableDepth = mode.WritableDepth,
                    Snapshot = mode.Snapshot,
                },
                cancellationToken);
            return new Node(image, NodeText.OfFormat(format.Name, file.Text, strong, mode.IsForMetadata ? null : backing?.Text));
        }
        catch
        {
            await DisposeAsync(backing, data);
            throw;
        }
    }

    /// <summary>The children that the user named otherwise than the image does.</summary>
    private async Task<(Node? Backing, Node? Data)> OpenChildrenAsync(
        BlockStorage file, NodeOptions options, OpenMode mode, int depth, CancellationToken cancellationToken)
    {
        var data = !options.Has("data-file") ? null : await OpenNodeAsync(
            null, options.TakeChild("data-file"), isProtocol: true, mode, depth + 1, cancellationToken);
        try
        {
            if (mode.HasNoBacking || (!options.Has("backing") && UserNames.Find(file.Name) == null))
            {
                return (null, data);
            }

            var child = options.TakeChild("backing");
            var name = default(string);
            if (!child.Has("file") && !child.Has("filename"))
            {
                name = await CompleteAsync(file, child, cancellationToken);
                if (name == null && !child.Has("file"))
                {
                    return (null, data);
                }
            }

            var below = mode with { IsWritable = mode.WritableDepth == 1, WritableDepth = Math.Max(0, mode.WritableDepth - 1), Snapshot = null };
            return (await OpenNodeAsync(name, child, isProtocol: false, below, depth + 1, cancellationToken), data);
        }
        catch
        {
            await DisposeAsync(data);
            throw;
        }
    }

    /// <summary>
    /// Completes the options of a backing image, of which the user gave some only, by what the image says. A name in the image
    /// is a path, unless it is noted as the user's own.
    /// </summary>
    /// <returns>The name if it is the user's own; else null, and options say where the file is, if there is one.</returns>
    private static async Task<string?> CompleteAsync(BlockStorage file, NodeOptions child, CancellationToken cancellationToken)
    {
        await using var look = await ImageFormats.Qcow2.OpenAsync(
            new ReadOnlyStorage(file, leaveOpen: true), new ImageOpenOptions { IsReadOnly = true, Chain = ImageChainPolicy.Ignore }, cancellationToken);
        var isUsers = look.BackingName != null && look.BackingName == UserNames.Find(file.Name);
        if (look.BackingName == null || (!isUsers && !child.Names.Any()))
        {
            return null;
        }

        if (look.BackingFormat is { } format && !child.Has("driver"))
        {
            child.Set("driver", format);
        }

        if (isUsers)
        {
            return look.BackingName;
        }

        child.Set("file.driver", "file");
        child.Set("file.filename", Path.Combine(Path.GetDirectoryName(file.Name) ?? "", look.BackingName));
        return null;
    }

    /// <summary>The options that change what an image shows.</summary>
    private static Dictionary<string, object> Strong(NodeOptions given, ImageFormat format)
    {
        var strong = new Dictionary<string, object>();
        given.CopyTo(strong);
        string[] names = format == ImageFormats.Raw ? ["offset", "size"] : ["encrypt.key-secret", "key-secret"];
        foreach (var name in strong.Keys.Where(name => !names.Contains(name)).ToList())
        {
            strong.Remove(name);
        }

        return strong;
    }

    private static void ThrowIfKeyIsMissing(ImageStorage image, OpenMode mode)
    {
        for (var layer = image; layer != null && !mode.IsForMetadata; layer = layer.Backing as ImageStorage)
        {
            if (layer.NeedsKey)
            {
                var option = layer.Format == ImageFormats.Qcow2 ? "encrypt.key-secret" : "key-secret";
                throw new QemuImgException($"Parameter '{option}' is required for cipher");
            }
        }
    }

    private static async Task DisposeAsync(params Node?[] nodes)
    {
        foreach (var node in nodes)
        {
            if (node != null)
            {
                await node.Storage.DisposeAsync();
            }
        }
    }

    private void WarnOfGuess(string name) => output.Error.Write(
        $"WARNING: Image format was not specified for '{name}' and probing guessed raw.\n"
        + "         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.\n"
        + "         Specify the 'raw' format explicitly to remove the restrictions.\n");
}
