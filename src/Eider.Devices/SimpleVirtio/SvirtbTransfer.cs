using Eider.Devices.Requests;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Storage;

namespace Eider.Devices.SimpleVirtio;

/// <summary>
/// One entry on its way, chunk by chunk through the device's only buffer: storage never sees guest memory, so any alignment of
/// the guest's suits it. Used on the worker alone.
/// </summary>
/// <param name="disk">The settings.</param>
/// <param name="memory">The guest's RAM.</param>
internal sealed class SvirtbTransfer(SvirtbDisk disk, GuestMemory memory)
{
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(SvirtbLimits.ChunkBytes, pinned: true);
    private SvirtbEntry _entry;
    private long _startOffset;
    private long _moved;
    private long _length;
    private int _chunk;
    private long _startTicks;

    /// <summary>True between <see cref="TryBegin"/> and <see cref="End"/>.</summary>
    public bool IsActive { get; private set; }

    /// <summary>True if nothing is left to move.</summary>
    public bool IsWhole => _moved == _length;

    /// <summary>True if it changes the disk.</summary>
    public bool IsWrite => _entry.Command == SvirtbCommand.Write;

    /// <summary>What storage is asked for.</summary>
    public BlockOperation Operation => IsWrite ? BlockOperation.Write : BlockOperation.Read;

    /// <summary>Where the chunk is on the disk.</summary>
    public long OffsetBytes => _startOffset + _moved;

    /// <summary>What was done so far.</summary>
    public DeviceStatistics Statistics { get; } = new(disk.Name);

    /// <summary>Reads the entry at an address of the ring and checks it.</summary>
    /// <returns>False if the device has to ask for a reset.</returns>
    public bool TryBegin(ulong address)
    {
        _startTicks = disk.Clock.GetTimestamp();
        if (!SvirtbEntry.TryRead(memory, address, out _entry) || !_entry.IsGood(memory) || (IsWrite && disk.IsReadOnly))
        {
            (_startOffset, _moved, _length) = (0, 0, 0);
            Count(failed: true);
            return false;
        }

        (_startOffset, _length) = _entry.On(disk.Storage.SizeBytes);
        _moved = 0;
        IsActive = true;
        return true;
    }

    /// <summary>Starts the next chunk.</summary>
    /// <returns>False if the guest's memory is not there any more.</returns>
    public bool TryStartChunk(StorageCall call, CancellationToken cancellationToken)
    {
        _chunk = (int)Math.Min(SvirtbLimits.ChunkBytes, _length - _moved);
        var piece = _buffer.AsMemory(0, _chunk);
        if (!IsWrite)
        {
            call.Start(disk.Storage.ReadAsync(OffsetBytes, piece, cancellationToken));
            return true;
        }

        if (!memory.TryRead(_entry.Address + (ulong)_moved, piece.Span))
        {
            return false;
        }

        call.Start(disk.Storage.WriteAsync(OffsetBytes, piece, cancellationToken));
        return true;
    }

    /// <summary>The storage is done with a chunk: what was read goes to the guest.</summary>
    /// <returns>False if that did not work.</returns>
    public bool TryEndChunk(BlockResult result)
    {
        if (result == BlockResult.OutOfRange)
        {
            _length = _moved; // the disk became smaller meanwhile: behind its end nothing is moved
            return true;
        }

        if (result != BlockResult.Ok || (!IsWrite && !memory.TryWrite(_entry.Address + (ulong)_moved, _buffer.AsSpan(0, _chunk))))
        {
            return false;
        }

        _moved += _chunk;
        return true;
    }

    /// <summary>The entry is done, has failed, or is given up.</summary>
    public void End(bool failed)
    {
        IsActive = false;
        Count(failed);
    }

    private void Count(bool failed)
    {
        var ticks = disk.Clock.GetTimestamp() - _startTicks;
        Statistics.Count(
            IsWrite ? 0 : _moved,
            IsWrite ? _moved : 0,
            (long)((Int128)ticks * 1_000_000_000 / disk.Clock.TimestampFrequency),
            failed);
        disk.Trace?.Emit(new TraceEvent(
            TraceCategory.Block, disk.Name, IsWrite ? "write" : "read", unchecked(_entry.Sector * SvirtbLimits.SectorBytes),
            failed ? 1UL : 0, (uint)Math.Min(_entry.SizeBytes, uint.MaxValue)));
    }
}
