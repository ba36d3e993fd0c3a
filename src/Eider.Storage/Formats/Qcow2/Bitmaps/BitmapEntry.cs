using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>An entry of the bitmap directory (qcow2 specification, "Bitmap directory").</summary>
internal sealed record BitmapEntry
{
    /// <summary>Length of an entry without what is variable.</summary>
    public const int FixedBytes = 24;

    public const int MaxNameBytes = 1023;
    public const int MinGranularityBits = 9;
    public const int MaxGranularityBits = 31;

    /// <summary>Most bytes of one bitmap; the limit of QEMU.</summary>
    public const long MaxDataBytes = 512L << 20;

    private const byte DirtyTracking = 1;
    private const BitmapFlags Known = BitmapFlags.InUse | BitmapFlags.Auto | BitmapFlags.ExtraDataCompatible;

    public long TableOffset { get; init; }

    public long TableEntries { get; init; }

    public BitmapFlags Flags { get; init; }

    public byte Type { get; init; } = DirtyTracking;

    public int GranularityBits { get; init; }

    /// <summary>The name as the file has it: it need not be UTF-8.</summary>
    public required ReadOnlyMemory<byte> NameBytes { get; init; }

    public ReadOnlyMemory<byte> ExtraData { get; init; }

    public string Name => Encoding.UTF8.GetString(NameBytes.Span);

    /// <summary>Length in the directory, padding too.</summary>
    public int LengthBytes => (FixedBytes + ExtraData.Length + NameBytes.Length + 7) & ~7;

    public bool IsInUse => Flags.HasFlag(BitmapFlags.InUse);

    public bool IsEnabled => Flags.HasFlag(BitmapFlags.Auto);

    /// <summary>How many bits a bitmap of a disk has.</summary>
    public static long BitsFor(long diskBytes, int granularityBits) => diskBytes == 0 ? 0 : ((diskBytes - 1) >> granularityBits) + 1;

    /// <summary>How many entries the table of a bitmap has; never none, which QEMU would refuse.</summary>
    public static long TableEntriesFor(Qcow2Layout layout, long diskBytes, int granularityBits) =>
        Math.Max(1, layout.ClustersFor((BitsFor(diskBytes, granularityBits) + 7) >> 3));

    /// <summary>Reads the entry at the beginning of a part of the directory; null if it does not fit into it.</summary>
    public static BitmapEntry? Read(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < FixedBytes)
        {
            return null;
        }

        var fields = bytes.Span;
        int nameBytes = BinaryPrimitives.ReadUInt16BigEndian(fields[18..]);
        var extraBytes = BinaryPrimitives.ReadUInt32BigEndian(fields[20..]);
        if (extraBytes > bytes.Length || ((FixedBytes + (long)extraBytes + nameBytes + 7) & ~7L) > bytes.Length)
        {
            return null;
        }

        return new BitmapEntry
        {
            TableOffset = (long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(fields), long.MaxValue),
            TableEntries = BinaryPrimitives.ReadUInt32BigEndian(fields[8..]),
            Flags = (BitmapFlags)BinaryPrimitives.ReadUInt32BigEndian(fields[12..]),
            Type = fields[16],
            GranularityBits = fields[17],
            ExtraData = bytes.Slice(FixedBytes, (int)extraBytes),
            NameBytes = bytes.Slice(FixedBytes + (int)extraBytes, nameBytes),
        };
    }

    /// <summary>Writes the entry to the beginning of a part of the directory.</summary>
    public void Write(Span<byte> bytes)
    {
        bytes[..LengthBytes].Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, TableOffset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], (uint)TableEntries);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], (uint)Flags);
        bytes[16] = Type;
        bytes[17] = (byte)GranularityBits;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[18..], (ushort)NameBytes.Length);
        BinaryPrimitives.WriteInt32BigEndian(bytes[20..], ExtraData.Length);
        ExtraData.Span.CopyTo(bytes[FixedBytes..]);
        NameBytes.Span.CopyTo(bytes[(FixedBytes + ExtraData.Length)..]);
    }

    /// <summary>Why the bitmap cannot be used at all, be its bits saved or not; null if nothing speaks against it.</summary>
    public string? WhatIsUnknown()
    {
        return this switch
        {
            { Type: not DirtyTracking } => Text($"it is of type {Type}, expected {DirtyTracking} (dirty tracking)"),
            { Flags: var flags } when (flags & ~Known) != 0 => Text($"it has unknown flags {(uint)flags:x8}"),
            { ExtraData.Length: > 0 } when !Flags.HasFlag(BitmapFlags.ExtraDataCompatible) =>
                Text($"it has {ExtraData.Length} bytes of extra data that are not known"),
            { GranularityBits: < MinGranularityBits or > MaxGranularityBits } =>
                Text($"one bit stands for 2^{GranularityBits} bytes, expected 2^9 to 2^31"),
            { NameBytes.Length: 0 or > MaxNameBytes } => Text($"its name has {NameBytes.Length} bytes, expected 1 to {MaxNameBytes}"),
            _ => null,
        };
    }

    /// <summary>What is wrong with the place and the length of the table; null if nothing is.</summary>
    /// <param name="layout">The image.</param>
    /// <param name="diskBytes">Size of its disk.</param>
    /// <param name="fileBytes">Length of its file.</param>
    public string? WhatIsWrong(Qcow2Layout layout, long diskBytes, long fileBytes)
    {
        var bytes = TableEntries * 8;
        if ((TableOffset & layout.ClusterMask) != 0 || TableOffset == 0 || TableEntries == 0
            || TableOffset > fileBytes - Math.Min(bytes, fileBytes) || TableEntries << layout.ClusterBits > MaxDataBytes + layout.ClusterMask)
        {
            return Text($"its table of {TableEntries} entries at {TableOffset} cannot be");
        }

        return !IsInUse && GranularityBits is >= MinGranularityBits and <= MaxGranularityBits
            && TableEntries < TableEntriesFor(layout, diskBytes, GranularityBits)
            ? Text($"its table of {TableEntries} entries is too small for the disk of {diskBytes} bytes")
            : null;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
