namespace Eider.Devices.Ide;

/// <summary>
/// Two devices, one set of registers and the registers of a bus master (ATA/ATAPI-6; SFF-8038i). It
/// knows no address, no bus, no thread and no lock: its owner has those, runs the jobs and drives the line.
/// </summary>
internal sealed class IdeChannelCore
{
    // Nobody drives the cable: pulled up, but for the one that a host must not see as BSY (ATA/ATAPI-6).
    private const byte FloatingByte = 0x7F;
    private const byte FloatingHighByte = 0xFF;

    private readonly IdeDrive?[] _drives = new IdeDrive?[IdeLimits.DevicesPerChannel];
    private int _unit;
    private bool _isSoftReset;
    private IdeJob _wanted;
    private bool _isUnderWay;
    private bool _isAbandoned;
    private bool _hasAborted;
    private bool _line;

    public IdeChannelCore(IdeDrive? device0, IdeDrive? device1)
    {
        Buffer = GC.AllocateArray<byte>(IdeLimits.BufferBytes, pinned: true);
        _drives[0] = device0;
        _drives[1] = device1;
        device0?.Attach(this, 0);
        device1?.Attach(this, 1);
    }

    /// <summary>The bus master's registers.</summary>
    public BusMasterState BusMaster;

    /// <summary>Where blocks lie between data port, storage and guest memory.</summary>
    public byte[] Buffer { get; }

    /// <summary>The level of INTRQ: the selected device wants to interrupt and may.</summary>
    public bool IsInterrupting => Selected is { } drive
        && drive.State.IsInterruptPending && (drive.State.Control & IdeControl.InterruptDisable) == 0;

    /// <summary>True if a job waits for the worker.</summary>
    public bool HasJob => _wanted.Kind != IdeJobKind.None && !_isUnderWay;

    /// <summary>True while the worker has a job.</summary>
    public bool IsUnderWay => _isUnderWay;

    /// <summary>The device by its number; null if there is none.</summary>
    public IdeDrive? this[int unit] => _drives[unit];

    private IdeDrive? Selected => _drives[_unit];

    private bool IsEmpty => _drives[0] is null && _drives[1] is null;

    /// <summary>Reads a register but the data port. Reading Status acknowledges the interrupt.</summary>
    public byte ReadRegister(IdeRegister register)
    {
        if (Selected is not { } drive)
        {
            return Absent;
        }

        if (register == IdeRegister.StatusCommand)
        {
            drive.State.IsInterruptPending = false;
        }

        return drive.ReadRegister(register);
    }

    /// <summary>Writes a register but the data port; registers go to both devices.</summary>
    public void WriteRegister(IdeRegister register, byte value)
    {
        if (register == IdeRegister.StatusCommand)
        {
            ClearHighOrderByte();
            Execute(value);
            return;
        }

        // While a device is at work the registers are its own.
        if (_isSoftReset || Selected is { IsOccupied: true })
        {
            return;
        }

        ClearHighOrderByte();
        foreach (var drive in _drives)
        {
            drive?.WriteRegister(register, value);
        }

        if (register == IdeRegister.Device)
        {
            _unit = ((IdeDeviceBits)value & IdeDeviceBits.Device1) != 0 ? 1 : 0;
        }
    }

    /// <summary>Reads Alternate Status: Status without a side effect.</summary>
    public byte ReadAlternateStatus() => Selected?.ReadRegister(IdeRegister.StatusCommand) ?? Absent;

    /// <summary>Writes Device Control, which every device takes at any time.</summary>
    public void WriteControl(byte value)
    {
        var control = (IdeControl)value & (IdeControl.InterruptDisable | IdeControl.SoftReset | IdeControl.HighOrderByte);
        foreach (var drive in _drives)
        {
            if (drive is not null)
            {
                drive.State.Control = control;
            }
        }

        var isReset = (control & IdeControl.SoftReset) != 0;
        if (isReset && !_isSoftReset)
        {
            AbortJob();
            _unit = 0;
            Array.ForEach(_drives, static drive => drive?.Abandon(IdeRecovery.SoftReset));
        }

        _isSoftReset = isReset;
        RecoverDrives();
    }

