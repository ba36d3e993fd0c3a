using System.Buffers.Binary;

namespace Eider.Devices.Ide;

/// <summary>What a CD drive answers, byte by byte. Every method gets a cleared buffer and gives the length, or why not.</summary>
internal static class AtapiReplies
{
    /// <summary>The longest answer.</summary>
    public const int MaxBytes = 2052;

    /// <summary>More blocks than 80 minutes hold are a DVD.</summary>
    public const long MaxCdBlocks = 80 * 60 * 75;

    /// <summary>Bytes before the event of GET EVENT STATUS NOTIFICATION.</summary>
    public const int EventHeaderBytes = 4;

    /// <summary>EjectRequest of the media class.</summary>
    public const byte EjectRequestEvent = 1;

    /// <summary>NewMedia of the media class.</summary>
    public const byte NewMediumEvent = 2;

    private const byte LeadOut = 0xAA;
    private const byte MediaClass = 4;
    private const ushort ProfileDvdRom = 0x0010;
    private const ushort ProfileCdRom = 0x0008;
    private const byte Adr1DataTrack = 0x14;

    /// <summary>Fixed format sense data (SPC-2).</summary>
    public static int Sense(Span<byte> reply, AtapiSense sense, uint? block)
    {
        const byte Valid = 0x80;
        reply[0] = (byte)(0x70 | (block is null ? 0 : Valid));
        reply[2] = (byte)sense.Key;
        BinaryPrimitives.WriteUInt32BigEndian(reply[3..], block ?? 0);
        reply[7] = 10;
        reply[12] = sense.Code;
        reply[13] = sense.Qualifier;
        return 18;
    }

    /// <summary>INQUIRY: standard data, and the vital product data pages 00, 80 and 83.</summary>
    public static (int Length, AtapiSense? Sense) Inquiry(Span<byte> reply, ReadOnlySpan<byte> packet, IdeCdrom settings)
    {
        const int VitalProductData = 1;
        const byte CdRom = 5;
        reply[0] = CdRom;
        if ((packet[1] & VitalProductData) == 0)
        {
            if (packet[2] != 0)
            {
                return (0, AtapiSense.InvalidField);
            }

            reply[1] = 0x80; // removable
            reply[3] = 0x21; // ATAPI-2, and the format of its answers
            reply[4] = 36 - 5;
            var (vendor, product) = SplitModel(settings.Model);
            IdeText.Put(reply.Slice(8, 8), vendor);
            IdeText.Put(reply.Slice(16, 16), product);
            IdeText.Put(reply.Slice(32, 4), settings.Firmware);
            return (36, null);
        }

        reply[1] = packet[2];
        switch (packet[2])
        {
            case 0x00:
                reply[3] = 3;
                reply[5] = 0x80;
                reply[6] = 0x83;
                return (7, null);
            case 0x80:
                reply[3] = (byte)settings.Serial.Length;
                IdeText.Put(reply.Slice(4, settings.Serial.Length), settings.Serial);
                return (4 + settings.Serial.Length, null);
            case 0x83:
                reply[3] = (byte)(4 + settings.Serial.Length);
                reply[4] = 0x02; // ASCII
                reply[7] = (byte)settings.Serial.Length;
                IdeText.Put(reply.Slice(8, settings.Serial.Length), settings.Serial);
                return (8 + settings.Serial.Length, null);
            default:
                return (0, AtapiSense.InvalidField);
        }
    }

    /// <summary>MODE SENSE: pages 01, 0E and 2A, or all of them; only their current values.</summary>
    public static (int Length, AtapiSense? Sense) ModeSense(Span<byte> reply, ReadOnlySpan<byte> packet, int headerBytes, bool isLocked)
    {
        const byte AllPages = 0x3F;
        const byte MediumType = 0x70; // door closed, no word of the medium
        switch (packet[2] >> 6)
        {
            case 0:
                break;
            case 3:
                return (0, AtapiSense.CannotSave);
            default:
                return (0, AtapiSense.InvalidField);
        }

        var page = packet[2] & AllPages;
        var length = headerBytes;
        foreach (var known in (ReadOnlySpan<byte>)[0x01, 0x0E, 0x2A])
        {
            if (page == known || page == AllPages)
            {
                length += WritePage(reply[length..], known, isLocked);
            }
        }

        if (length == headerBytes)
        {
            return (0, AtapiSense.InvalidField);
        }

        if (headerBytes == 4)
        {
            reply[0] = (byte)(length - 1);
            reply[1] = MediumType;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(reply, (ushort)(length - 2));
            reply[2] = MediumType;
        }

        return (length, null);
    }

    /// <summary>READ CAPACITY.</summary>
    public static (int Length, AtapiSense? Sense) Capacity(Span<byte> reply, long blocks)
    {
        BinaryPrimitives.WriteUInt32BigEndian(reply, (uint)Math.Max(blocks - 1, 0));
        BinaryPrimitives.WriteUInt32BigEndian(reply[4..], IdeLimits.CdBlockBytes);
        return (8, null);
    }

