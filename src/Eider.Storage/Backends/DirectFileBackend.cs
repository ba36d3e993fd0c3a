using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>
/// Files opened with O_DIRECT. Requests that are aligned go to the file as they are; others are copied through
/// an aligned buffer, and a write that covers a block only in part reads it first.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class DirectFileBackend : LinuxFileBackend
{
    private const int BounceBytes = 1 << 20;
    private const int KeptBuffers = 4;

    private readonly int _alignmentBytes;
    private readonly Lock _poolGate = new();
    private readonly Stack<AlignedBuffer> _pool = new(KeptBuffers);

    // Shared by whatever writes whole blocks, exclusive for who reads a block, changes it and writes it back: else
    // that one could undo a neighbour's write.
    private readonly SharedExclusiveGate _blocks = new();

    public DirectFileBackend(SafeFileHandle handle, string path, bool writable, int alignmentBytes)
        : base(handle, path, writable) => _alignmentBytes = alignmentBytes;

    /// <inheritdoc/>
    public override int AlignmentBytes => _alignmentBytes;

    /// <inheritdoc/>
    public override void Read(long offsetBytes, BufferList buffers)
    {
        if (TryTransfer(BlockOperation.Read, offsetBytes, buffers))
        {
            return;
        }

        var bounce = Rent();
        try
        {
            for (var done = 0L; done < buffers.LengthBytes;)
            {
                var window = WindowAt(offsetBytes + done, buffers.LengthBytes - done);
                base.Read(window.Start, bounce.Memory[..window.Length]);
                buffers.CopyFrom(done, bounce.Memory.Span.Slice(window.Skipped, window.Used));
                done += window.Used;
            }
        }
        finally
        {
            Return(bounce);
        }
    }

    /// <inheritdoc/>
    public override void Write(long offsetBytes, BufferList buffers)
    {
        if (!TryWriteAligned(offsetBytes, buffers))
        {
            WriteBounced(offsetBytes, buffers);
        }
    }

    /// <inheritdoc/>
    public override bool TryPunchHole(long offsetBytes, long lengthBytes, BlockOperation operation)
    {
        _blocks.EnterShared();
        try
        {
            return base.TryPunchHole(offsetBytes, lengthBytes, operation);
        }
        finally
        {
            _blocks.ExitShared();
        }
    }

    /// <inheritdoc/>
    public override bool TryZeroRange(long offsetBytes, long lengthBytes)
    {
        _blocks.EnterShared();
        try
        {
            return base.TryZeroRange(offsetBytes, lengthBytes);
        }
        finally
        {
            _blocks.ExitShared();
        }
    }

    /// <inheritdoc/>
    protected override bool IsAligned(nuint bits) => (bits & (nuint)(_alignmentBytes - 1)) == 0;

    private bool TryWriteAligned(long offsetBytes, BufferList buffers)
    {
        _blocks.EnterShared();
        try
        {
            return TryTransfer(BlockOperation.Write, offsetBytes, buffers);
        }
        finally
        {
            _blocks.ExitShared();
        }
    }

    private void WriteBounced(long offsetBytes, BufferList buffers)
    {
        var bounce = Rent();
        _blocks.EnterAlone();
        try
        {
            for (var done = 0L; done < buffers.LengthBytes;)
            {
                var window = WindowAt(offsetBytes + done, buffers.LengthBytes - done);
                if (window.Used < window.Length)
                {
                    ReadEdges(window, bounce);
                }

                buffers.CopyTo(done, bounce.Memory.Span.Slice(window.Skipped, window.Used));
                base.Write(window.Start, bounce.Memory[..window.Length]);
                done += window.Used;
            }
        }
        finally
        {
            _blocks.ExitAlone();
            Return(bounce);
        }
    }

    /// <summary>Reads the blocks that the window covers only in part: its first, its last or both.</summary>
    private void ReadEdges(Window window, AlignedBuffer bounce)
    {
        var last = window.Length - _alignmentBytes;
        if (window.Skipped > 0)
        {
            base.Read(window.Start, bounce.Memory[.._alignmentBytes]);
        }

        if (window.Skipped + window.Used < window.Length && (last > 0 || window.Skipped == 0))
        {
            base.Read(window.Start + last, bounce.Memory.Slice(last, _alignmentBytes));
        }
    }

    /// <summary>The aligned stretch around the beginning of a range, at most as long as a bounce buffer.</summary>
    private Window WindowAt(long offsetBytes, long lengthBytes)
    {
        var start = offsetBytes - (offsetBytes % _alignmentBytes);
        var skipped = (int)(offsetBytes - start);
        var used = (int)Math.Min(lengthBytes, BounceBytes - skipped);
        var length = (skipped + used + _alignmentBytes - 1) / _alignmentBytes * _alignmentBytes;
        return new Window(start, length, skipped, used);
    }

    private AlignedBuffer Rent()
    {
        lock (_poolGate)
        {
            return _pool.TryPop(out var buffer) ? buffer : new AlignedBuffer(BounceBytes, _alignmentBytes);
        }
    }

    private void Return(AlignedBuffer buffer)
    {
        lock (_poolGate)
        {
            if (_pool.Count < KeptBuffers)
            {
                _pool.Push(buffer);
            }
        }
    }

    /// <summary>An aligned stretch of the file, and the part of it that is asked for.</summary>
    private readonly record struct Window(long Start, int Length, int Skipped, int Used);
}