    /// <summary>Reads the data port in the middle of a block: nothing else changes, and nothing is to be settled.</summary>
    public bool TryReadInside(Span<byte> data) => Selected is { } drive && drive.TryReadInside(data);

    /// <summary>Writes the data port in the middle of a block, likewise.</summary>
    public bool TryWriteInside(ReadOnlySpan<byte> data) => Selected is { } drive && drive.TryWriteInside(data);

    /// <summary>Reads the data port, 2 or 4 bytes.</summary>
    public void ReadData(Span<byte> data)
    {
        if (Selected is { } drive)
        {
            drive.ReadData(data);
            return;
        }

        for (var i = 0; i < data.Length; i++)
        {
            data[i] = Absent is 0 ? (byte)0 : i % 2 == 0 ? FloatingByte : FloatingHighByte;
        }
    }

    /// <summary>Writes the data port, 2 or 4 bytes.</summary>
    public void WriteData(ReadOnlySpan<byte> data) => Selected?.WriteData(data);

    /// <summary>Writes the bus master's command register.</summary>
    public void WriteBusMasterCommand(byte value)
    {
        var command = (BusMasterCommand)value & (BusMasterCommand.Start | BusMasterCommand.ToMemory);
        var wasStarted = (BusMaster.Command & BusMasterCommand.Start) != 0;
        BusMaster.Command = command;
        if ((command & BusMasterCommand.Start) == 0)
        {
            StopBusMaster();
        }
        else if (!wasStarted)
        {
            BusMaster.Status |= BusMasterStatus.Active;
            BusMaster.FreshTable = BusMaster.TableAddress;
            BusMaster.IsTableEnded = false;
            Array.ForEach(_drives, drive => StartIfWaiting(drive));
        }
    }

    /// <summary>Writes the bus master's status register.</summary>
    public void WriteBusMasterStatus(byte value)
    {
        const BusMasterStatus Capable = BusMasterStatus.Drive0Capable | BusMasterStatus.Drive1Capable;
        const BusMasterStatus Clearable = BusMasterStatus.Error | BusMasterStatus.Interrupt;
        var written = (BusMasterStatus)value;
        BusMaster.Status = (written & Capable)
            | (BusMaster.Status & BusMasterStatus.Active)
            | (BusMaster.Status & ~written & Clearable);
    }

    /// <summary>Follows INTRQ: its rise is what the bus master's interrupt bit shows. Called at the end of each step.</summary>
    public void Settle()
    {
        var line = IsInterrupting;
        if (line && !_line)
        {
            BusMaster.Status |= BusMasterStatus.Interrupt;
        }

        _line = line;
    }

    /// <summary>A device wants something done.</summary>
    public void Begin(in IdeJob job) => _wanted = job;

    /// <summary>A device is ready to move data; nothing happens until the bus master is started.</summary>
    public void DmaRequested(IdeDrive drive)
    {
        if ((BusMaster.Status & BusMasterStatus.Active) != 0)
        {
            drive.StartDma();
        }
    }

    /// <summary>Makes a job of the bus master out of a stretch of the buffer.</summary>
    public IdeJob MoveJob(IdeJobKind kind, int bufferOffset, int lengthBytes) => new()
    {
        Kind = kind,
        BufferOffset = bufferOffset,
        LengthBytes = lengthBytes,
        TableAddress = BusMaster.FreshTable,
    };

    /// <summary>A device's transfer is over and its interrupt is up: ACTIVE goes off with it if the table has ended too.</summary>
    public void DmaEnded()
    {
        if (BusMaster.IsTableEnded)
        {
            BusMaster.Status &= ~BusMasterStatus.Active;
        }
    }

    /// <summary>The table ended before the transfer did.</summary>
    public void DmaCutShort() => BusMaster.Status &= ~BusMasterStatus.Active;

    /// <summary>The table, or what it points to, is not memory.</summary>
    public void DmaFailed() => BusMaster.Status = (BusMaster.Status & ~BusMasterStatus.Active) | BusMasterStatus.Error;

