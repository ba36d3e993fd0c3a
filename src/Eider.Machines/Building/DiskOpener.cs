using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.Machines.Building;

/// <summary>Opens what a disk's location names.</summary>
internal static class DiskOpener
{
    private const string MemoryPrefix = "mem:";
    private const string FilePrefix = "file:";
    private const string ReadOnlySuffix = ":ro";

    /// <summary>The full name of the file that a disk writes; null if it writes none.</summary>
    public static string? WrittenFile(DiskConfiguration disk)
    {
        if (disk.Image is null || IsRemote(disk.Image) || disk.Image.StartsWith(MemoryPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        var (path, readOnly) = SplitPath(disk);
        return readOnly || disk.Overlay != DiskOverlay.None ? null : FinalPath(path);
    }

    /// <summary>True if the location is an address of a server.</summary>
    public static bool IsRemote(string image) =>
        image.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || image.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens the storage.</summary>
    /// <exception cref="MachineConfigurationException">It is missing, held by another program, or no image.</exception>
    /// <exception cref="BlockStorageException">The host or a server failed.</exception>
    public static async Task<BlockStorage> OpenAsync(DiskConfiguration disk)
    {
        try
        {
            return disk.Overlay == DiskOverlay.Memory
                ? new OverlayStorage(await OpenImageAsync(disk).ConfigureAwait(false))
                : await OpenImageAsync(disk).ConfigureAwait(false);
        }
        catch (BlockStorageException cause) when (Refusal(cause.Kind) is { } refusal)
        {
            var image = disk.Image!;
            var message = cause.Message.StartsWith(image + ": ", StringComparison.Ordinal) ? cause.Message[(image.Length + 2)..] : cause.Message;
            throw new MachineConfigurationException(refusal.Kind, image, message, refusal.Remedy, cause);
        }
    }

    /// <summary>The same location, its path starting from a directory.</summary>
    public static string Rebase(string image, string directory)
    {
        if (image.StartsWith(FilePrefix, StringComparison.Ordinal))
        {
            return FilePrefix + Path.Combine(directory, image[FilePrefix.Length..]);
        }

        return IsRemote(image) || image.StartsWith(MemoryPrefix, StringComparison.Ordinal) ? image : Path.Combine(directory, image);
    }

    private static (MachineErrorKind Kind, string? Remedy)? Refusal(BlockErrorKind kind) => kind switch
    {
        BlockErrorKind.NotFound or BlockErrorKind.AccessDenied => (MachineErrorKind.MissingInput, "check the path and its permissions"),
        BlockErrorKind.Locked => (MachineErrorKind.Busy, "stop the other user of the image, or open it read-only"),
        BlockErrorKind.InvalidFormat or BlockErrorKind.UnsupportedFeature or BlockErrorKind.CorruptImage => (MachineErrorKind.BadInput, null),
        _ => null,
    };

    private static async Task<BlockStorage> OpenImageAsync(DiskConfiguration disk)
    {
        var image = disk.Image!;
        if (image.StartsWith(MemoryPrefix, StringComparison.Ordinal))
        {
            return new MemoryStorage(ByteSize.Parse(image[MemoryPrefix.Length..]).Bytes, image);
        }

        if (IsRemote(image))
        {
            var address = image.EndsWith(ReadOnlySuffix, StringComparison.Ordinal) ? image[..^ReadOnlySuffix.Length] : image;
            return Uri.TryCreate(address, UriKind.Absolute, out var url)
                ? await HttpStorage.OpenAsync(url).ConfigureAwait(false)
                : throw new MachineConfigurationException(
                    MachineErrorKind.BadSetting, image, "found no address, expected http://HOST/PATH or https://HOST/PATH");
        }

        var (path, readOnly) = SplitPath(disk);
        return FileStorage.Open(path, new FileStorageOptions { IsReadOnly = readOnly || disk.Overlay == DiskOverlay.Memory });
    }

    private static (string Path, bool ReadOnly) SplitPath(DiskConfiguration disk)
    {
        var path = disk.Image!;
        if (path.StartsWith(FilePrefix, StringComparison.Ordinal))
        {
            path = path[FilePrefix.Length..];
        }

        return path.EndsWith(ReadOnlySuffix, StringComparison.Ordinal) && !File.Exists(path)
            ? (path[..^ReadOnlySuffix.Length], true)
            : (path, disk.ReadOnly);
    }

    private static string FinalPath(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            return File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        }
        catch (IOException)
        {
            return full; // missing or a loop: opening it says so
        }
    }
}
