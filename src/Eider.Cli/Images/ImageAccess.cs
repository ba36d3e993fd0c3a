using Eider.Cli.Errors;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;

namespace Eider.Cli.Images;

/// <summary>How the images of one command are opened: what the user named, and what the user allowed.</summary>
internal sealed record ImageAccess
{
    /// <summary>The format by name; null to find out by <see cref="FormatChoice"/>.</summary>
    public string? Format { get; init; }

    /// <summary>Which files the images may open.</summary>
    public ImageChainPolicy Chain { get; init; } = ImageChainPolicy.Refuse;

    /// <summary>True to read what somebody else may be writing.</summary>
    public bool IsShared { get; init; }

    /// <summary>True to go round the page cache.</summary>
    public bool IsDirect { get; init; }

    /// <summary>The passphrase of encrypted images; null for none.</summary>
    public ReadOnlyMemory<byte>? Key { get; init; }

    /// <summary>Id or name of the internal snapshot to read; null for the disk as it is.</summary>
    public string? Snapshot { get; init; }

    /// <summary>How many steps down the chain an image is written too.</summary>
    public int WritableDepth { get; init; }

    /// <summary>True to write an image that is marked as damaged.</summary>
    public bool IsForRepair { get; init; }

    /// <summary>Opens an image to read its data.</summary>
    public async Task<ImageStorage> OpenForReadingAsync(string location, CancellationToken cancellationToken)
    {
        var image = await OpenAsync(location, isReadOnly: true, cancellationToken);
        return await WithKeyAsync(image);
    }

    /// <summary>Opens an image to change its data.</summary>
    public async Task<ImageStorage> OpenForWritingAsync(string location, CancellationToken cancellationToken)
    {
        var image = await OpenAsync(location, isReadOnly: false, cancellationToken);
        return await WithKeyAsync(image);
    }

    /// <summary>Opens an image, encrypted ones without their key too.</summary>
    public async Task<ImageStorage> OpenAsync(string location, bool isReadOnly, CancellationToken cancellationToken)
    {
        var file = await OpenFileAsync(location, isReadOnly, cancellationToken);
        try
        {
            var choice = await FormatChoice.OfAsync(file, Format, cancellationToken);
            return await OpenAsync(file, choice, isReadOnly, cancellationToken);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens the file that an image is in.</summary>
    public async Task<BlockStorage> OpenFileAsync(string location, bool isReadOnly, CancellationToken cancellationToken)
    {
        var place = StorageLocation.Parse(location);
        if (!isReadOnly && place.IsReadOnly)
        {
            throw new CliException(ExitCode.Usage, $"{location}: it cannot be written; expected a file");
        }

        return await StorageOpener.OpenAsync(
            place,
            new StorageOpenOptions
            {
                IsReadOnly = isReadOnly,
                IsDirect = IsDirect && place.Kind == StorageKind.File,
                Locking = LockingOf(isReadOnly),
            },
            cancellationToken);
    }

    private FileLocking LockingOf(bool isReadOnly) => IsShared && isReadOnly ? FileLocking.ShareWithWriter : FileLocking.Exclusive;

    private async Task<ImageStorage> OpenAsync(
        BlockStorage file, FormatChoice choice, bool isReadOnly, CancellationToken cancellationToken)
    {
        var policy = choice.MayOpenFiles || Chain.Kind == ImageChainPolicyKind.Ignore ? Chain : ImageChainPolicy.Refuse;
        var options = new ImageOpenOptions
        {
            IsReadOnly = isReadOnly,
            Chain = policy,
            IsFormatProbed = choice.IsGuess,
            KeyOf = Key is { } key ? _ => key : null,
            Locking = LockingOf(isReadOnly),
            IsDirect = IsDirect,
            WritableDepth = WritableDepth,
            IsForRepair = IsForRepair,
            Snapshot = Snapshot,
        };
        try
        {
            return await choice.Format.OpenAsync(file, options, cancellationToken);
        }
        catch (BlockStorageException refused) when (policy.Kind == ImageChainPolicyKind.Refuse && IsRefusedName(refused))
        {
            var hint = Chain.Kind == ImageChainPolicyKind.Refuse
                ? " (--allow-chain, or --within DIR)"
                : $"; {choice.Format.Name} was only guessed: say -f {choice.Format.Name}";
            throw new CliException(ExitCode.NoInput, refused.Message + hint, refused);
        }
    }

    private static bool IsRefusedName(BlockStorageException failure) =>
        failure is { Kind: BlockErrorKind.AccessDenied, Operation: BlockOperation.Open }
        && failure.Message.Contains("is not opened", StringComparison.Ordinal);

    /// <summary>Refuses an encrypted image of the chain that nobody gave a passphrase for.</summary>
    private static async Task<ImageStorage> WithKeyAsync(ImageStorage image)
    {
        for (var layer = image; layer != null; layer = layer.Backing as ImageStorage)
        {
            if (layer.NeedsKey)
            {
                var name = layer.Name;
                await image.DisposeAsync();
                throw new CliException(ExitCode.NoInput, $"{name}: the image is encrypted; give its passphrase with --key-file FILE");
            }
        }

        return image;
    }
}
