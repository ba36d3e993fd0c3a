using System.Buffers.Binary;

namespace Eider.Devices.Ide;

/// <summary>Self-monitoring (ATA/ATAPI-6): attributes, self-tests that end at once, and their logs.</summary>
internal sealed class AtaSmart
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 512;

    /// <summary>LBA Mid of every subcommand.</summary>
    public const byte KeyMid = 0x4F;

    /// <summary>LBA High of every subcommand.</summary>
    public const byte KeyHigh = 0xC2;

    /// <summary>Entries of the self-test log (table 64).</summary>
    public const int SelfTestEntries = 21;

    private const byte DirectoryLog = 0x00;
    private const byte SummaryErrorLog = 0x01;
    private const byte SelfTestLog = 0x06;
    private const int AttributeBytes = 12;
    private const int SelfTestEntryBytes = 24;
    private const byte Captive = 0x80;

    // Number, flags, value and worst value, threshold; the raw values are zero but for the errors of the first.
    private static readonly (byte Id, ushort Flags, byte Value, byte Threshold)[] Attributes =
    [
        (0x01, 0x0003, 100, 6), (0x03, 0x0003, 100, 0), (0x04, 0x0002, 100, 20), (0x05, 0x0003, 100, 36),
        (0x09, 0x0003, 100, 0), (0x0C, 0x0003, 100, 0), (0xBE, 0x0003, 69, 50),
    ];

    private readonly byte[] _selfTests = new byte[SelfTestEntries];
    private uint _errors;
    private int _selfTestCount;
    private byte _offlineStatus;

    /// <summary>Subcommands are taken.</summary>
    public bool IsEnabled { get; set; } = true;

    /// <summary>Attributes are kept by the device itself; has no effect.</summary>
    public bool IsAutoSaving { get; set; } = true;

    /// <summary>Counts a sector that could not be read or written.</summary>
    public void CountError() => _errors = unchecked(_errors + 1);

    /// <summary>Runs an off-line activity (table 54); it has ended, well, when this returns.</summary>
    public bool TryExecute(byte subcommand)
    {
        switch (subcommand & ~Captive)
        {
            case 0x00 when subcommand == 0: // off-line data collection; there is no captive one
                _offlineStatus = 0x82;
                return true;
            case 0x01 or 0x02: // short and extended self-test
                _selfTests[_selfTestCount % SelfTestEntries] = subcommand;
                _selfTestCount = _selfTestCount + 1 >= 2 * SelfTestEntries ? SelfTestEntries : _selfTestCount + 1;
                return true;
            case 0x7F: // abort
                return subcommand == 0x7F;
            default:
                return false;
        }
    }

    /// <summary>SMART READ DATA (table 57).</summary>
    public void WriteData(Span<byte> page)
    {
        page.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(page, 1);
        for (var i = 0; i < Attributes.Length; i++)
        {
            var entry = page[(2 + (i * AttributeBytes))..];
            var (id, flags, value, _) = Attributes[i];
            entry[0] = id;
            BinaryPrimitives.WriteUInt16LittleEndian(entry[1..], flags);
            entry[3] = value;
            entry[4] = value;
            BinaryPrimitives.WriteUInt32LittleEndian(entry[5..], id == 0x01 ? _errors : 0);
        }

        page[362] = IsAutoSaving ? (byte)(_offlineStatus | 0x02) : _offlineStatus;
        page[367] = 0x13; // executes off-line immediately, aborts it on a command, self-tests
        page[368] = 0x03; // saves attributes, autosave
        page[370] = 0x01; // error log
        page[372] = 0x01; // minutes of a short self-test
        page[373] = 0x01; // minutes of an extended one
        PutChecksum(page);
    }

    /// <summary>SMART READ ATTRIBUTE THRESHOLDS.</summary>
    public static void WriteThresholds(Span<byte> page)
    {
        page.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(page, 1);
        for (var i = 0; i < Attributes.Length; i++)
        {
            page[2 + (i * AttributeBytes)] = Attributes[i].Id;
            page[3 + (i * AttributeBytes)] = Attributes[i].Threshold;
        }

        PutChecksum(page);
    }

    /// <summary>Pages of a log; 0 if there is none.</summary>
    public static int LogPages(byte address) => address is DirectoryLog or SummaryErrorLog or SelfTestLog ? 1 : 0;

    /// <summary>A log's only page.</summary>
    public void WriteLog(byte address, Span<byte> page)
    {
        page.Clear();
        switch (address)
        {
            case DirectoryLog:
                BinaryPrimitives.WriteUInt16LittleEndian(page, 1);
                page[2 * SummaryErrorLog] = 1;
                page[2 * SelfTestLog] = 1;
                break;
            case SummaryErrorLog:
                page[0] = 1; // version; no entry is kept, only their number
                BinaryPrimitives.WriteUInt16LittleEndian(page[452..], (ushort)Math.Min(_errors, ushort.MaxValue));
                PutChecksum(page);
                break;
            default:
                WriteSelfTests(page);
                break;
        }
    }

    private void WriteSelfTests(Span<byte> page)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(page, 1);
        var entries = Math.Min(_selfTestCount, SelfTestEntries);
        for (var i = 0; i < entries; i++)
        {
            page[2 + (i * SelfTestEntryBytes)] = _selfTests[i];
        }

        // The index of the latest entry, from 1 on; 0 if there is none.
        page[508] = _selfTestCount == 0 ? (byte)0 : (byte)(((_selfTestCount - 1) % SelfTestEntries) + 1);
        PutChecksum(page);
    }

    private static void PutChecksum(Span<byte> page)
    {
        var sum = 0;
        foreach (var value in page[..(PageBytes - 1)])
        {
            sum += value;
        }

        page[PageBytes - 1] = (byte)(-sum & 0xFF);
    }
}
