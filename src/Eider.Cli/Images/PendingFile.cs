using Eider.Cli.Errors;
using Eider.Storage;
using Eider.Storage.Backends;

namespace Eider.Cli.Images;

/// <summary>
/// A file that is written under another name beside its place and takes its own name only when it is complete; before
/// that, whatever stood there stays. Devices are written in place.
/// </summary>
internal sealed class PendingFile : IAsyncDisposable
{
    private readonly string _path;
    private readonly string? _part;
    private readonly FileStorage? _replaced;
    private bool _isComplete;

    private PendingFile(string path, string? part, FileStorage? replaced, FileStorage storage)
    {
        _path = path;
        _part = part;
        _replaced = replaced;
        Storage = storage;
    }

    /// <summary>The file to write; the image in it closes it.</summary>
    public FileStorage Storage { get; }

    /// <summary>Begins. A file that is there already is locked, and refused while somebody has it open.</summary>
    /// <param name="name">Where it shall be; a symbolic link is followed.</param>
    /// <param name="isDirect">True to go round the page cache.</param>
    /// <exception cref="BlockStorageException">The place cannot be written, or is in use.</exception>
    /// <exception cref="CliException">The folder does not exist.</exception>
    public static async Task<PendingFile> BeginAsync(string name, bool isDirect)
    {
        var place = StorageLocation.Parse(name);
        if (place.Kind != StorageKind.File || place.IsReadOnly)
        {
            throw new CliException(ExitCode.Usage, $"{name}: found no place for an image, expected the name of a file");
        }

        var path = new FileInfo(place.Path).LinkTarget == null ? place.Path : HostFile.FinalPath(place.Path);
        var options = new FileStorageOptions { IsDirect = isDirect };
        if (path.StartsWith("/dev/", StringComparison.Ordinal) && File.Exists(path))
        {
            return new PendingFile(path, null, null, FileStorage.Open(path, options));
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        if (!Directory.Exists(folder))
        {
            throw new CliException(ExitCode.CannotCreate, $"{name}: cannot be made: its folder does not exist");
        }

        var replaced = File.Exists(path) || Directory.Exists(path) ? FileStorage.Open(path) : null;
        try
        {
            return new PendingFile(path, PartOf(path), replaced, FileStorage.Create(PartOf(path), 0, options));
        }
        catch (BlockStorageException failure)
        {
            if (replaced != null)
            {
                await replaced.DisposeAsync();
            }

            throw new CliException(ExitCode.CannotCreate, $"{name}: cannot be made: {failure.Message}", failure);
        }
    }

    /// <summary>Gives the file its name. The storage is closed by now.</summary>
    public void Complete()
    {
        _isComplete = true;
        if (_part == null)
        {
            return;
        }

        if (!OperatingSystem.IsWindows() && _replaced != null)
        {
            File.SetUnixFileMode(_part, File.GetUnixFileMode(_path));
        }

        File.Move(_part, _path, overwrite: true);
    }

    /// <summary>The failure with the name that the user gave, not the one of the part.</summary>
    public BlockStorageException Renamed(BlockStorageException failure) =>
        _part == null || !failure.Message.Contains(_part, StringComparison.Ordinal)
            ? failure
            : new BlockStorageException(
                failure.Kind, failure.Operation, failure.Path.Replace(_part, _path, StringComparison.Ordinal), failure.OffsetBytes,
                failure.Message.Replace(_part, _path, StringComparison.Ordinal), failure);

    /// <summary>Ends; what is not complete goes away.</summary>
    public async ValueTask DisposeAsync()
    {
        await Storage.DisposeAsync();
        if (!_isComplete && _part != null)
        {
            File.Delete(_part);
        }

        if (_replaced != null)
        {
            await _replaced.DisposeAsync();
        }
    }

    private static string PartOf(string path) => $"{path}.{Environment.ProcessId}.part";
}
