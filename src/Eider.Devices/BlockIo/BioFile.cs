using Eider.Storage;
using Eider.Storage.Backends;

namespace Eider.Devices.BlockIo;

/// <summary>A storage that keeps its content in a regular file (<c>FileBackedStorage</c> of ducky.devices.storage).</summary>
public sealed class BioFile : BioDisk, IAsyncDisposable
{
    private readonly FileStorage _file;

    private BioFile(uint sid, FileStorage file, int blockBytes)
        : base(sid, file, blockBytes) => _file = file;

    /// <summary>Opens a file; its size is the storage's from now on.</summary>
    /// <param name="sid">The storage's id.</param>
    /// <param name="path">The file; a last part that is no whole block is not reached.</param>
    /// <param name="isReadOnly">Opens it for reading only.</param>
    /// <param name="blockBytes">Bytes of a block: a multiple of 4 up to 64 KiB.</param>
    /// <exception cref="BlockStorageException">It is missing, held by another program, or cannot be opened so.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such blocks.</exception>
    public static BioFile Open(uint sid, string path, bool isReadOnly = false, int blockBytes = BioLimits.BlockBytes)
    {
        ThrowUnlessBlock(blockBytes);
        return new BioFile(sid, FileStorage.Open(path, new FileStorageOptions { IsReadOnly = isReadOnly }), blockBytes);
    }

    /// <summary>Flushes and closes the file.</summary>
    /// <exception cref="BlockStorageException">The host could not make it durable; the file is closed.</exception>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_file.IsClosed && !IsReadOnly)
            {
                await _file.FlushAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await _file.DisposeAsync().ConfigureAwait(false);
        }
    }
}