    /// <summary>READ TOC/PMA/ATIP: one session with one data track. The format stands in byte 2, in older hosts' packets in byte 9.</summary>
    public static (int Length, AtapiSense? Sense) Toc(Span<byte> reply, ReadOnlySpan<byte> packet, long blocks)
    {
        var isTime = (packet[1] & 2) != 0;
        var format = (packet[2] & 0xF) != 0 ? packet[2] & 0xF : packet[9] >> 6;
        reply[2] = 1;
        reply[3] = 1;
        var length = 4;
        switch (format)
        {
            case 0:
                var first = packet[6];
                if (first > 1 && first != LeadOut)
                {
                    return (0, AtapiSense.InvalidField);
                }

                length += first <= 1 ? WriteTrack(reply[length..], Adr1DataTrack, 1, 0, isTime) : 0;
                length += WriteTrack(reply[length..], 0x16, LeadOut, blocks, isTime);
                break;
            case 1:
                length += WriteTrack(reply[length..], Adr1DataTrack, 1, 0, isTime);
                break;
            case 2:
                length += WritePoint(reply[length..], 0xA0, (1, 0, 0));
                length += WritePoint(reply[length..], 0xA1, (1, 0, 0));
                length += WritePoint(reply[length..], 0xA2, CdSector.Time(blocks));
                length += WritePoint(reply[length..], 1, CdSector.Time(0));
                break;
            default:
                return (0, AtapiSense.InvalidField);
        }

        BinaryPrimitives.WriteUInt16BigEndian(reply, (ushort)(length - 2));
        return (length, null);
    }

    /// <summary>GET CONFIGURATION: the current profile and the list of profiles, feature 0.</summary>
    public static (int Length, AtapiSense? Sense) Configuration(Span<byte> reply, ReadOnlySpan<byte> packet, bool isReady, bool isDvd)
    {
        var profile = !isReady ? 0 : isDvd ? ProfileDvdRom : ProfileCdRom;
        BinaryPrimitives.WriteUInt16BigEndian(reply[6..], (ushort)profile);
        var length = 8;
        if (BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) == 0)
        {
            reply[10] = 0x03; // persistent, current
            reply[11] = 8;
            BinaryPrimitives.WriteUInt16BigEndian(reply[12..], ProfileDvdRom);
            reply[14] = profile == ProfileDvdRom ? (byte)1 : (byte)0;
            BinaryPrimitives.WriteUInt16BigEndian(reply[16..], ProfileCdRom);
            reply[18] = profile == ProfileCdRom ? (byte)1 : (byte)0;
            length = 20;
        }

