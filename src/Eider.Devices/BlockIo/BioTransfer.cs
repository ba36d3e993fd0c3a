using Eider.Hardware.Memory;
using Eider.Storage;

namespace Eider.Devices.BlockIo;

/// <summary>
/// One job's way between a storage and the guest: checks everything first, then moves piece by piece. Between storage and RAM nothing is
/// copied: the guest's memory is leased for each piece. Used by the BIO's worker only.
/// </summary>
/// <param name="memory">The guest's RAM.</param>
/// <param name="port">The buffer of the data port.</param>
/// <param name="isWriteBack">True if a write need not be durable at its end.</param>
internal sealed class BioTransfer(GuestMemory memory, byte[] port, bool isWriteBack)
{
    private readonly GuestLease[] _leases = new GuestLease[BioLimits.MaxLeases];
    private readonly Memory<byte>[] _pieces = new Memory<byte>[BioLimits.MaxLeases];
    private BioJob _job;
    private ulong _address;
    private uint _pieceBlocks;
    private int _pieceBytes;
    private int _leaseCount;
    private long _moved;
    private BioOutcome _outcome;
    private bool _isChecked;
    private bool _isPortMoved;
    private bool _isFlushing;

    /// <summary>How it ended, once <see cref="TryStart"/> has nothing more to do.</summary>
    public BioJobResult Result { get; private set; }

    /// <summary>Begins a job.</summary>
    public void Begin(in BioJob job)
    {
        _job = job;
        _address = job.Address;
        (_pieceBlocks, _pieceBytes, _moved, _isPortMoved, _isFlushing) = (0, 0, 0, false, false);
        _isChecked = !job.IsFirst;
        _outcome = BioOutcome.Done;
        Result = default;
    }

    /// <summary>Starts the next access to the storage.</summary>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <param name="access">To be awaited, then told by <see cref="End"/>.</param>
    /// <returns>False if the job has ended.</returns>
    public bool TryStart(CancellationToken cancellationToken, out ValueTask<BlockResult> access)
    {
        access = default;
        if (!_isChecked)
        {
            _isChecked = true;
            _outcome = Check();
        }

        var goesOn = _outcome == BioOutcome.Done
            && (_job.IsDma ? TryStartDma(cancellationToken, ref access) : TryStartPort(cancellationToken, ref access));
        if (!goesOn && _outcome != BioOutcome.Done)
        {
            Result = new BioJobResult(_outcome, _moved);
        }

        return goesOn;
    }

    /// <summary>An access to the storage has ended.</summary>
    /// <param name="outcome">How.</param>
    public void End(BioOutcome outcome)
    {
        ReturnLeases(isWritten: !_job.IsWrite); // also one that failed may have written some of it
        _outcome = outcome;
        if (outcome == BioOutcome.Done && !_isFlushing)
        {
            _isPortMoved = true;
            _moved += _pieceBytes;
            _address += (ulong)_pieceBytes;
            _job = _job with { Block = unchecked(_job.Block + _pieceBlocks), Count = _job.Count - _pieceBlocks };
        }
    }

    private BioOutcome Check() =>
        !_job.Storage.TryLocate(_job.Block, _job.Count, out _, out var length) ? BioOutcome.OutOfRange
        : _job.IsWrite && _job.Storage.IsReadOnly ? BioOutcome.ReadOnly
        : _job.IsDma && !memory.Contains(_job.Address, (ulong)length) ? BioOutcome.BadAddress
        : BioOutcome.Done;

    private bool TryStartDma(CancellationToken cancellationToken, ref ValueTask<BlockResult> access)
    {
        if (_job.Count == 0)
        {
            Result = new BioJobResult(BioOutcome.Done, _moved);
            return TryStartFlush(cancellationToken, ref access);
        }

        if (!TryMeasure(BioLimits.DmaBytes))
        {
            return false;
        }

        if (!TryLease())
        {
            ReturnLeases(isWritten: false);
            _outcome = BioOutcome.BadAddress;
            return false;
        }

        var buffers = new BufferList(_pieces.AsMemory(0, _leaseCount));
        access = _job.IsWrite
            ? _job.Storage.WriteBlocksAsync(_job.Block, _pieceBlocks, buffers, cancellationToken)
            : _job.Storage.ReadBlocksAsync(_job.Block, _pieceBlocks, buffers, cancellationToken);
        return true;
    }

    // A read ends with a piece in the buffer; a write writes the piece that is there, and ends with the size of the next one.
    private bool TryStartPort(CancellationToken cancellationToken, ref ValueTask<BlockResult> access)
    {
        if (!_isPortMoved && (_job.IsWrite ? _job.PortBlocks : _job.Count) != 0)
        {
            if (!_job.IsWrite && !TryMeasure(port.Length))
            {
                return false;
            }

            (_pieceBlocks, _pieceBytes) = _job.IsWrite ? (_job.PortBlocks, _job.PortBytes) : (_pieceBlocks, _pieceBytes);
            BufferList buffers = port.AsMemory(0, _pieceBytes);
            access = _job.IsWrite
                ? _job.Storage.WriteBlocksAsync(_job.Block, _pieceBlocks, buffers, cancellationToken)
                : _job.Storage.ReadBlocksAsync(_job.Block, _pieceBlocks, buffers, cancellationToken);
            return true;
        }

        if (_job.IsWrite && _job.Count != 0)
        {
            if (TryMeasure(port.Length))
            {
                Result = new BioJobResult(BioOutcome.Done, _moved, _pieceBlocks, _pieceBytes);
            }

            return false;
        }

        Result = new BioJobResult(BioOutcome.Done, _moved, _job.IsWrite ? 0 : _pieceBlocks, _job.IsWrite ? 0 : _pieceBytes);
        return TryStartFlush(cancellationToken, ref access);
    }

    private bool TryStartFlush(CancellationToken cancellationToken, ref ValueTask<BlockResult> access)
    {
        if (!_job.IsWrite || isWriteBack || _isFlushing || _moved == 0)
        {
            return false;
        }

        _isFlushing = true;
        access = _job.Storage.FlushAsync(cancellationToken);
        return true;
    }

    // As many blocks as certainly fit.
    private bool TryMeasure(int maxBytes)
    {
        _pieceBlocks = Math.Min(_job.Count, (uint)(maxBytes / _job.Storage.BlockBytes));
        if (!_job.Storage.TryLocate(_job.Block, _pieceBlocks, out _, out var length))
        {
            _outcome = BioOutcome.OutOfRange;
            return false;
        }

        _pieceBytes = (int)length;
        return true;
    }

    private bool TryLease()
    {
        var access = _job.IsWrite ? GuestMemoryAccess.Read : GuestMemoryAccess.Write;
        var (address, left) = (_address, (uint)_pieceBytes);
        while (left != 0)
        {
            if (_leaseCount == _leases.Length || !memory.TryLease(address, left, access, out var lease))
            {
                return false;
            }

            _leases[_leaseCount] = lease;
            _pieces[_leaseCount++] = lease.Memory;
            address += (ulong)lease.Memory.Length;
            left -= (uint)lease.Memory.Length;
        }

        return true;
    }

    private void ReturnLeases(bool isWritten)
    {
        for (var i = 0; i < _leaseCount; i++)
        {
            _leases[i].Release(isWritten ? _leases[i].Memory.Length : 0);
            _leases[i] = default;
            _pieces[i] = default;
        }

        _leaseCount = 0;
    }
}
