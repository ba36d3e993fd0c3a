using System.Buffers.Binary;

namespace Eider.Devices.BlockIo;

/// <summary>
/// Registers and states of a BIO, without thread, storage or memory: what takes time is one <see cref="BioJob"/> at a time. Its glue holds a
/// lock around every call.
/// </summary>
/// <param name="storages">What it moves blocks from and to.</param>
/// <param name="interrupts">True if a command returns at once, and its end interrupts.</param>
internal sealed class BioCore(IReadOnlyList<BioStorage> storages, bool interrupts)
{
    /// <summary>What DATA reads as where there is no word.</summary>
    public const uint NoData = uint.MaxValue;

    private readonly Dictionary<uint, BioStorage> _storages = storages.ToDictionary(storage => storage.Sid);
    private BioState _state = BioState.Initial;
    private BioJob _job;
    private bool _hasJob; // for the worker to take
    private bool _isUnderWay; // taken by it
    private bool _isAborted; // and the worker has not been told
    private bool _isDraining; // under way, and nobody wants its end any more

    /// <summary>The buffer of the data port: the worker's while a job is under way.</summary>
    public byte[] Port { get; } = new byte[BioLimits.PortBytes];

    /// <summary>True if a job waits for the worker.</summary>
    public bool HasJob => _hasJob;

    /// <summary>True while the worker is at a job, also one that was given up.</summary>
    public bool IsUnderWay => _isUnderWay;

    /// <summary>The level of the interrupt.</summary>
    public bool IsInterrupting => interrupts && _state.IsInterruptPending;

    /// <summary>True from a job's coming to its end.</summary>
    public bool IsBusyWithJob => _hasJob || _isUnderWay;

    /// <summary>Reads STATUS, and takes back the interrupt.</summary>
    public uint ReadStatus()
    {
        _state.IsInterruptPending = false;
        return (uint)(_isDraining ? (_state.Flags & ~BioStatus.Ready) | BioStatus.Busy : _state.Flags);
    }

    /// <summary>Writes STATUS.</summary>
    /// <returns>True if whoever wrote waits until the job has ended.</returns>
    public bool WriteStatus(uint value)
    {
        var command = (BioStatus)value & BioStatus.User;
        if ((command & BioStatus.SoftReset) != 0)
        {
            Reset();
        }
        else if ((_state.Flags & BioStatus.Busy) != 0 || _isDraining)
        {
            return false; // one command at a time; only a reset ends one
        }

        _state.IsDma |= (command & BioStatus.Dma) != 0;
        if ((command & (BioStatus.Read | BioStatus.Write)) != 0)
        {
            Start(isWrite: (command & BioStatus.Read) == 0);
        }

        // Words of a write are taken once the blocks were found to be there.
        return _isDraining || (_hasJob && (!interrupts || (_job.IsWrite && !_job.IsDma)));
    }

    /// <summary>Writes one of the registers of a command.</summary>
    public void Write(BioRegister register, uint value)
    {
        switch (register)
        {
            case BioRegister.Sid:
                if (!_storages.TryGetValue(value, out _state.Selected))
                {
                    Fail();
                }

                break;
            case BioRegister.Block:
                _state.Block = value;
                break;
            case BioRegister.Count:
                _state.Count = value;
                break;
            case BioRegister.Address:
                _state.Address = value;
                break;
        }
    }

    /// <summary>Reads a word of DATA that is in the buffer: what most accesses do, and nothing else changes.</summary>
    public bool TryReadWord(out uint word)
    {
        word = NoData;
        if (IsBusyWithJob || !_state.IsPortOpen || _state.IsPortWrite || _state.PortIndex == _state.PortBytes)
        {
            return false;
        }

        word = BinaryPrimitives.ReadUInt32LittleEndian(Port.AsSpan(_state.PortIndex));
        _state.PortIndex += BioLimits.WordBytes;
        return true;
    }

    /// <summary>Reads DATA where <see cref="TryReadWord"/> has no word.</summary>
    /// <returns>True if the word comes with the end of the job (<see cref="TakeWord"/>).</returns>
    public bool ReadData()
    {
        if (IsBusyWithJob || !_state.IsPortOpen || _state.IsPortWrite || _state.Port.Count == 0)
        {
            Fail();
            return false;
        }

        (_state.Flags, _job, _hasJob) = (SetBusy(_state.Flags), _state.Port, true);
        return true;
    }

    /// <summary>The next word of a read; ones, and an error, if there is none.</summary>
    public uint TakeWord()
    {
        if (!TryReadWord(out var word))
        {
            Fail();
        }

        return word;
    }

