using System.Buffers.Binary;

namespace Eider.Devices.Ide;

/// <content>The packet commands (MMC-3 and SPC-2, by their names).</content>
internal sealed partial class AtapiDrive
{
    private AtapiOpcode Opcode => (AtapiOpcode)_packet[0];

    // The packet came: the conditions of the table first, then the command.
    private void AtapiCommand()
    {
        Buffer.AsSpan(0, PacketBytes).CopyTo(_packet);
        State.Status = Good;
        State.Phase = IdePhase.Idle;
        var flags = AtapiCommandTable.Flags(Opcode);
        if (Opcode != AtapiOpcode.RequestSense && Drive.Sense.Key != SenseKey.UnitAttention)
        {
            Drive.Sense = AtapiSense.None;
            Drive.SenseBlock = null;
        }

        if (IsRefused(flags))
        {
            return;
        }

        // Not the packet but the ATA command is bad: the device cannot send nothing at a time (ATA8-ACS).
        var limit = State.LbaMid.Current | (State.LbaHigh.Current << 8);
        if (!Drive.IsDma && limit == 0 && (flags & AtapiCommandFlags.SendsData) != 0)
        {
            Fail(IdeError.Aborted);
            return;
        }

        Drive.LimitBytes = Math.Min(limit, 0xFFFE);
        Drive.IsRaw = false;
        Drive.Power = AtaPowerMode.Active;
        RunPacket();
    }

    private bool IsRefused(AtapiCommandFlags flags)
    {
        if (Drive.Sense.Key == SenseKey.UnitAttention && (flags & AtapiCommandFlags.AllowAttention) == 0)
        {
            CheckCondition(Drive.Sense);
            return true;
        }

        if (flags == AtapiCommandFlags.None)
        {
            CheckCondition(AtapiSense.InvalidOpcode);
            return true;
        }

        if ((flags & AtapiCommandFlags.AllowAttention) == 0 && IsReady && Drive.Change != AtapiMediumChange.None)
        {
            var isFirst = Drive.Change == AtapiMediumChange.TellGone;
            Drive.Change = isFirst ? AtapiMediumChange.TellChanged : AtapiMediumChange.None;
            CheckCondition(isFirst ? AtapiSense.NoMedium : AtapiSense.MediumChanged);
            return true;
        }

        if ((flags & AtapiCommandFlags.CheckReady) != 0 && !IsReady)
        {
            CheckCondition(NotReady);
            return true;
        }

        return false;
    }

    private AtapiSense NotReady => Drive.IsTrayOpen ? AtapiSense.TrayOpen : AtapiSense.NoMedium;

    private void RunPacket()
    {
        switch (Opcode)
        {
            case AtapiOpcode.TestUnitReady or AtapiOpcode.SetSpeed:
                Succeed();
                break;
            case AtapiOpcode.Read10:
                Read(Word(7));
                break;
            case AtapiOpcode.Read12:
                Read(Long(6));
                break;
            case AtapiOpcode.ReadCd:
                ReadCd();
                break;
            case AtapiOpcode.Seek:
                EndIf(Long(2) < Blocks, AtapiSense.OutOfRange);
                break;
            case AtapiOpcode.StartStopUnit:
                StartStop();
                break;
            case AtapiOpcode.PreventAllowRemoval:
                Drive.IsLocked = (_packet[4] & 1) != 0;
                Succeed();
                break;
            case AtapiOpcode.RequestSense:
                RequestSense();
                break;
            case AtapiOpcode.GetEventStatus:
                GetEventStatus();
                break;
            default:
                Tell();
                break;
        }
    }

    // Commands that tell what the drive or the medium is, and change nothing.
    private void Tell()
    {
        var reply = Buffer.AsSpan(0, AtapiReplies.MaxBytes);
        reply.Clear();
        var allocation = Opcode switch
        {
            AtapiOpcode.ReadCapacity => 8,
            AtapiOpcode.Inquiry or AtapiOpcode.ModeSense6 => _packet[4],
            AtapiOpcode.ReadDvdStructure or AtapiOpcode.MechanismStatus => Word(8),
            _ => Word(7),
        };
        var isDvd = Blocks > AtapiReplies.MaxCdBlocks;
        var (length, sense) = Opcode switch
        {
            AtapiOpcode.Inquiry => AtapiReplies.Inquiry(reply, _packet, Settings),
            AtapiOpcode.ModeSense6 => AtapiReplies.ModeSense(reply, _packet, headerBytes: 4, Drive.IsLocked),
            AtapiOpcode.ModeSense10 => AtapiReplies.ModeSense(reply, _packet, headerBytes: 8, Drive.IsLocked),
            AtapiOpcode.ReadCapacity => AtapiReplies.Capacity(reply, Blocks),
            AtapiOpcode.ReadToc => AtapiReplies.Toc(reply, _packet, Blocks),
            AtapiOpcode.GetConfiguration => AtapiReplies.Configuration(reply, _packet, IsReady, isDvd),
            AtapiOpcode.ReadDiscInformation => AtapiReplies.DiscInformation(reply, _packet),
            AtapiOpcode.ReadTrackInformation => AtapiReplies.TrackInformation(reply, _packet, Blocks),
            AtapiOpcode.ReadDvdStructure => AtapiReplies.DvdStructure(reply, _packet, Blocks, isDvd),
            _ => AtapiReplies.MechanismStatus(reply),
        };
        if (sense is { } refusal)
        {
            CheckCondition(refusal);
        }
        else
        {
            Reply(length, allocation);
        }
    }

