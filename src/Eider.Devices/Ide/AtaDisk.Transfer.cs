namespace Eider.Devices.Ide;

/// <content>Sectors between host and storage.</content>
internal sealed partial class AtaDisk
{
    private const int ChunkSectors = IdeLimits.ChunkBytes / IdeLimits.SectorBytes;

    private AtaTransfer Transfer => Disk.Transfer;

    private int BlockSectors => Transfer.IsMultiple ? Disk.MultipleSectors : 1;

    /// <inheritdoc/>
    public override void JobEnded(in IdeJob job, in IdeJobResult result)
    {
        switch (job.Kind)
        {
            case IdeJobKind.MoveIn:
                MovedIn(job, result);
                break;
            case IdeJobKind.MoveOut:
                MovedOut(job, result);
                break;
            case IdeJobKind.Flush:
                Flushed(result);
                break;
            case IdeJobKind.Discard:
                Trimmed(result);
                break;
            default:
                Stored(job, result);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnDmaStarted()
    {
        if (Disk.ReplyBytes > 0)
        {
            Begin(Channel.MoveJob(IdeJobKind.MoveIn, 0, Disk.ReplyBytes));
        }
        else if (Disk.TrimBlocks > 0)
        {
            Begin(Channel.MoveJob(IdeJobKind.MoveOut, 0, Disk.TrimBlocks * IdeLimits.SectorBytes));
        }
        else
        {
            NextChunk();
        }
    }

    private void BeginTransfer(AtaTransfer transfer)
    {
        var isLba = ((IdeDeviceBits)State.Device & IdeDeviceBits.Lba) != 0;
        Disk.Transfer = transfer.Addressing == AtaAddressing.Lba28 && !isLba ? transfer with { Addressing = AtaAddressing.Chs } : transfer;
        Disk.Power = AtaPowerMode.Active;
        if ((transfer.IsWrite && Settings.IsReadOnly) || (transfer.IsMultiple && Disk.MultipleSectors == 0))
        {
            Fail(IdeError.Aborted);
            return;
        }

        if (!TryTakeAddress())
        {
            Fail(IdeError.IdNotFound);
            return;
        }

        State.BufferedBytes = 0;
        State.DataEnd = 0;
        if (transfer.IsDma)
        {
            AwaitDma();
        }
        else if (transfer.IsWrite)
        {
            WantSectors(interrupt: false);
        }
        else
        {
            SectorRead();
        }
    }

    // False if the address is none, or the command would leave the disk: then the registers show the first bad one.
    private bool TryTakeAddress()
    {
        var isExt = Transfer.Addressing == AtaAddressing.Lba48;
        var count = isExt ? State.SectorCount.Both : State.SectorCount.Current;
        State.BlocksLeft = count != 0 ? count : isExt ? 0x1_0000 : 0x100;
        if (!TryGetAddress(out var lba))
        {
            return false;
        }

        State.Lba = lba;
        if (lba > Sectors || State.BlocksLeft > Sectors - lba)
        {
            ShowAddress(Math.Max(lba, Sectors));
            return false;
        }

        return true;
    }

    private bool TryGetAddress(out long lba)
    {
        var (low, mid, high) = (State.LbaLow, State.LbaMid, State.LbaHigh);
        var head = (int)(State.Device & IdeDeviceBits.Head);
        switch (Transfer.Addressing)
        {
            case AtaAddressing.Lba48:
                lba = low.Current | ((long)mid.Current << 8) | ((long)high.Current << 16)
                    | ((long)low.Previous << 24) | ((long)mid.Previous << 32) | ((long)high.Previous << 40);
                return true;
            case AtaAddressing.Lba28:
                lba = low.Current | ((long)mid.Current << 8) | ((long)high.Current << 16) | ((long)head << 24);
                return true;
            default:
                long cylinder = mid.Current | (high.Current << 8);
                lba = (((cylinder * Disk.Heads) + head) * Disk.SectorsPerTrack) + low.Current - 1;
                return low.Current >= 1 && low.Current <= Disk.SectorsPerTrack && head < Disk.Heads;
        }
    }

    private void ShowAddress(long lba)
    {
        switch (Transfer.Addressing)
        {
            case AtaAddressing.Lba48:
                State.LbaLow = Latch(lba, 0);
                State.LbaMid = Latch(lba, 8);
                State.LbaHigh = Latch(lba, 16);
                break;
            case AtaAddressing.Lba28:
                State.LbaLow.Current = Octet(lba, 0);
                State.LbaMid.Current = Octet(lba, 8);
                State.LbaHigh.Current = Octet(lba, 16);
                State.Device = (State.Device & ~IdeDeviceBits.Head) | ((IdeDeviceBits)Octet(lba, 24) & IdeDeviceBits.Head);
                break;
            default:
                var track = lba / Disk.SectorsPerTrack;
                State.LbaLow.Current = Octet((lba % Disk.SectorsPerTrack) + 1, 0);
                State.LbaMid.Current = Octet(track / Disk.Heads, 0);
                State.LbaHigh.Current = Octet(track / Disk.Heads, 8);
                State.Device = (State.Device & ~IdeDeviceBits.Head) | (IdeDeviceBits)Octet(track % Disk.Heads, 0);
                break;
        }
    }

    private static byte Octet(long value, int shift) => (byte)((value >> shift) & 0xFF);

    private static IdeLatch Latch(long lba, int shift) => new() { Current = Octet(lba, shift), Previous = Octet(lba, shift + 24) };

    // The registers follow the transfer: the next sector, and how many are left.
    private void Advance(int sectors)
    {
        State.Lba += sectors;
        State.BlocksLeft -= sectors;
        ShowAddress(State.Lba);
        State.SectorCount.Current = Octet(State.BlocksLeft, 0);
        if (Transfer.Addressing == AtaAddressing.Lba48)
        {
            State.SectorCount.Previous = Octet(State.BlocksLeft, 8);
        }
    }

    // A block went to the host, or the command begins: the next block, out of the buffer or the storage.
    private void SectorRead()
    {
        if (State.BufferedBytes > 0)
        {
            var sectors = Math.Min(BlockSectors, State.BufferedBytes / IdeLimits.SectorBytes);
            State.BufferedBytes -= sectors * IdeLimits.SectorBytes;
            Advance(sectors);
            OfferBlock(State.DataEnd, sectors * IdeLimits.SectorBytes, IdeTransferEnd.SectorRead);
        }
        else if (State.BlocksLeft == 0)
        {
            Finish(interrupt: Transfer.IsVerify);
        }
        else
        {
            NextChunk();
        }
    }

    // A block came from the host: to the storage with it.
    private void SectorWrite()
    {
        Disk.ChunkSectors = Math.Min(BlockSectors, State.BlocksLeft);
        Store(IdeJobKind.Write, 0, Disk.ChunkSectors);
    }

    private void WantSectors(bool interrupt)
    {
        var sectors = Math.Min(BlockSectors, State.BlocksLeft);
        WantBlock(0, sectors * IdeLimits.SectorBytes, IdeTransferEnd.SectorWrite, interrupt);
    }

    private void NextChunk()
    {
        Disk.ChunkSectors = Math.Min(ChunkSectors, State.BlocksLeft);
        if (Transfer.IsWrite)
        {
            Begin(Channel.MoveJob(IdeJobKind.MoveOut, 0, Disk.ChunkSectors * IdeLimits.SectorBytes));
        }
        else
        {
            Store(IdeJobKind.Read, 0, Disk.ChunkSectors);
        }
    }

    private void Store(IdeJobKind kind, int firstSector, int sectors) => Begin(new IdeJob
    {
        Kind = kind,
        Storage = Settings.Storage,
        OffsetBytes = (State.Lba + firstSector) * IdeLimits.SectorBytes,
        LengthBytes = sectors * IdeLimits.SectorBytes,
        BufferOffset = firstSector * IdeLimits.SectorBytes,
    });

    // The storage has read or written a chunk, or one sector of a chunk that failed as a whole.
    private void Stored(in IdeJob job, in IdeJobResult result)
    {
        var isProbe = Disk.ProbedSector >= 0;
        if (result.Outcome == IdeJobOutcome.Done)
        {
            if (isProbe && ++Disk.ProbedSector < Disk.ChunkSectors)
            {
                Store(job.Kind, Disk.ProbedSector, 1);
                return;
            }

            Disk.ProbedSector = -1;
            ChunkStored();
            return;
        }

        // Which sector is it? They are tried one by one.
        if (!isProbe && Disk.ChunkSectors > 1 && result.Outcome == IdeJobOutcome.Failed)
        {
            Disk.ProbedSector = 0;
            Store(job.Kind, 0, 1);
            return;
        }

        var good = Math.Max(Disk.ProbedSector, 0);
        Disk.ProbedSector = -1;
        var deliverable = Transfer.IsWrite || Transfer.IsVerify ? 0 : good - (good % BlockSectors);
        if (deliverable > 0)
        {
            // The host gets what can be read first; then the same sector fails again, or does not.
            Disk.ChunkSectors = deliverable;
            ChunkStored();
            return;
        }

        FailAt(State.Lba + good, result.Outcome);
    }

    private void FailAt(long lba, IdeJobOutcome outcome)
    {
        switch (outcome)
        {
            case IdeJobOutcome.OutOfRange:
                ShowAddress(Math.Max(lba, Sectors)); // the storage has shrunk
                Fail(IdeError.IdNotFound);
                break;
            case IdeJobOutcome.Failed:
                ShowAddress(lba);
                Fail(Transfer.IsWrite ? IdeError.IdNotFound : IdeError.Uncorrectable);
                break;
            case IdeJobOutcome.Dead:
                ShowAddress(lba);
                Fail(IdeError.Aborted, IdeStatus.DeviceFault);
                break;
            default:
                Fail(IdeError.Aborted);
                break;
        }

        Smart.CountError();
    }

    private void ChunkStored()
    {
        var sectors = Disk.ChunkSectors;
        if (Transfer.IsWrite)
        {
            Advance(sectors);
            SectorsWritten();
        }
        else if (Transfer.IsVerify)
        {
            Advance(sectors);
            SectorRead();
        }
        else if (Transfer.IsDma)
        {
            Begin(Channel.MoveJob(IdeJobKind.MoveIn, 0, sectors * IdeLimits.SectorBytes));
        }
        else
        {
            State.DataEnd = 0;
            State.BufferedBytes = sectors * IdeLimits.SectorBytes;
            SectorRead();
        }
    }

    private void SectorsWritten()
    {
        if (Disk.IsCutShort)
        {
            CutShort();
        }
        else if (State.BlocksLeft == 0)
        {
            EndWrite();
        }
        else if (Transfer.IsDma)
        {
            NextChunk();
        }
        else
        {
            WantSectors(interrupt: true);
        }
    }

    private void EndWrite()
    {
        if (Transfer.IsDurable || !Disk.HasWriteCache)
        {
            Flush();
        }
        else
        {
            EndCommand();
        }
    }

    private void Flushed(in IdeJobResult result)
    {
        if (result.Outcome == IdeJobOutcome.Done)
        {
            EndCommand();
        }
        else
        {
            // What was written is lost, and nobody can say which sectors: not one bad place, but a bad device.
            Fail(IdeError.Aborted, IdeStatus.DeviceFault);
            Smart.CountError();
        }
    }

    private void MovedIn(in IdeJob job, in IdeJobResult result)
    {
        if (!HasMovedAll(job, result))
        {
            return;
        }

        if (Disk.ReplyBytes > 0)
        {
            EndCommand();
            return;
        }

        Advance(Disk.ChunkSectors);
        if (State.BlocksLeft == 0)
        {
            EndCommand();
        }
        else
        {
            NextChunk();
        }
    }

    private void MovedOut(in IdeJob job, in IdeJobResult result)
    {
        var sectors = result.MovedBytes / IdeLimits.SectorBytes;
        if (result.Outcome == IdeJobOutcome.Done && result.MovedBytes < job.LengthBytes && sectors > 0 && Disk.TrimBlocks == 0)
        {
            // Whole sectors that came are written all the same: the device has them.
            Disk.IsCutShort = true;
            Disk.ChunkSectors = sectors;
            Store(IdeJobKind.Write, 0, sectors);
        }
        else if (HasMovedAll(job, result))
        {
            if (Disk.TrimBlocks > 0)
            {
                ReadTrimList();
            }
            else
            {
                Store(IdeJobKind.Write, 0, Disk.ChunkSectors);
            }
        }
    }

    // False if the bus master stopped before the end; the command is over then.
    private bool HasMovedAll(in IdeJob job, in IdeJobResult result)
    {
        if (result.Outcome != IdeJobOutcome.Done)
        {
            Channel.DmaFailed();
            Fail(IdeError.Aborted);
            return false;
        }

        if (result.MovedBytes < job.LengthBytes)
        {
            CutShort();
            return false;
        }

        return true;
    }

    // SFF-8038i: regions smaller than the transfer, and neither ACTIVE nor INTERRUPT remains.
    private void CutShort()
    {
        Channel.DmaCutShort();
        Finish(interrupt: false);
    }

    private void EndCommand()
    {
        if (State.Phase == IdePhase.DmaRunning)
        {
            Channel.DmaEnded();
        }

        Finish();
    }
}