    /// <summary>Writes a word of DATA that is not the last one of a piece: what most accesses do, and nothing else changes.</summary>
    public bool TryWriteWord(uint word)
    {
        if (IsBusyWithJob || !_state.IsPortOpen || !_state.IsPortWrite || _state.PortBytes - _state.PortIndex <= BioLimits.WordBytes)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(Port.AsSpan(_state.PortIndex), word);
        _state.PortIndex += BioLimits.WordBytes;
        return true;
    }

    /// <summary>Writes DATA where <see cref="TryWriteWord"/> has no place: the last word of a piece, or an error.</summary>
    /// <returns>True if whoever wrote waits until the job has ended.</returns>
    public bool WriteData(uint word)
    {
        if (IsBusyWithJob || !_state.IsPortOpen || !_state.IsPortWrite)
        {
            Fail();
            return false;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(Port.AsSpan(_state.PortIndex), word);
        _job = _state.Port with { PortBlocks = _state.PortBlocks, PortBytes = _state.PortBytes };
        _hasJob = true;
        return !interrupts || _state.Port.Count > _state.PortBlocks;
    }

    /// <summary>As after power-on; a job that is under way is given up.</summary>
    public void Reset()
    {
        _state = BioState.Initial;
        _hasJob = false;
        _isAborted |= _isUnderWay && !_isDraining;
        _isDraining = _isUnderWay;
    }

    /// <summary>True once after a job that is under way was given up.</summary>
    public bool TakeAborted()
    {
        var wasAborted = _isAborted;
        _isAborted = false;
        return wasAborted;
    }

    /// <summary>Takes the job for the worker.</summary>
    public bool TryTakeJob(out BioJob job)
    {
        job = _job;
        if (!_hasJob || _isUnderWay)
        {
            return false;
        }

        (_hasJob, _isUnderWay) = (false, true);
        return true;
    }

    /// <summary>The worker has ended a job.</summary>
    /// <returns>False if it was given up: nobody wants its result any more.</returns>
    public bool EndJob(in BioJob job, in BioJobResult result)
    {
        _isUnderWay = false;
        if (_isDraining)
        {
            _isDraining = false;
            return false;
        }

        if (result.Outcome != BioOutcome.Done)
        {
            Fail();
            _state.IsInterruptPending = true;
        }
        else if (job.IsDma || (job.IsWrite && result.PortBlocks == 0))
        {
            EndCommand();
        }
        else
        {
            OpenPort(job, result);
        }

        return true;
    }

    private static BioStatus SetBusy(BioStatus flags) => (flags | BioStatus.Busy) & ~BioStatus.Ready;

    private void Start(bool isWrite)
    {
        _state.Flags = SetBusy(_state.Flags);
        _state.IsInterruptPending = _state.IsPortOpen = false;
        if (_state.Selected is not { } storage)
        {
            Fail();
            _state.IsInterruptPending = true;
            return;
        }

        _job = new BioJob
        {
            Storage = storage,
            IsWrite = isWrite,
            IsDma = _state.IsDma,
            IsFirst = true,
            Block = _state.Block,
            Count = _state.Count,
            Address = _state.Address,
        };
        _hasJob = true;
    }

    // A read: the buffer has a piece. A write: it is to be filled with one.
    private void OpenPort(in BioJob job, in BioJobResult result)
    {
        // What is left of the command: a write's piece is taken off when it was written, a read's when it is in the buffer.
        var done = job.IsWrite ? job.PortBlocks : result.PortBlocks;
        _state.Port = job with { IsFirst = false, Block = unchecked(job.Block + done), Count = job.Count - done, PortBlocks = 0, PortBytes = 0 };
        (_state.IsPortOpen, _state.IsPortWrite) = (true, job.IsWrite);
        (_state.PortBlocks, _state.PortBytes, _state.PortIndex) = (result.PortBlocks, result.PortBytes, 0);
        if (!job.IsWrite)
        {
            _state.Flags = (_state.Flags & ~BioStatus.Busy) | BioStatus.Ready;
            _state.IsInterruptPending |= job.IsFirst;
        }
    }

    // _flag_finished of the document.
    private void EndCommand()
    {
        _state.Flags = (_state.Flags & ~BioStatus.Busy) | BioStatus.Ready;
        _state.IsPortOpen = false;
        _state.IsInterruptPending = true;
    }

    // _flag_error of the document; but a job that is under way goes on, and BUSY tells so. One that was given up has no end that takes it back.
    private void Fail()
    {
        _state.Flags = (_state.Flags | BioStatus.Error) & ~BioStatus.Ready;
        if (!IsBusyWithJob || _isDraining)
        {
            _state.Flags &= ~BioStatus.Busy;
            _state.IsPortOpen = false;
        }
    }
}