    /// <summary>Takes the job that waits, for the worker.</summary>
    public bool TryTakeJob(out IdeJob job)
    {
        job = _wanted;
        if (!HasJob)
        {
            return false;
        }

        if (job.TableAddress is not null)
        {
            BusMaster.FreshTable = null; // the walk begins now; a job that was given up before had not begun it
        }

        _wanted = default;
        _isUnderWay = true;
        _isAbandoned = false;
        return true;
    }

    /// <summary>The worker is done with a job.</summary>
    public void EndJob(in IdeJob job, in IdeJobResult result)
    {
        _isUnderWay = false;
        if (_isAbandoned)
        {
            _isAbandoned = false;
            RecoverDrives();
            return;
        }

        if (job.Kind is IdeJobKind.MoveIn or IdeJobKind.MoveOut)
        {
            BusMaster.IsTableEnded |= result.TableEnded;
        }

        _drives[job.Unit]?.JobEnded(job, result);
    }

    /// <summary>The reset line of the cable, and the bus master's: as after power-on.</summary>
    public void HardReset()
    {
        AbortJob();
        BusMaster = default;
        _unit = 0;
        _isSoftReset = false;
        foreach (var drive in _drives)
        {
            if (drive is not null)
            {
                drive.State.Control = IdeControl.None;
                drive.Abandon(IdeRecovery.HardReset);
            }
        }

        RecoverDrives();
    }

    /// <summary>Gives up a device's job, so that nothing of it happens any more once its owner was told.</summary>
    public void AbortJob()
    {
        _wanted = default;
        _hasAborted |= _isUnderWay && !_isAbandoned;
        _isAbandoned = _isUnderWay;
    }

    /// <summary>True, once, if a job that is under way was given up: whoever asks ends it.</summary>
    public bool TakeAborted()
    {
        var aborted = _hasAborted;
        _hasAborted = false;
        return aborted;
    }

    /// <summary>Gives up a device's command; it comes back when nothing of it is under way.</summary>
    public void Abandon(IdeDrive drive, IdeRecovery recovery)
    {
        AbortJob();
        drive.Abandon(recovery);
        RecoverDrives();
    }

    private byte Absent => _unit == 0 || IsEmpty ? FloatingByte : (byte)0; // device 0 answers for a missing device 1

    private void Execute(byte command)
    {
        if (_isSoftReset)
        {
            return;
        }

        if (command == (byte)AtaCommand.ExecuteDeviceDiagnostic)
        {
            Diagnose();
            return;
        }

        if (Selected is not { } drive)
        {
            return;
        }

        if (drive.IsOccupied)
        {
            if (command == (byte)AtaCommand.DeviceReset && drive.IsPacketDevice)
            {
                Abandon(drive, IdeRecovery.DeviceReset);
            }

            return;
        }

        drive.Execute(command);
    }

    private void Diagnose()
    {
        if (Selected is { IsOccupied: true } || IsEmpty)
        {
            return;
        }

        _unit = 0;
        Array.ForEach(_drives, static drive => drive?.Diagnose());
        if (_drives[0] is { } first)
        {
            first.State.IsInterruptPending = true;
        }
    }

    private void StopBusMaster()
    {
        BusMaster.Status &= ~BusMasterStatus.Active;
        BusMaster.FreshTable = null;
        foreach (var drive in _drives)
        {
            if (drive?.State.Phase == IdePhase.DmaRunning)
            {
                Abandon(drive, IdeRecovery.DmaStopped);
            }
        }
    }

    private static void StartIfWaiting(IdeDrive? drive)
    {
        if (drive?.State.Phase == IdePhase.DmaWaiting)
        {
            drive.StartDma();
        }
    }

    private void RecoverDrives()
    {
        if (_isSoftReset || _isUnderWay)
        {
            return;
        }

        foreach (var drive in _drives)
        {
            if (drive?.State.Phase == IdePhase.Recovering)
            {
                drive.Recover();
            }
        }
    }

    private void ClearHighOrderByte()
    {
        foreach (var drive in _drives)
        {
            if (drive is not null)
            {
                drive.State.Control &= ~IdeControl.HighOrderByte;
            }
        }
    }
}
