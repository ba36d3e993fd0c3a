using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>Files through the framework alone, for hosts other than Linux.</summary>
internal sealed class PortableFileBackend : FileBackend
{
    public PortableFileBackend(SafeFileHandle handle, string path)
        : base(handle, path)
    {
    }

    /// <inheritdoc/>
    public override void Read(long offsetBytes, BufferList buffers)
    {
        for (var index = 0; index < buffers.Count; index++)
        {
            var piece = buffers[index].Span;
            while (!piece.IsEmpty)
            {
                var count = ReadOnce(piece, offsetBytes);
                if (count == 0)
                {
                    throw HostErrors.EndedEarly(Path, offsetBytes);
                }

                piece = piece[count..];
                offsetBytes += count;
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(long offsetBytes, BufferList buffers)
    {
        for (var index = 0; index < buffers.Count; index++)
        {
            var piece = buffers[index].Span;
            try
            {
                RandomAccess.Write(Handle, piece, offsetBytes);
            }
            catch (Exception exception) when (IsHostFailure(exception))
            {
                throw HostErrors.FromException(exception, BlockOperation.Write, Path, offsetBytes);
            }

            offsetBytes += piece.Length;
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(Handle);
        }
        catch (Exception exception) when (IsHostFailure(exception))
        {
            throw HostErrors.FromException(exception, BlockOperation.Flush, Path, null);
        }
    }

    /// <inheritdoc/>
    public override void Resize(long sizeBytes)
    {
        try
        {
            RandomAccess.SetLength(Handle, sizeBytes);
        }
        catch (Exception exception) when (IsHostFailure(exception))
        {
            throw HostErrors.FromException(exception, BlockOperation.Resize, Path, null);
        }
    }

    private static bool IsHostFailure(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or ObjectDisposedException;

    private int ReadOnce(Span<byte> piece, long offsetBytes)
    {
        try
        {
            return RandomAccess.Read(Handle, piece, offsetBytes);
        }
        catch (Exception exception) when (IsHostFailure(exception))
        {
            throw HostErrors.FromException(exception, BlockOperation.Read, Path, offsetBytes);
        }
    }
}
