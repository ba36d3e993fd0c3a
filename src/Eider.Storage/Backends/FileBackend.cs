using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>
/// How a host moves bytes between a file and scatter lists. All methods run on the calling thread, move
/// everything or throw <see cref="BlockStorageException"/>, and may be called at once from many threads.
/// </summary>
internal abstract class FileBackend
{
    private const int ZeroBytes = 64 * 1024;

    private static readonly Memory<byte> Zeroes = GC.AllocateArray<byte>(ZeroBytes, pinned: true);

    protected FileBackend(SafeFileHandle handle, string path)
    {
        Handle = handle;
        Path = path;
    }

    /// <summary>Alignment of addresses, offsets and lengths that needs no copy; 1 if any will do.</summary>
    public virtual int AlignmentBytes => 1;

    /// <summary>True if <see cref="TryPunchHole"/> works here.</summary>
    public virtual bool CanPunchHoles => false;

    /// <summary>The open file.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>What it is called in messages.</summary>
    protected string Path { get; }

    /// <summary>Reads all bytes of the list from the file.</summary>
    public abstract void Read(long offsetBytes, BufferList buffers);

    /// <summary>Writes all bytes of the list to the file.</summary>
    public abstract void Write(long offsetBytes, BufferList buffers);

    /// <summary>Makes what was written durable.</summary>
    public abstract void Flush();

    /// <summary>Frees a range, which then reads as zeroes; false if the file cannot do that.</summary>
    public virtual bool TryPunchHole(long offsetBytes, long lengthBytes, BlockOperation operation) => false;

    /// <summary>Makes a range zero without writing it; false if the file cannot do that.</summary>
    public virtual bool TryZeroRange(long offsetBytes, long lengthBytes) => false;

    /// <summary>What is known of the run at an offset.</summary>
    public virtual BlockExtent GetExtent(long offsetBytes, long lengthBytes) =>
        new(offsetBytes, lengthBytes, BlockExtentStatus.Data);

    /// <summary>Size of the file now, in bytes.</summary>
    public virtual long GetSize() => RandomAccess.GetLength(Handle);

    /// <summary>Changes the size of the file.</summary>
    public abstract void Resize(long sizeBytes);

    /// <summary>Writes zeroes as data.</summary>
    public void WriteZeroes(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var end = offsetBytes + lengthBytes;
        while (offsetBytes < end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = (int)Math.Min(end - offsetBytes, ZeroBytes);
            Write(offsetBytes, Zeroes[..count]);
            offsetBytes += count;
        }
    }
}
