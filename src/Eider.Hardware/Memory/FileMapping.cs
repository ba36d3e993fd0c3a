using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Eider.Hardware.Memory;

/// <summary>A part of a file as memory. Also one that is never written is mapped to be written, into a copy: a mistake of ours then costs nobody a signal.</summary>
internal sealed unsafe class FileMapping : HostMapping
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _address;

    public FileMapping(GuestRamFile part)
    {
        var access = part is { IsShared: true, IsReadOnly: false } ? MemoryMappedFileAccess.ReadWrite : MemoryMappedFileAccess.CopyOnWrite;
        _file = MemoryMappedFile.CreateFromFile(part.File, null, 0, access, HandleInheritability.None, leaveOpen: false);
        try
        {
            _view = _file.CreateViewAccessor(part.OffsetBytes, (long)part.SizeBytes, access);
            byte* start = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);

            // SAFETY: the view is as long as asked for, from its own offset on.
            _address = start + _view.PointerOffset;
        }
        catch
        {
            _view?.Dispose();
            _file.Dispose();
            throw;
        }
    }

    public override byte* Address => _address;

    /// <summary>None: the file has more than the region.</summary>
    public override SafeFileHandle? SharedHandle => null;

    public override void Unmap()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose(); // what was written goes to the disk
        _file.Dispose();
    }
}
