using System.Buffers.Binary;
using Eider.Hardware.Lifecycle;

namespace Eider.Devices.Ide;

/// <summary>
/// A device on a channel: its registers, the data port, and what a disk and a packet device have in common. Pure state: no
/// thread, no clock; what takes time is a job of the channel. Called with the channel's lock held.
/// </summary>
internal abstract class IdeDrive
{
    /// <summary>Status of a device that is done.</summary>
    protected const IdeStatus Good = IdeStatus.Ready | IdeStatus.SeekComplete;

    /// <summary>All that the host sees of it.</summary>
    public IdeDriveState State;

    private IdeChannelCore? _channel;

    protected IdeDrive(DeviceStatistics statistics) => Statistics = statistics;

    /// <summary>0 or 1.</summary>
    public int Unit { get; private set; }

    /// <summary>What it did.</summary>
    public DeviceStatistics Statistics { get; }

    /// <summary>True if a host may not write registers but to end what is going on.</summary>
    public bool IsOccupied => (State.Status & (IdeStatus.Busy | IdeStatus.DataRequest)) != 0;

    /// <summary>True for a packet device: DEVICE RESET reaches it at any time.</summary>
    public virtual bool IsPacketDevice => false;

    /// <summary>The channel it is on.</summary>
    protected IdeChannelCore Channel => _channel!;

    /// <summary>The channel's buffer.</summary>
    protected byte[] Buffer => Channel.Buffer;

    /// <summary>LBA Mid and High of the signature (ATA/ATAPI-6).</summary>
    protected abstract ushort Signature { get; }

    /// <summary>Status after a reset.</summary>
    protected abstract IdeStatus ResetStatus { get; }

    /// <summary>Puts it on a channel, with the state after power-on.</summary>
    public void Attach(IdeChannelCore channel, int unit)
    {
        _channel = channel;
        Unit = unit;
        PowerOn();
        BecomeReset();
    }

    /// <summary>Reads a register but the data port.</summary>
    public byte ReadRegister(IdeRegister register)
    {
        var previous = (State.Control & IdeControl.HighOrderByte) != 0;
        return register switch
        {
            IdeRegister.ErrorFeatures => previous ? State.Features.Previous : (byte)State.Error,
            IdeRegister.SectorCount => Pick(State.SectorCount, previous),
            IdeRegister.LbaLow => Pick(State.LbaLow, previous),
            IdeRegister.LbaMid => Pick(State.LbaMid, previous),
            IdeRegister.LbaHigh => Pick(State.LbaHigh, previous),
            IdeRegister.Device => (byte)(State.Device | IdeDeviceBits.Obsolete),
            _ => (byte)State.Status,
        };
    }

    /// <summary>Takes a write to a register but data and command.</summary>
    public void WriteRegister(IdeRegister register, byte value)
    {
        switch (register)
        {
            case IdeRegister.ErrorFeatures:
                State.Features.Push(value);
                break;
            case IdeRegister.SectorCount:
                State.SectorCount.Push(value);
                break;
            case IdeRegister.LbaLow:
                State.LbaLow.Push(value);
                break;
            case IdeRegister.LbaMid:
                State.LbaMid.Push(value);
                break;
            case IdeRegister.LbaHigh:
                State.LbaHigh.Push(value);
                break;
            default:
                State.Device = (IdeDeviceBits)value;
                break;
        }
    }

    /// <summary>Reads the data port in the middle of a block, where nothing changes but the place in it; this is most of a PIO transfer.</summary>
    /// <param name="data">2 or 4 bytes.</param>
    /// <returns>False, and nothing read, at the end of a block or where there is none.</returns>
    public bool TryReadInside(Span<byte> data)
    {
        if (State.Phase != IdePhase.DataIn || State.DataEnd - State.DataIndex <= data.Length)
        {
            return false;
        }

        Copy(Buffer.AsSpan(State.DataIndex), data, data.Length);
        State.DataIndex += data.Length;
        return true;
    }

