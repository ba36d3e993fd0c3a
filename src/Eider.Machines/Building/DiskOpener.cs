using System.Globalization;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Layers;

namespace Eider.Machines.Building;

/// <summary>Opens what a disk's location names.</summary>
internal static class DiskOpener
{
    private const string FilePrefix = "file:";
    private const int SectorBytes = 512;
    private const int MaxKeyBytes = 4096;

    /// <summary>Reads the location of a disk.</summary>
    /// <exception cref="MachineConfigurationException">It is none.</exception>
    public static StorageLocation Parse(string image, string setting)
    {
        try
        {
            return StorageLocation.Parse(image);
        }
        catch (BlockStorageException cause)
        {
            throw new MachineConfigurationException(MachineErrorKind.BadSetting, setting, cause.Message, innerException: cause);
        }
    }

    /// <summary>The full name of the file that a disk writes; null if it writes none.</summary>
    public static string? WrittenFile(DiskConfiguration disk, StorageLocation location) =>
        location.Kind != StorageKind.File || location.IsReadOnly || disk.ReadOnly || disk.Overlay != DiskOverlay.None
            ? null
            : HostFile.FinalPath(location.Path);

    /// <summary>Opens the storage.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="layers">What layers of several disks have in common.</param>
    /// <param name="anySize">True if its size need not be whole sectors.</param>
    /// <exception cref="MachineConfigurationException">It is missing, held by another program, or no image.</exception>
    /// <exception cref="BlockStorageException">The host or a server failed.</exception>
    public static async Task<BlockStorage> OpenAsync(DiskConfiguration disk, StorageLayerContext? layers = null, bool anySize = false)
    {
        var image = disk.Image!;
        try
        {
            var storage = await StorageOpener.OpenAsync(image, new StorageOpenOptions
            {
                IsReadOnly = disk.ReadOnly,
                IsOverlaid = disk.Overlay == DiskOverlay.Memory,
                Format = disk.Format,
                Image = ImageOpenOptions.Default with { Chain = ChainOf(disk.Chain), KeyOf = KeyOf(disk) },
                CacheDirectory = disk.Cache,
                CacheMaxBytes = disk.CacheSize.Bytes,
                Layers = [.. disk.Layers],
                LayerContext = layers,
            }).ConfigureAwait(false);
            return anySize || storage.SizeBytes % SectorBytes == 0 ? storage : throw await OddSizeAsync(image, storage).ConfigureAwait(false);
        }
        catch (BlockStorageException cause) when (Refusal(cause) is { } refusal)
        {
            var message = cause.Message.StartsWith(image + ": ", StringComparison.Ordinal) ? cause.Message[(image.Length + 2)..] : cause.Message;
            throw new MachineConfigurationException(refusal.Kind, image, message, refusal.Remedy, cause);
        }
    }

    /// <summary>The same location, its path starting from a directory.</summary>
    public static string Rebase(string image, string directory)
    {
        try
        {
            if (StorageLocation.Parse(image).Kind != StorageKind.File)
            {
                return image;
            }
        }
        catch (BlockStorageException)
        {
            return image; // the check reports it
        }

        return image.StartsWith(FilePrefix, StringComparison.Ordinal)
            ? FilePrefix + Path.Combine(directory, image[FilePrefix.Length..])
            : Path.Combine(directory, image);
    }

    private static ImageChainPolicy ChainOf(string chain) => chain switch
    {
        "none" => ImageChainPolicy.Refuse,
        "any" => ImageChainPolicy.Allow,
        _ => ImageChainPolicy.Within(chain),
    };

    /// <summary>The passphrase of an encrypted image. It is asked for only if the image is encrypted.</summary>
    private static Func<string, ReadOnlyMemory<byte>?>? KeyOf(DiskConfiguration disk)
    {
        if (disk.KeyFile is not { } path)
        {
            return null;
        }

        return _ =>
        {
            using var file = HostFiles.OpenRead(path);
            var bytes = new byte[(int)Math.Min(file.Length, MaxKeyBytes)];
            file.ReadExactly(bytes);

            // Editors end a file with a line feed, and the commands for images leave it out, too.
            return bytes.AsMemory(0, bytes is [.., (byte)'\n'] ? bytes.Length - 1 : bytes.Length);
        };
    }

    private static async Task<MachineConfigurationException> OddSizeAsync(string image, BlockStorage storage)
    {
        await using (storage.ConfigureAwait(false))
        {
            return new MachineConfigurationException(
                MachineErrorKind.BadInput,
                image,
                string.Create(CultureInfo.InvariantCulture, $"found a size of {storage.SizeBytes} bytes, expected a multiple of {SectorBytes}"),
                string.Create(CultureInfo.InvariantCulture, $"make it whole sectors, as 'truncate -s %{SectorBytes}' does with a file"));
        }
    }

    private static (MachineErrorKind Kind, string? Remedy)? Refusal(BlockStorageException failure) => failure.Kind switch
    {
        BlockErrorKind.Io when StorageLocation.Parse(failure.Path).Kind == StorageKind.File => (MachineErrorKind.MissingInput, "give a file or a block device"),
        BlockErrorKind.NotFound or BlockErrorKind.AccessDenied => (MachineErrorKind.MissingInput, "check the path and its permissions"),
        BlockErrorKind.Locked => (MachineErrorKind.Busy, "stop the other user of the image, or open it read-only"),
        BlockErrorKind.InvalidFormat or BlockErrorKind.UnsupportedFeature or BlockErrorKind.CorruptImage => (MachineErrorKind.BadInput, null),
        _ => null,
    };
}
