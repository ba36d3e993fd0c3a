using System.IO.MemoryMappedFiles;
using Eider.Hardware.Bus;

namespace Eider.Devices.Memory;

/// <summary>
/// A part of a file that guests reach access by access, in any width and place, as ducky's mapped files (<c>mmap</c>) are reached. For parts that are no
/// whole pages; those can be RAM.
/// </summary>
public sealed class FileWindow : IDeviceIo, IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly bool _isWritable;

    /// <summary>Maps a part of a file.</summary>
    /// <param name="file">The file, opened for reading, and for writing if it is shared; closed with the window. Nobody may cut it off meanwhile.</param>
    /// <param name="offsetBytes">Where the part begins, in bytes.</param>
    /// <param name="sizeBytes">How long it is, in bytes; it must be there.</param>
    /// <param name="isWritable">False to drop what is written.</param>
    /// <param name="isShared">True: what is written goes to the file. False: it goes to a copy of this window's own.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such part.</exception>
    public FileWindow(FileStream file, long offsetBytes, long sizeBytes, bool isWritable, bool isShared)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, file.Length - offsetBytes);
        var access = isWritable && isShared ? MemoryMappedFileAccess.ReadWrite : MemoryMappedFileAccess.CopyOnWrite;
        _isWritable = isWritable;
        _file = MemoryMappedFile.CreateFromFile(file, null, 0, access, HandleInheritability.None, leaveOpen: false);
        try
        {
            _view = _file.CreateViewAccessor(offsetBytes, sizeBytes, access);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        _view.SafeMemoryMappedViewHandle.ReadSpan((ulong)_view.PointerOffset + offset.Value, data);
        return BusResult.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        if (!_isWritable)
        {
            return BusStatus.InvalidRegister;
        }

        _view.SafeMemoryMappedViewHandle.WriteSpan((ulong)_view.PointerOffset + offset.Value, data);
        return BusResult.Ok;
    }

    /// <summary>What was written goes to the disk, if it is shared; the file is closed.</summary>
    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
