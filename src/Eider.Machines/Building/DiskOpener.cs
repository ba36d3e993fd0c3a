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
        if (disk.Image is null || disk.Image.StartsWith(MemoryPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        var (path, readOnly) = SplitPath(disk);
        return readOnly || disk.Overlay != DiskOverlay.None ? null : FinalPath(path);
    }

    /// <summary>Opens the storage.</summary>
    /// <exception cref="MachineConfigurationException">It is missing, held by another program, or no image.</exception>
    public static ValueTask<BlockStorage> OpenAsync(DiskConfiguration disk)
    {
        var image = disk.Image!;
        try
        {
            if (image.StartsWith(MemoryPrefix, StringComparison.Ordinal))
            {
                return ValueTask.FromResult<BlockStorage>(new MemoryStorage(ByteSize.Parse(image[MemoryPrefix.Length..]).Bytes, image));
            }

            var (path, readOnly) = SplitPath(disk);
            var overlaid = disk.Overlay == DiskOverlay.Memory;
            BlockStorage file = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = readOnly || overlaid });
            return ValueTask.FromResult(overlaid ? new OverlayStorage(file) : file);
        }
        catch (BlockStorageException cause)
        {
            throw Refuse(image, cause);
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

    /// <summary>A failure to open, as the user's mistake that it is.</summary>
    public static MachineConfigurationException Refuse(string image, BlockStorageException cause)
    {
        var (kind, remedy) = cause.Kind switch
        {
            BlockErrorKind.NotFound or BlockErrorKind.AccessDenied => (MachineErrorKind.MissingInput, "check the path and its permissions"),
            BlockErrorKind.Locked => (MachineErrorKind.Busy, "stop the other user of the image, or open it read-only"),
            _ => (MachineErrorKind.BadInput, (string?)null),
        };
        var message = cause.Message.StartsWith(image + ": ", StringComparison.Ordinal) ? cause.Message[(image.Length + 2)..] : cause.Message;
        return new MachineConfigurationException(kind, image, message, remedy, cause);
    }

    private static bool IsRemote(string image) =>
        image.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || image.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

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
