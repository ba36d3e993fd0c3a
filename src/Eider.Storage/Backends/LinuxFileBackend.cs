using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>Files by the system calls of Linux: whole scatter lists at once, holes, no allocation.</summary>
[SupportedOSPlatform("linux")]
internal unsafe class LinuxFileBackend : FileBackend
{
    private const int BatchPieces = 64;
    private const int Misaligned = -1;
    private const int PunchHole = LinuxFileCalls.FallocatePunchHole | LinuxFileCalls.FallocateKeepSize;
    private const int ZeroRange = LinuxFileCalls.FallocateZeroRange | LinuxFileCalls.FallocateKeepSize;
    private const long PageBytes = 4096;

    // fallocate(2) is optional in a file system; what turned out to be missing is not tried again.
    private volatile bool _canPunchHoles;
    private volatile bool _canZeroRange = true;

    /// <summary>A file.</summary>
    /// <param name="handle">Open for what is asked of it.</param>
    /// <param name="path">What it is called in messages.</param>
    /// <param name="writable">True if it is open for writing.</param>
    public LinuxFileBackend(SafeFileHandle handle, string path, bool writable)
        : base(handle, path) => _canPunchHoles = writable && ProbePunchHole();

    /// <inheritdoc/>
    public sealed override bool CanPunchHoles => _canPunchHoles;

    /// <inheritdoc/>
    public override void Read(long offsetBytes, BufferList buffers) =>
        TryTransfer(BlockOperation.Read, offsetBytes, buffers);

    /// <inheritdoc/>
    public override void Write(long offsetBytes, BufferList buffers) =>
        TryTransfer(BlockOperation.Write, offsetBytes, buffers);

    /// <inheritdoc/>
    public override void Flush()
    {
        while (LinuxFileCalls.SyncData(Handle) != 0)
        {
            ThrowUnlessInterrupted(BlockOperation.Flush, null);
        }
    }

    /// <inheritdoc/>
    public override bool TryPunchHole(long offsetBytes, long lengthBytes, BlockOperation operation)
    {
        return _canPunchHoles && (_canPunchHoles = TryFallocate(PunchHole, offsetBytes, lengthBytes, operation));
    }

    /// <inheritdoc/>
    public override bool TryZeroRange(long offsetBytes, long lengthBytes)
    {
        return _canZeroRange
            && (_canZeroRange = TryFallocate(ZeroRange, offsetBytes, lengthBytes, BlockOperation.WriteZeroes));
    }

    /// <inheritdoc/>
    public override BlockExtent GetExtent(long offsetBytes, long lengthBytes)
    {
        var end = offsetBytes + lengthBytes;
        var data = LinuxFileCalls.Seek(Handle, offsetBytes, LinuxFileCalls.SeekData);
        if (data < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno switch
            {
                HostErrors.NoSuchAddress => Hole(offsetBytes, lengthBytes),
                HostErrors.Invalid or HostErrors.NotSupported => base.GetExtent(offsetBytes, lengthBytes),
                _ => throw HostErrors.FromErrno(errno, BlockOperation.Extents, Path, offsetBytes),
            };
        }

        if (data > offsetBytes)
        {
            return Hole(offsetBytes, Math.Min(data, end) - offsetBytes);
        }

        // Somebody may punch between the two calls: then the hole begins at the offset itself, which is no length.
        var hole = LinuxFileCalls.Seek(Handle, offsetBytes, LinuxFileCalls.SeekHole);
        return hole > offsetBytes
            ? new BlockExtent(offsetBytes, Math.Min(hole, end) - offsetBytes, BlockExtentStatus.Data)
            : base.GetExtent(offsetBytes, lengthBytes);
    }

    /// <inheritdoc/>
    public override long GetSize()
    {
        var status = LinuxFiles.StatusOf(Handle, Path);
        if (!status.IsBlockDevice)
        {
            return status.SizeBytes;
        }

        var size = LinuxFileCalls.Seek(Handle, 0, LinuxFileCalls.SeekEnd);
        return size >= 0 ? size : throw HostErrors.FromErrno(Marshal.GetLastPInvokeError(), BlockOperation.Open, Path, null);
    }

    /// <inheritdoc/>
    public override void Resize(long sizeBytes)
    {
        while (LinuxFileCalls.Truncate(Handle, sizeBytes) != 0)
        {
            ThrowUnlessInterrupted(BlockOperation.Resize, null);
        }
    }

