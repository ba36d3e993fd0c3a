using System.Globalization;
using Eider.Cli.Commands.Img;
using Eider.Cli.Errors;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Bitmaps;
using Eider.Storage.Operations;

namespace Eider.Cli.Images;

/// <summary>Copies an image into a new one, or into one that is there.</summary>
/// <param name="access">How the source is opened.</param>
/// <param name="request">The target.</param>
/// <param name="settings">How to copy.</param>
internal sealed class ConvertSession(ImageAccess access, TargetRequest request, ConvertSettings settings)
{
    private long _unreadable;

    /// <summary>Shows how far it is.</summary>
    public required ImageProgress Progress { get; init; }

    /// <summary>How much of the source could not be read.</summary>
    public long UnreadableBytes => Interlocked.Read(ref _unreadable);

    private bool HasBacking => request.Options.ContainsKey(BackingOptions.Name);

    /// <summary>Refuses what cannot be together, before anything is opened.</summary>
    /// <exception cref="CliException">It cannot.</exception>
    /// <param name="locations">The images to read.</param>
    public void Check(IReadOnlyList<string> locations)
    {
        Expect(
            locations.Count == 1 || !(HasBacking || settings.CopiesBitmaps || access.Snapshot != null),
            "several sources and -B, --bitmaps or -l exclude each other; convert them one by one");
        Expect(!settings.IsCompressed || request.Format == ImageFormats.Qcow2, $"-c: {request.Format.Name} cannot be compressed; expected -O qcow2");
        Expect(!settings.IsCompressed || !HasBacking, "-c and -B exclude each other: what differs from a backing image is not compressed");
        Expect(!settings.IsCompressed || !settings.Salvages, "-c and --salvage exclude each other: salvage first, then compress");
        Expect(settings.Level == null || settings.IsCompressed, "--level needs -c");
        Expect(!settings.TargetIsZero || settings.IsInPlace, "--target-is-zero needs -n: a new image is zero anyway");
        Expect(!settings.IsInPlace || request.Options.Count == 0, "-n and options of a new image exclude each other");
        Expect(settings.CopiesBitmaps || !settings.SkipsBrokenBitmaps, "--skip-broken-bitmaps needs --bitmaps");
        Expect(!settings.CopiesBitmaps || request.Format == ImageFormats.Qcow2, $"--bitmaps: a {request.Format.Name} image has none; expected -O qcow2");
        Expect(!settings.CopiesBitmaps || access.Snapshot == null, "--bitmaps and -l exclude each other: bitmaps are of the disk as it is now");
        Expect(!HasBacking || request.Format == ImageFormats.Qcow2, $"-B: a {request.Format.Name} image has no backing file; expected -O qcow2");

        static void Expect(bool condition, string message)
        {
            if (!condition)
            {
                throw new CliException(ExitCode.Usage, message);
            }
        }
    }

    /// <summary>Converts.</summary>
    /// <returns>The size of the target's disk.</returns>
    public async Task<long> RunAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken)
    {
        await using var sources = await ConvertSources.OpenAsync(access, locations, request.Path, settings.Salvages, cancellationToken);
        var image = sources.First;
        var bitmaps = settings.CopiesBitmaps ? await BitmapsOfAsync(image, cancellationToken) : [];
        await using var source = DiskCopy.Throttled(sources.Disk, settings.BytesPerSecond);
        if (settings.IsInPlace)
        {
            return await FillExistingAsync(source, to => BitmapCopier.CopyAsync(image, to, bitmaps, cancellationToken), cancellationToken);
        }

        await using var backing = HasBacking
            ? await BackingOptions.OpenAsync(request, access.Chain, cancellationToken) : null;
        await using var target = await TargetImage.CreateAsync(request, source.SizeBytes, backing, cancellationToken);
        await target.FillAsync(async to =>
        {
            await CopyAsync(source, to, backing, targetIsZero: backing == null, cancellationToken);
            await BitmapCopier.CopyAsync(image, to, bitmaps, cancellationToken);
        });
        var size = target.Image.SizeBytes;
        await target.CompleteAsync(cancellationToken);
        return size;
    }

    /// <summary>The bitmaps to copy; what is left out is told.</summary>
    private async Task<IReadOnlyList<Qcow2Bitmap>> BitmapsOfAsync(ImageStorage image, CancellationToken cancellationToken)
    {
        try
        {
            var copied = await BitmapCopier.ListAsync(image, settings.SkipsBrokenBitmaps, cancellationToken);
            foreach (var broken in (await ((Qcow2Image)image).Bitmaps.ListAsync(cancellationToken)).Where(bitmap => !bitmap.IsUsable))
            {
                StandardError.Writer.WriteLine($"eider: bitmap '{ImageReport.Printable(broken.Name)}' is left out: {broken.Problem}");
            }

            return copied;
        }
        catch (BlockStorageException refused) when (refused.Kind == BlockErrorKind.UnsupportedFeature)
        {
            throw new CliException(ExitCode.BadInput, refused.Message, refused);
        }
    }

    private async Task<long> FillExistingAsync(BlockStorage source, Func<ImageStorage, ValueTask> finish, CancellationToken cancellationToken)
    {
        var existing = access with
        {
            Format = request.Format.Name,
            Snapshot = null,
            IsDirect = request.Cache.IsDirect,
            Key = request.Key,
        };
        await using var target = await existing.OpenForWritingAsync(request.Path, cancellationToken);
        if (target.SizeBytes < source.SizeBytes)
        {
            throw new CliException(
                ExitCode.BadInput,
                string.Create(
                    CultureInfo.InvariantCulture, $"{request.Path}: found {target.SizeBytes} bytes, expected the {source.SizeBytes} of the source at least"));
        }

        await CopyAsync(source, target, backing: null, settings.TargetIsZero, cancellationToken);
        await finish(target);
        if (request.Cache.IsFlushed)
        {
            await target.FlushAsync(cancellationToken);
        }

        return target.SizeBytes;
    }

    private Task CopyAsync(
        BlockStorage source, ImageStorage target, BlockStorage? backing, bool targetIsZero, CancellationToken cancellationToken)
    {
        if (settings.Level is { } level && target is Qcow2Image qcow && (level < 1 || level > DiskCopy.HighestLevel(qcow)))
        {
            throw new CliException(ExitCode.Usage, $"--level {level}: expected 1 to {DiskCopy.HighestLevel(qcow)}");
        }

        return Progress.RunAsync(
            "convert",
            progress => new DiskCopy(source, target, settings with { TargetIsZero = targetIsZero })
            {
                Behind = backing,
                OnUnreadable = TellUnreadable,
                Progress = progress,
            }.RunAsync(cancellationToken));
    }

    private void TellUnreadable(long offset, long length, BlockStorageException failure)
    {
        Interlocked.Add(ref _unreadable, length);
        StandardError.Writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"eider: {length} bytes at {offset} become zeroes: {failure.Message}"));
    }
}
