using System.Globalization;
using Eider.Cli.Images;
using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img convert</c>: one image into another, or several, one behind the other, into one.</summary>
internal sealed class QemuConvert
{
    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("image-opts", "image-opts"), ("force-share", "U"), ("target-image-opts", "target-image-opts"),
            ("salvage", "salvage"), ("target-is-zero", "zero"), ("bitmaps", "bitmaps"), ("skip-broken-bitmaps", "skip-broken-bitmaps")];

    private readonly QemuArguments _arguments;
    private readonly QemuOutput _output;
    private readonly QemuConvertOptions _options;
    private readonly QemuSecrets _secrets;
    private readonly NodeOpener _opener;

    private QemuConvert(QemuArguments arguments, QemuOutput output)
    {
        _arguments = arguments;
        _output = output;
        _options = QemuConvertOptions.Read(arguments);
        _secrets = QemuSecrets.Parse(arguments.Values("object"));
        _opener = new NodeOpener(_secrets, output);
    }

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hf:O:B:CcF:o:l:S:pt:T:qnm:WUr:", LongNames);
        var self = new QemuConvert(arguments, output);
        if (QemuCreateOptions.AsksForHelp(self._options.Lists))
        {
            output.Out.Write(QemuCreate.HelpFor(self._options.Format, arguments.Names.Count > 1 ? arguments.Names[^1] : null));
            return 0;
        }

        if (arguments.Names.Count < 2)
        {
            throw new QemuImgException("Must specify image file name");
        }

        await self.RunAsync(cancellationToken);
        return 0;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var sourceCache = QemuOptions.Cache(_arguments, "T", "source cache", "writeback");
        await using var progress = new QemuProgress(_arguments, _output);
        var sources = new List<BlockStorage>();
        try
        {
            foreach (var name in _arguments.Names.SkipLast(1))
            {
                var mode = QemuOptions.ModeOf(_arguments) with { IsDirect = sourceCache.IsDirect };
                var snapshot = _arguments.Names.Count > 2 ? null : _arguments.Value("l");
                sources.Add((await QemuSnapshotName.OpenAsync(_opener, name, mode, snapshot, cancellationToken)).Image);
            }

            if (sources.Count > 1 && _arguments.Has("l"))
            {
                throw new QemuImgException("No support for concatenating multiple snapshot");
            }

            var bitmaps = _arguments.Has("bitmaps") ? new QemuBitmapCopy(sources, _arguments.Has("skip-broken-bitmaps"), _output) : null;
            await using var whole = sources.Count == 1 ? null : new ConcatenatedStorage(sources, leaveOpen: true);
            await ConvertAsync(whole ?? sources[0], bitmaps, progress, cancellationToken);
        }
        finally
        {
            foreach (var source in sources)
            {
                await source.DisposeAsync();
            }
        }
    }

    private async Task ConvertAsync(
        BlockStorage source, QemuBitmapCopy? bitmaps, QemuProgress progress, CancellationToken cancellationToken)
    {
        var name = _arguments.Names[^1];
        var options = _options.IsInPlace ? null : _options.ForTarget(name, source.SizeBytes);
        var behind = options?["backing_file"] ?? _arguments.Value("B");
        _options.CheckTarget(options, behind, isConcatenation: _arguments.Names.Count > 2);
        if (bitmaps != null)
        {
            await bitmaps.CheckSourceAsync(cancellationToken);
        }

        if (options != null)
        {
            await CreateAsync(name, options, source.SizeBytes, cancellationToken);
        }

        var cache = QemuOptions.Cache(_arguments, "t", "cache", "unsafe");
        await using var target = await OpenTargetAsync(name, options, cache, cancellationToken);
        bitmaps?.CheckTarget(target);
        if (_options.Copy.IsCompressed && target.Image is not Qcow2Image)
        {
            throw new QemuImgException("Compression not supported for this file format");
        }

        if (target.Image.SizeBytes < source.SizeBytes)
        {
            throw new QemuImgException("output file is smaller than input file");
        }

        await CopyAsync(source, target, behind != null, cache, progress, cancellationToken);
        if (bitmaps != null)
        {
            await bitmaps.RunAsync(target, cancellationToken);
        }

        progress.Report(1, 1);
    }

    private async Task CreateAsync(string name, QemuCreateOptions options, long bytes, CancellationToken cancellationToken)
    {
        try
        {
            await QemuCreate.WriteAsync(name, _options.Format, options, bytes, _secrets, cancellationToken);
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException($"{name}: error while converting {_options.Format}: {failure.Message}");
        }
    }

    private Task<ImageNode> OpenTargetAsync(string name, QemuCreateOptions? options, CacheMode cache, CancellationToken cancellationToken)
    {
        var mode = new OpenMode { IsWritable = true, IsDirect = cache.IsDirect };
        if (_arguments.Has("target-image-opts"))
        {
            return _opener.OpenAsync(name, mode with { IsOptionList = true, Format = _arguments.Value("O") }, cancellationToken);
        }

        var keys = (options?.Values() ?? []).Where(option => option.Key.EndsWith("key-secret", StringComparison.Ordinal));
        return _opener.OpenAsync(name, mode with { Format = _options.Format, Keys = keys.ToDictionary() }, cancellationToken);
    }

    private async Task CopyAsync(
        BlockStorage source, ImageNode target, bool hasBacking, CacheMode cache, QemuProgress progress, CancellationToken cancellationToken)
    {
        var settings = _options.Copy with
        {
            IsOwnOnly = hasBacking,
            SaysEveryZero = _options.IsInPlace,
            TargetIsZero = !hasBacking && (_options.TargetIsZero || !_options.IsInPlace) && !target.Image.IsEncrypted,
        };
        await using var slow = settings.BytesPerSecond == 0 ? null : DiskCopy.Throttled(source, settings.BytesPerSecond);

        // Without a search for zeroes all of the target is written, also what the source knows to be zero.
        await using var full = settings.SparseBytes > 0 ? null : new AllDataStorage(slow ?? source);
        var copy = new DiskCopy(full ?? slow ?? source, target.Image, settings)
        {
            OnUnreadable = TellUnreadable,
            Progress = progress.Report,
        };
        try
        {
            await copy.RunAsync(cancellationToken);
            if (cache.IsFlushed)
            {
                await target.Image.FlushAsync(cancellationToken);
            }
        }
        catch (BlockStorageException failure)
        {
            var doing = failure.Operation is BlockOperation.Extents ? "reading block status at offset"
                : failure.Operation is BlockOperation.Read ? "reading at byte" : "writing at byte";
            throw new QemuImgException(string.Create(
                CultureInfo.InvariantCulture, $"error while {doing} {failure.OffsetBytes ?? 0}: {QemuWords.OfRequest(failure)}"));
        }
    }

    private void TellUnreadable(long offset, long length, BlockStorageException failure)
    {
        if (_arguments.Has("q"))
        {
            return;
        }

        for (var sector = offset; sector < offset + length; sector += 512)
        {
            _output.Complain(string.Create(
                CultureInfo.InvariantCulture, $"warning: error while reading offset {sector}: {QemuWords.OfRequest(failure)}"));
        }
    }
}