    /// <summary>Writes the data port in the middle of a block, likewise.</summary>
    /// <param name="data">2 or 4 bytes.</param>
    /// <returns>False, and nothing written, at the end of a block or where there is none.</returns>
    public bool TryWriteInside(ReadOnlySpan<byte> data)
    {
        if (State.Phase != IdePhase.DataOut || State.DataEnd - State.DataIndex <= data.Length)
        {
            return false;
        }

        Copy(data, Buffer.AsSpan(State.DataIndex), data.Length);
        State.DataIndex += data.Length;
        return true;
    }

    /// <summary>Reads the data port: what is left of the block, then zeroes (a device without DRQ moves nothing).</summary>
    public void ReadData(Span<byte> data)
    {
        while (!data.IsEmpty)
        {
            var word = data.Length >= 2 ? data[..2] : data;
            word.Clear();
            if (State.Phase == IdePhase.DataIn)
            {
                var count = Math.Min(word.Length, State.DataEnd - State.DataIndex);
                Buffer.AsSpan(State.DataIndex, count).CopyTo(word);
                MoveOn(count);
            }

            data = data[word.Length..];
        }
    }

    /// <summary>Writes the data port; a device that does not want data ignores it.</summary>
    public void WriteData(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty && State.Phase == IdePhase.DataOut)
        {
            var count = Math.Min(Math.Min(data.Length, 2), State.DataEnd - State.DataIndex);
            data[..count].CopyTo(Buffer.AsSpan(State.DataIndex));
            MoveOn(count);
            data = data[count..];
        }
    }

    /// <summary>Runs a command; the device is neither busy nor waits for data, or the command is DEVICE RESET.</summary>
    public void Execute(byte command)
    {
        State.Command = command;
        State.IsInterruptPending = false;
        State.Error = IdeError.None;
        State.Status = IdeStatus.Ready;
        State.Phase = IdePhase.Idle;
        State.TransferEnd = IdeTransferEnd.DummyTransferStop;
        Run(command);
    }

    /// <summary>Gives up what is going on; the channel has cancelled its job.</summary>
    public void Abandon(IdeRecovery recovery)
    {
        State.Phase = IdePhase.Recovering;
        State.Recovery = recovery;
        State.TransferEnd = IdeTransferEnd.DummyTransferStop;
        State.Status = IdeStatus.Busy;
        State.IsInterruptPending = false;
        State.DataIndex = State.DataEnd = State.BufferedBytes = 0;
        OnAbandoned();
    }

    /// <summary>Comes back from <see cref="Abandon"/>: nothing of the old command is under way any more.</summary>
    public void Recover()
    {
        if (State.Recovery == IdeRecovery.DmaStopped)
        {
            State.Phase = IdePhase.Idle;
            State.Status = Good;
            return;
        }

        if (State.Recovery == IdeRecovery.SoftReset)
        {
            OnSoftReset();
        }
        else if (State.Recovery == IdeRecovery.HardReset)
        {
            PowerOn();
        }

        BecomeReset();
    }

    /// <summary>The answer to EXECUTE DEVICE DIAGNOSTIC.</summary>
    public void Diagnose() => BecomeReset();

    /// <summary>The bus master was started while the device waits for it.</summary>
    public void StartDma()
    {
        State.Phase = IdePhase.DmaRunning;
        State.Status = Good | IdeStatus.Busy;
        OnDmaStarted();
    }

    /// <summary>A job of this device ended.</summary>
    public abstract void JobEnded(in IdeJob job, in IdeJobResult result);

    /// <summary>Sets what power-on sets and a reset keeps.</summary>
    protected abstract void PowerOn();

    /// <summary>Runs a command.</summary>
    protected abstract void Run(byte command);

    /// <summary>The block at the data port is through.</summary>
    protected abstract void EndTransfer(IdeTransferEnd end);

    /// <summary>The bus master runs: the first chunk may be fetched.</summary>
    protected abstract void OnDmaStarted();

    /// <summary>Settings that SRST brings back to their defaults.</summary>
    protected abstract void OnSoftReset();

    /// <summary>What was going on is given up.</summary>
    protected virtual void OnAbandoned()
    {
    }

    /// <summary>Sets the signature that tells a host what kind of device it is.</summary>
    protected void PlaceSignature()
    {
        State.SectorCount = new IdeLatch { Current = 1 };
        State.LbaLow = new IdeLatch { Current = 1 };
        State.LbaMid = new IdeLatch { Current = (byte)(Signature & 0xFF) };
        State.LbaHigh = new IdeLatch { Current = (byte)(Signature >> 8) };
        State.Device &= IdeDeviceBits.Device1;
    }

    /// <summary>Offers a block of the buffer at the data port.</summary>
    /// <param name="start">Where it begins in the buffer.</param>
    /// <param name="count">Its length, at least 1.</param>
    /// <param name="end">What follows it.</param>
    /// <param name="interrupt">True to tell the host.</param>
    protected void OfferBlock(int start, int count, IdeTransferEnd end, bool interrupt = true)
    {
        BeginBlock(IdePhase.DataIn, start, count, end);
        State.IsInterruptPending |= interrupt;
    }

    /// <summary>Asks for a block at the data port.</summary>
    protected void WantBlock(int start, int count, IdeTransferEnd end, bool interrupt)
    {
        BeginBlock(IdePhase.DataOut, start, count, end);
        State.IsInterruptPending |= interrupt;
    }

    /// <summary>The command is over, well.</summary>
    protected void Finish(bool interrupt = true)
    {
        State.Phase = IdePhase.Idle;
        State.TransferEnd = IdeTransferEnd.DummyTransferStop;
        State.Status = Good;
        State.IsInterruptPending |= interrupt;
    }

    /// <summary>The command is over, badly.</summary>
    protected void Fail(IdeError error, IdeStatus status = IdeStatus.Error)
    {
        State.Phase = IdePhase.Idle;
        State.TransferEnd = IdeTransferEnd.DummyTransferStop;
        State.Status = IdeStatus.Ready | IdeStatus.Error | status;
        State.Error = error;
        State.IsInterruptPending = true;
    }

    /// <summary>Has something done that takes time; BSY meanwhile.</summary>
    protected void Begin(in IdeJob job)
    {
        if (State.Phase != IdePhase.DmaRunning)
        {
            State.Phase = IdePhase.Storage;
        }

        State.Status = Good | IdeStatus.Busy;
        Channel.Begin(job with { Unit = Unit });
    }

    /// <summary>Waits for the bus master, which may run already.</summary>
    /// <param name="waiting">What Status shows meanwhile: DRQ, or BSY for a packet command.</param>
    protected void AwaitDma(IdeStatus waiting = IdeStatus.DataRequest)
    {
        State.Phase = IdePhase.DmaWaiting;
        State.Status = Good | waiting;
        Channel.DmaRequested(this);
    }

    // One move of the processor instead of a call.
    private static void Copy(ReadOnlySpan<byte> from, Span<byte> to, int length)
    {
        if (length == sizeof(ushort))
        {
            BinaryPrimitives.WriteUInt16LittleEndian(to, BinaryPrimitives.ReadUInt16LittleEndian(from));
        }
        else
        {
            from[..length].CopyTo(to);
        }
    }

    private static byte Pick(IdeLatch latch, bool previous) => previous ? latch.Previous : latch.Current;

    private void BeginBlock(IdePhase phase, int start, int count, IdeTransferEnd end)
    {
        State.Phase = phase;
        State.DataIndex = start;
        State.DataEnd = start + count;
        State.TransferEnd = end;
        State.Status = Good | IdeStatus.DataRequest;
    }

    private void MoveOn(int count)
    {
        State.DataIndex += count;
        if (State.DataIndex == State.DataEnd)
        {
            var end = State.TransferEnd;
            State.TransferEnd = IdeTransferEnd.DummyTransferStop;
            EndTransfer(end);
        }
    }

    // Device 0 is selected afterwards, but for DEVICE RESET, which leaves the selection (ATA/ATAPI-6).
    private void BecomeReset()
    {
        if (State.Phase != IdePhase.Recovering || State.Recovery != IdeRecovery.DeviceReset)
        {
            State.Device = IdeDeviceBits.None;
        }

        PlaceSignature();
        State.Error = IdeError.DiagnosticPassed;
        State.Status = ResetStatus;
        State.Phase = IdePhase.Idle;
        State.TransferEnd = IdeTransferEnd.DummyTransferStop;
        State.IsInterruptPending = false;
        State.DataIndex = State.DataEnd = State.BufferedBytes = 0;
    }
}