        BinaryPrimitives.WriteUInt32BigEndian(reply, (uint)(length - 4));
        return (length, null);
    }

    /// <summary>GET EVENT STATUS NOTIFICATION: events of the media class.</summary>
    public static int EventStatus(
        Span<byte> reply, byte classes, byte mediaEvent, bool isOpen, bool hasMedium, out bool isTold)
    {
        const byte NoEventAvailable = 0x80;
        isTold = (classes & (1 << MediaClass)) != 0;
        reply[3] = 1 << MediaClass;
        if (!isTold)
        {
            reply[2] = NoEventAvailable;
            return EventHeaderBytes;
        }

        BinaryPrimitives.WriteUInt16BigEndian(reply, 4);
        reply[2] = MediaClass;
        reply[4] = mediaEvent;
        reply[5] = (byte)((isOpen ? 1 : 0) | (hasMedium && !isOpen ? 2 : 0));
        return EventHeaderBytes + 4;
    }

    /// <summary>READ DISC INFORMATION: finalized, one session, one track.</summary>
    public static (int Length, AtapiSense? Sense) DiscInformation(Span<byte> reply, ReadOnlySpan<byte> packet)
    {
        if ((packet[1] & 7) != 0)
        {
            return (0, AtapiSense.InvalidField);
        }

        reply[1] = 32;
        reply[2] = 0x0E; // the last session is complete, the disc is finalized
        reply[3] = 1;
        reply[4] = 1;
        reply[5] = 1;
        reply[6] = 1;
        reply[7] = 0x20; // unrestricted use
        return (34, null);
    }

    /// <summary>READ TRACK INFORMATION: of the only track.</summary>
    public static (int Length, AtapiSense? Sense) TrackInformation(Span<byte> reply, ReadOnlySpan<byte> packet, long blocks)
    {
        var number = BinaryPrimitives.ReadUInt32BigEndian(packet[2..]);
        switch (packet[1] & 3)
        {
            case 0 when number >= blocks:
                return (0, AtapiSense.OutOfRange);
            case 1 or 2 when number != 1:
            case 3:
                return (0, AtapiSense.InvalidField);
        }

        reply[1] = 34;
        reply[2] = 1;
        reply[3] = 1;
        reply[5] = 0x04; // a data track, recorded at once
        reply[6] = 0x01; // mode 1
        BinaryPrimitives.WriteUInt32BigEndian(reply[24..], (uint)blocks);
        return (36, null);
    }

    /// <summary>READ DVD STRUCTURE: formats 00, 01, 04 and the list FF.</summary>
    public static (int Length, AtapiSense? Sense) DvdStructure(Span<byte> reply, ReadOnlySpan<byte> packet, long blocks, bool isDvd)
    {
        const uint FirstSector = 0x3_0000;
        if ((packet[1] & 0xF) != 0)
        {
            return (0, AtapiSense.InvalidField);
        }

        if (!isDvd)
        {
            return (0, AtapiSense.IncompatibleMedium);
        }

        if (packet[6] != 0)
        {
            return (0, AtapiSense.InvalidField); // there is one layer
        }

        int length;
        switch (packet[7])
        {
            case 0x00:
                length = 2052;
                reply[4] = 0x01; // DVD-ROM, version 1
                reply[5] = 0x0F; // 120 mm, no word of the rate
                reply[6] = 0x01; // one layer, embossed
                BinaryPrimitives.WriteUInt32BigEndian(reply[8..], FirstSector);
                BinaryPrimitives.WriteUInt32BigEndian(reply[12..], unchecked((uint)(FirstSector + blocks - 1)) & 0xFF_FFFF);
                break;
            case 0x01:
                length = 8; // no protection, all regions
                break;
            case 0x04:
                length = 2052;
                break;
            case 0xFF:
                length = 20;
                WriteFormat(reply[4..], 0x00, 2052);
                WriteFormat(reply[8..], 0x01, 8);
                WriteFormat(reply[12..], 0x04, 2052);
                WriteFormat(reply[16..], 0xFF, 20);
                break;
            default:
                return (0, AtapiSense.InvalidField);
        }

        BinaryPrimitives.WriteUInt16BigEndian(reply, (ushort)(length - 2));
        return (length, null);
    }

    /// <summary>MECHANISM STATUS: one slot, nothing moves.</summary>
    public static (int Length, AtapiSense? Sense) MechanismStatus(Span<byte> reply)
    {
        reply[5] = 1;
        return (8, null);
    }

    private static (string Vendor, string Product) SplitModel(string model)
    {
        var blank = model.IndexOf(' ', StringComparison.Ordinal);
        return blank is > 0 and <= 8 ? (model[..blank], model[(blank + 1)..]) : ("EIDER", model);
    }

    private static int WritePage(Span<byte> page, byte number, bool isLocked)
    {
        page[0] = number;
        switch (number)
        {
            case 0x01: // read error recovery
                page[1] = 6;
                page[3] = 5;
                return 8;
            case 0x0E: // audio control
                page[1] = 14;
                page[2] = 4; // immediate
                return 16;
            default: // capabilities and mechanical status
                page[1] = 20;
                page[2] = 0x3B; // reads CD-R, CD-RW, DVD-ROM, DVD-R and DVD-RAM
                page[4] = 0x71; // multi-session, mode 2 forms 1 and 2, audio: some hosts mount only what plays
                page[5] = 0x60;
                page[6] = (byte)(0x29 | (isLocked ? 2 : 0)); // a tray; can lock and eject
                BinaryPrimitives.WriteUInt16BigEndian(page[8..], 704); // kilobytes a second
                BinaryPrimitives.WriteUInt16BigEndian(page[10..], 2); // levels of volume: on and off
                BinaryPrimitives.WriteUInt16BigEndian(page[12..], 512); // kilobytes of buffer
                BinaryPrimitives.WriteUInt16BigEndian(page[14..], 704);
                return 22;
        }
    }

    private static int WriteTrack(Span<byte> entry, byte control, byte number, long lba, bool isTime)
    {
        entry[1] = control;
        entry[2] = number;
        if (isTime)
        {
            var (minute, second, frame) = CdSector.Time(lba);
            (entry[5], entry[6], entry[7]) = (minute, second, frame);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(entry[4..], (uint)lba);
        }

        return 8;
    }

    private static int WritePoint(Span<byte> entry, byte point, (byte Minute, byte Second, byte Frame) time)
    {
        entry[0] = 1;
        entry[1] = Adr1DataTrack;
        entry[3] = point;
        (entry[8], entry[9], entry[10]) = time;
        return 11;
    }

    private static void WriteFormat(Span<byte> entry, byte format, ushort length)
    {
        const byte Readable = 0x40;
        entry[0] = format;
        entry[1] = Readable;
        BinaryPrimitives.WriteUInt16BigEndian(entry[2..], length);
    }
}