    private int Word(int at) => BinaryPrimitives.ReadUInt16BigEndian(_packet.AsSpan(at));

    private uint Long(int at) => BinaryPrimitives.ReadUInt32BigEndian(_packet.AsSpan(at));

    private void EndIf(bool isGood, AtapiSense sense)
    {
        if (isGood)
        {
            Succeed();
        }
        else
        {
            CheckCondition(sense);
        }
    }

    private void Read(long count, bool isRaw = false)
    {
        var lba = Long(2);
        if (count == 0)
        {
            Succeed();
        }
        else if (lba >= Blocks || count > Blocks - lba)
        {
            CheckCondition(AtapiSense.OutOfRange);
        }
        else if (count > int.MaxValue / IdeLimits.RawCdBlockBytes)
        {
            CheckCondition(AtapiSense.InvalidField); // two gigabytes in one command
        }
        else
        {
            ReplyBlocks(lba, (int)count, isRaw);
        }
    }

    private void ReadCd()
    {
        const int UserData = 0x10;
        const int Everything = 0xF8;
        var count = (_packet[6] << 16) | Word(7);
        var isSubchannel = (_packet[10] & 7) != 0;
        switch (_packet[9] & 0xF8)
        {
            case 0 when !isSubchannel:
                Succeed();
                break;
            case UserData when !isSubchannel:
                Read(count);
                break;
            case Everything when !isSubchannel:
                Read(count, isRaw: true);
                break;
            default:
                CheckCondition(AtapiSense.InvalidField);
                break;
        }
    }

    private void StartStop()
    {
        const int Start = 1;
        const int LoadEject = 2;
        var action = _packet[4];
        if (action >> 4 != 0)
        {
            Succeed(); // a power condition: a drive of no power has them all
        }
        else if ((action & LoadEject) == 0)
        {
            EndIf((action & Start) == 0 || IsReady, NotReady);
        }
        else if ((action & Start) != 0)
        {
            if (Drive.IsTrayOpen)
            {
                Drive.IsTrayOpen = false;
                Drive.Change = Medium is null ? AtapiMediumChange.None : AtapiMediumChange.TellChanged;
                Drive.HasNewMediumEvent = Medium is not null;
            }

            Succeed();
        }
        else if (Drive.IsLocked)
        {
            CheckCondition(AtapiSense.RemovalPrevented);
        }
        else
        {
            Drive.HasEjected = !Drive.IsTrayOpen;
            Drive.IsTrayOpen = true;
            Drive.HasEjectRequest = false;
            Succeed();
        }
    }

    // Tells what the last command left, once. The table lets it run at any time, and it never fails.
    private void RequestSense()
    {
        var reply = Buffer.AsSpan(0, AtapiReplies.MaxBytes);
        reply.Clear();
        var length = AtapiReplies.Sense(reply, Drive.Sense, Drive.SenseBlock);
        Drive.Sense = AtapiSense.None;
        Drive.SenseBlock = null;
        Reply(length, _packet[4]);
    }

    private void GetEventStatus()
    {
        const int Polled = 1;
        if ((_packet[1] & Polled) == 0)
        {
            CheckCondition(AtapiSense.InvalidField);
            return;
        }

        var reply = Buffer.AsSpan(0, AtapiReplies.MaxBytes);
        reply.Clear();
        var mediaEvent = Drive.HasNewMediumEvent ? AtapiReplies.NewMediumEvent
            : Drive.HasEjectRequest ? AtapiReplies.EjectRequestEvent : (byte)0;
        var length = AtapiReplies.EventStatus(reply, _packet[4], mediaEvent, Drive.IsTrayOpen, Medium is not null, out var isTold);
        if (isTold && Word(7) > AtapiReplies.EventHeaderBytes)
        {
            if (Drive.HasNewMediumEvent)
            {
                Drive.HasNewMediumEvent = false;
            }
            else
            {
                Drive.HasEjectRequest = false;
            }
        }

        Reply(length, Word(7));
    }
}
