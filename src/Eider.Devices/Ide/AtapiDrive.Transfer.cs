namespace Eider.Devices.Ide;

/// <content>Answers on their way to the host.</content>
internal sealed partial class AtapiDrive
{
    // What is not all of the answer has an even length.
    private const int LeastLimitBytes = 2;

    private int BlockBytes => Drive.IsRaw ? IdeLimits.RawCdBlockBytes : IdeLimits.CdBlockBytes;

    /// <inheritdoc/>
    protected override void OnDmaStarted()
    {
        if (State.BufferedBytes > 0)
        {
            MoveBuffered();
        }
        else
        {
            Fetch();
        }
    }

    // An answer that lies in the buffer, as much of it as the host made room for.
    private void Reply(int length, int allocation)
    {
        State.BlocksLeft = 0;
        BeginReply(Math.Min(length, allocation), buffered: Math.Min(length, allocation));
    }

    // Blocks of the medium.
    private void ReplyBlocks(uint lba, int count, bool isRaw)
    {
        Drive.IsRaw = isRaw;
        Drive.ChunkBlocks = IdeLimits.CdChunkBlocks;
        _source = Medium;
        State.Lba = lba;
        State.BlocksLeft = count;
        BeginReply((int)Math.Min((long)count * BlockBytes, int.MaxValue), buffered: 0);
    }

    private void BeginReply(int total, int buffered)
    {
        Drive.LeftBytes = total;
        State.BufferedBytes = buffered;
        State.DataEnd = 0;
        if (total == 0)
        {
            Succeed();
        }
        else if (!Drive.IsDma && total > Drive.LimitBytes && Drive.LimitBytes < LeastLimitBytes)
        {
            Fail(IdeError.Aborted); // rounded down, the limit would be 0
        }
        else if (Drive.IsDma)
        {
            SetReason(AtapiReason.ToHost);
            AwaitDma(IdeStatus.Busy); // not DRQ: that would be the data port
        }
        else
        {
            AtapiCommandReplyEnd();
        }
    }

    // A part of the answer went to the host, or it begins: the next part, or the end.
    private void AtapiCommandReplyEnd()
    {
        if (Drive.LeftBytes == 0)
        {
            Succeed();
            return;
        }

        // Only the last block may have an odd length (ATA/ATAPI-6).
        var block = Drive.LeftBytes <= Drive.LimitBytes ? Drive.LeftBytes : Drive.LimitBytes & ~1;
        if (State.BufferedBytes < block)
        {
            Fetch();
            return;
        }

        Drive.LeftBytes -= block;
        State.BufferedBytes -= block;
        State.LbaMid.Current = (byte)(block & 0xFF);
        State.LbaHigh.Current = (byte)(block >> 8);
        SetReason(AtapiReason.ToHost);
        OfferBlock(State.DataEnd, block, IdeTransferEnd.AtapiCommandReplyEnd);
    }

    private void Fetch()
    {
        if (!IsReady || !ReferenceEquals(_source, Medium))
        {
            CheckCondition(NotReady);
            return;
        }

        Buffer.AsSpan(State.DataEnd, State.BufferedBytes).CopyTo(Buffer);
        State.DataEnd = 0;
        Begin(new IdeJob
        {
            Kind = IdeJobKind.Read,
            Storage = Medium,
            OffsetBytes = State.Lba * IdeLimits.CdBlockBytes,
            LengthBytes = Math.Min(State.BlocksLeft, Drive.ChunkBlocks) * IdeLimits.CdBlockBytes,
            BufferOffset = State.BufferedBytes,
        });
    }

    private void Fetched(in IdeJob job, in IdeJobResult result)
    {
        if (!IsReady || !ReferenceEquals(job.Storage, Medium))
        {
            CheckCondition(NotReady); // taken out meanwhile
            return;
        }

        if (result.Outcome != IdeJobOutcome.Done)
        {
            FetchFailed(job, result.Outcome);
            return;
        }

        var blocks = job.LengthBytes / IdeLimits.CdBlockBytes;
        if (Drive.IsRaw)
        {
            WrapBlocks(job.BufferOffset, blocks);
        }

        State.BufferedBytes += blocks * BlockBytes;
        State.Lba += blocks;
        State.BlocksLeft -= blocks;
        if (Drive.IsDma)
        {
            MoveBuffered();
        }
        else
        {
            AtapiCommandReplyEnd();
        }
    }

    private void FetchFailed(in IdeJob job, IdeJobOutcome outcome)
    {
        if (outcome == IdeJobOutcome.Failed && job.LengthBytes > IdeLimits.CdBlockBytes)
        {
            Drive.ChunkBlocks = 1; // which of them is it?
            Fetch();
            return;
        }

        CheckCondition(
            outcome switch
            {
                IdeJobOutcome.OutOfRange => AtapiSense.OutOfRange,
                IdeJobOutcome.Failed => AtapiSense.ReadError,
                _ => AtapiSense.HardwareFailure,
            },
            outcome == IdeJobOutcome.Failed ? (uint)State.Lba : null);
    }

    // Last one first: each grows towards the end.
    private void WrapBlocks(int start, int blocks)
    {
        for (var i = blocks - 1; i >= 0; i--)
        {
            var sector = Buffer.AsSpan(start + (i * IdeLimits.RawCdBlockBytes), IdeLimits.RawCdBlockBytes);
            Buffer.AsSpan(start + (i * IdeLimits.CdBlockBytes), IdeLimits.CdBlockBytes).CopyTo(sector[16..]);
            CdSector.Wrap(sector, State.Lba + i);
        }
    }

    private void MoveBuffered() =>
        Begin(Channel.MoveJob(IdeJobKind.MoveIn, 0, Math.Min(State.BufferedBytes, Drive.LeftBytes)));

    private void MovedIn(in IdeJob job, in IdeJobResult result)
    {
        if (result.Outcome != IdeJobOutcome.Done)
        {
            Channel.DmaFailed();
            CheckCondition(AtapiSense.HardwareFailure);
        }
        else if (result.MovedBytes < job.LengthBytes)
        {
            Channel.DmaCutShort();
            Finish(interrupt: false);
        }
        else
        {
            Drive.LeftBytes -= result.MovedBytes;
            State.BufferedBytes = 0;
            State.DataEnd = 0;
            if (Drive.LeftBytes == 0)
            {
                Succeed();
            }
            else
            {
                Fetch();
            }
        }
    }
}
