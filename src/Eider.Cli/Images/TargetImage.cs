using System.Globalization;
using Eider.Cli.Errors;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.Images;

/// <summary>A new image that is being written; it has its name only after <see cref="CompleteAsync"/>.</summary>
internal sealed class TargetImage : IAsyncDisposable
{
    private const string DataFileOption = "data_file";

    private readonly PendingFile _file;
    private readonly CacheMode _cache;
    private readonly string? _newDataFile;
    private bool _isComplete;

    private TargetImage(PendingFile file, ImageStorage image, CacheMode cache, string? newDataFile)
    {
        _file = file;
        Image = image;
        _cache = cache;
        _newDataFile = newDataFile;
    }

    /// <summary>The image, empty and open for writing.</summary>
    public ImageStorage Image { get; }

    /// <summary>Makes the image beside its place.</summary>
    /// <param name="request">What to make.</param>
    /// <param name="sizeBytes">Size of the disk.</param>
    /// <param name="backing">What lies behind it, for reading through it; closed with it. Null to leave that out.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="CliException">The options cannot be.</exception>
    public static async Task<TargetImage> CreateAsync(
        TargetRequest request, long sizeBytes, BlockStorage? backing, CancellationToken cancellationToken)
    {
        var file = await PendingFile.BeginAsync(request.Path, request.Cache.IsDirect);
        var (data, newDataFile) = (default(BlockStorage), default(string));
        try
        {
            (data, newDataFile) = OpenDataFile(request);
            await CreateEmptyAsync(file.Storage, request, sizeBytes, data, cancellationToken);
            BlockStorage storage = request.Cache.IsWriteThrough ? new WriteThroughStorage(file.Storage) : file.Storage;
            var options = new ImageOpenOptions
            {
                Chain = ImageChainPolicy.Ignore,
                Backing = backing,
                DataFile = data,
                KeyOf = request.Key is { } key ? _ => key : null,
            };
            var image = await request.Format.OpenAsync(storage, options, cancellationToken);
            WarnOfOldEncryption(image, request.Path);
            return new TargetImage(file, image, request.Cache, newDataFile);
        }
        catch (Exception failure)
        {
            if (data != null)
            {
                await data.DisposeAsync();
            }

            if (newDataFile != null)
            {
                File.Delete(newDataFile);
            }

            await file.DisposeAsync();
            if (failure is BlockStorageException known)
            {
                throw file.Renamed(known);
            }

            throw;
        }
    }

    /// <summary>Runs what fills the image; failures carry the name that the user gave.</summary>
    public async Task FillAsync(Func<ImageStorage, Task> fill)
    {
        try
        {
            await fill(Image);
        }
        catch (BlockStorageException failure)
        {
            throw _file.Renamed(failure);
        }
    }

    /// <summary>Makes the image durable, as the cache mode wants it, and gives it its name.</summary>
    public Task CompleteAsync(CancellationToken cancellationToken) => FillAsync(async image =>
    {
        if (_cache.IsFlushed)
        {
            await image.FlushAsync(cancellationToken);
        }

        await image.DisposeAsync();
        cancellationToken.ThrowIfCancellationRequested();
        _file.Complete();
        _isComplete = true;
    });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Image.DisposeAsync();
        await _file.DisposeAsync();
        if (!_isComplete && _newDataFile != null)
        {
            File.Delete(_newDataFile);
        }
    }

    private static void WarnOfOldEncryption(ImageStorage image, string path)
    {
        if (image is Qcow2Image { Header.Encryption: Qcow2EncryptionMethod.Aes })
        {
            StandardError.Writer.WriteLine(
                $"eider: {path}: warning: AES in the old way is weak (the passphrase is the key); use -o encrypt.format=luks unless an old reader needs it");
        }
    }

    private static async Task CreateEmptyAsync(
        FileStorage file, TargetRequest request, long sizeBytes, BlockStorage? data, CancellationToken cancellationToken)
    {
        try
        {
            var options = new ImageCreateOptions { SizeBytes = sizeBytes, Options = request.Options, DataFile = data, Key = request.Key };
            await request.Format.CreateAsync(file, options, cancellationToken);
        }
        catch (BlockStorageException wrong) when (wrong.Kind == BlockErrorKind.InvalidFormat)
        {
            // Here it is what the user asked for that cannot be, not a file.
            var text = wrong.Message.StartsWith(file.Name + ": ", StringComparison.Ordinal) ? wrong.Message[(file.Name.Length + 2)..] : wrong.Message;
            throw new CliException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"{request.Path}: {text}"), wrong);
        }
    }

    private static (BlockStorage? Storage, string? NewPath) OpenDataFile(TargetRequest request)
    {
        if (request.Format != ImageFormats.Qcow2 || !request.Options.TryGetValue(DataFileOption, out var name) || name.Length == 0)
        {
            return (null, null);
        }

        var path = Path.IsPathRooted(name) ? name : Path.Combine(Path.GetDirectoryName(request.Path) ?? "", name);
        var options = new FileStorageOptions { IsDirect = request.Cache.IsDirect };
        return File.Exists(path) ? (FileStorage.Open(path, options), null) : (FileStorage.Create(path, 0, options), path);
    }
}