    /// <summary>Moves everything, in as many calls as it takes.</summary>
    /// <returns>False if an address, length or offset was not aligned; then a part may have been moved.</returns>
    protected bool TryTransfer(BlockOperation operation, long offsetBytes, BufferList buffers)
    {
        var done = 0L;
        while (done < buffers.LengthBytes)
        {
            var count = TransferOnce(operation, offsetBytes + done, buffers.Slice(done, buffers.LengthBytes - done));
            if (count == Misaligned)
            {
                return false;
            }

            // A host that takes nothing and reports nothing has no room: no call asks for zero bytes.
            done += count > 0
                ? count
                : throw (operation == BlockOperation.Read
                    ? HostErrors.EndedEarly(Path, offsetBytes + done)
                    : HostErrors.FromErrno(HostErrors.NoSpace, operation, Path, offsetBytes + done));
        }

        return true;
    }

    /// <summary>True if the bits of addresses, lengths and offset together are aligned as the file wants it.</summary>
    protected virtual bool IsAligned(nuint bits) => true;

    private static BlockExtent Hole(long offsetBytes, long lengthBytes) =>
        new(offsetBytes, lengthBytes, BlockExtentStatus.Hole | BlockExtentStatus.Zero);

    /// <summary>One system call over as many pieces as fit into it; returns the bytes moved.</summary>
    private long TransferOnce(BlockOperation operation, long offsetBytes, BufferList buffers)
    {
        if (buffers.Count == 1)
        {
            // SAFETY: the piece is fixed during the call, and the vector is as long as the piece.
            fixed (byte* pointer = buffers[0].Span)
            {
                var vector = new LinuxFileCalls.IoVector { Base = pointer, Length = (nuint)buffers[0].Length };
                return Transfer(operation, offsetBytes, &vector, 1);
            }
        }

        return TransferBatch(operation, offsetBytes, buffers);
    }

    [SkipLocalsInit]
    private long TransferBatch(BlockOperation operation, long offsetBytes, BufferList buffers)
    {
        var pins = default(PinBatch);
        var vectors = stackalloc LinuxFileCalls.IoVector[BatchPieces];
        var count = 0;
        try
        {
            // SAFETY: each piece stays pinned until the call is over; each vector is as long as its piece.
            for (var index = 0; index < buffers.Count && count < BatchPieces; index++)
            {
                var piece = buffers[index];
                if (!piece.IsEmpty)
                {
                    pins[count] = piece.Pin();
                    vectors[count] = new LinuxFileCalls.IoVector
                    {
                        Base = (byte*)pins[count].Pointer,
                        Length = (nuint)piece.Length,
                    };
                    count++;
                }
            }

            return Transfer(operation, offsetBytes, vectors, count);
        }
        finally
        {
            for (var index = 0; index < count; index++)
            {
                pins[index].Dispose();
            }
        }
    }

    private long Transfer(BlockOperation operation, long offsetBytes, LinuxFileCalls.IoVector* vectors, int count)
    {
        var bits = (nuint)offsetBytes;
        for (var index = 0; index < count; index++)
        {
            bits |= (nuint)vectors[index].Base | vectors[index].Length;
        }

        if (!IsAligned(bits))
        {
            return Misaligned;
        }

        while (true)
        {
            var moved = operation == BlockOperation.Read
                ? LinuxFileCalls.ReadVector(Handle, vectors, count, offsetBytes)
                : LinuxFileCalls.WriteVector(Handle, vectors, count, offsetBytes);
            if (moved >= 0)
            {
                return moved;
            }

            ThrowUnlessInterrupted(operation, offsetBytes);
        }
    }

    private bool TryFallocate(int mode, long offsetBytes, long lengthBytes, BlockOperation operation)
    {
        while (LinuxFileCalls.Fallocate(Handle, mode, offsetBytes, lengthBytes) != 0)
        {
            if (Marshal.GetLastPInvokeError() is HostErrors.NotSupported or HostErrors.NoSystemCall)
            {
                return false;
            }

            ThrowUnlessInterrupted(operation, offsetBytes);
        }

        return true;
    }

    /// <summary>Tries a hole behind the end of a regular file, where it changes nothing.</summary>
    private bool ProbePunchHole()
    {
        var status = LinuxFiles.StatusOf(Handle, Path);
        var behind = Math.Min(status.SizeBytes, long.MaxValue - (4 * PageBytes)) / PageBytes * PageBytes;
        return status.IsBlockDevice || LinuxFileCalls.Fallocate(Handle, PunchHole, behind + PageBytes, PageBytes) == 0;
    }

    private void ThrowUnlessInterrupted(BlockOperation operation, long? offsetBytes)
    {
        var errno = Marshal.GetLastPInvokeError();
        if (errno != HostErrors.Interrupted)
        {
            throw HostErrors.FromErrno(errno, operation, Path, offsetBytes);
        }
    }

    [InlineArray(BatchPieces)]
    private struct PinBatch
    {
        private MemoryHandle _first;
    }
}
