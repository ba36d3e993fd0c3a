using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Eider.Devices.BlockIo;
using Eider.Devices.Memory;

namespace Eider.Machines.Hdt;

/// <summary>
/// Ducky's hardware table (ducky.hdt): a header, then entries that begin with their type and length, so that a reader passes over those that it
/// does not know. Everything is little-endian and aligned to 4 bytes.
/// </summary>
/// <remarks>
/// Ducky has no entries for BIO and storages. Here they are device entries with its layout of name, ident and address, and fields behind
/// that: a BIO has its interrupt source and the number of its storages, a storage its id, block size, flags and size.
/// </remarks>
public static class HardwareTable
{
    /// <summary>First word of the table.</summary>
    public const uint Magic = 0x4D5E_6F70;

    /// <summary>Most characters of a name or a value of an argument.</summary>
    public const int MaxArgumentLength = 13;

    /// <summary>What <c>ident</c> says of a BIO.</summary>
    public const string BioIdent = "Block IO controller";

    /// <summary>What <c>ident</c> says of a storage.</summary>
    public const string StorageIdent = "Block storage";

    /// <summary>Most bytes of a table: the rest of its page.</summary>
    public const int MaxBytes = (int)(RomPage.SizeBytes - (BoardLayout.HardwareTableBase - BoardLayout.HardwareTablePageBase));

    private const int HeaderBytes = 12;
    private const int SmallEntryBytes = 8;
    private const int ArgumentBytes = 32;
    private const int DeviceBytes = 48;
    private const int BioBytes = DeviceBytes + 12;
    private const int StorageBytes = DeviceBytes + 24;
    private const int MaxNameLength = 10;
    private const int MaxIdentLength = 32;
    private const uint StorageIsReadOnly = 1;

    /// <summary>Length of a table in bytes.</summary>
    /// <param name="arguments">How many arguments it has.</param>
    /// <param name="bios">How many BIO devices.</param>
    /// <param name="storages">How many storages, of all of them.</param>
    public static long SizeOf(int arguments, int bios, int storages) =>
        HeaderBytes + (2 * SmallEntryBytes) + ((long)arguments * ArgumentBytes) + ((long)bios * BioBytes) + ((long)storages * StorageBytes);

    /// <summary>Makes the table of a machine.</summary>
    /// <param name="memoryBytes">Size of the RAM in bytes; more than 32 bits say is told as 0xFFFFFFFF.</param>
    /// <param name="cores">Number of harts: they are the cores of one CPU.</param>
    /// <param name="arguments">Arguments for the guest's program.</param>
    /// <param name="bios">The BIO devices: name, base address, interrupt source (0 for none) and storages of each.</param>
    /// <exception cref="ArgumentException">It does not fit its page.</exception>
    public static byte[] Build(
        long memoryBytes, int cores, IReadOnlyList<HardwareTableArgument> arguments,
        IReadOnlyList<(string Name, ulong Base, int Source, IReadOnlyList<BioStorage> Storages)> bios)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(bios);
        var storages = bios.Sum(bio => bio.Storages.Count);
        var size = SizeOf(arguments.Count, bios.Count, storages);
        if (size > MaxBytes)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"a table of {size} bytes does not fit its page"), nameof(bios));
        }

        var table = new TableWriter(new byte[size]);
        table.Word(Magic).Word((uint)(2 + arguments.Count + bios.Count + storages)).Word((uint)size);
        table.Begin(HardwareTableEntry.Memory, SmallEntryBytes).Word((uint)Math.Min(memoryBytes, uint.MaxValue));
        table.Begin(HardwareTableEntry.Cpu, SmallEntryBytes).Half(1).Half((ushort)cores);
        foreach (var argument in arguments)
        {
            AddArgument(table, argument);
        }

        foreach (var (name, address, source, storagesOfIt) in bios)
        {
            AddDevice(table, BioBytes, name, BioIdent, (uint)address).Word((uint)source).Word((uint)storagesOfIt.Count);
            foreach (var storage in storagesOfIt)
            {
                AddStorage(table, storage, (uint)address);
            }
        }

        return table.Content;
    }

    private static void AddArgument(TableWriter table, HardwareTableArgument argument)
    {
        Span<byte> value = stackalloc byte[MaxArgumentLength];
        value.Clear();
        var length = sizeof(uint);
        if (argument.Number is { } number)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(value, number);
        }
        else
        {
            length = Encoding.ASCII.GetBytes(argument.Text ?? "", value);
        }

        table.Begin(HardwareTableEntry.Argument, ArgumentBytes).Byte((byte)argument.Name.Length).Byte((byte)length)
            .Text(argument.Name, MaxArgumentLength).Bytes(value);
    }

    private static TableWriter AddDevice(TableWriter table, int entryBytes, string name, string ident, uint address) =>
        table.Begin(HardwareTableEntry.Device, entryBytes).Byte((byte)Math.Min(name.Length, MaxNameLength)).Byte(0)
            .Text(name, MaxNameLength).Text(ident, MaxIdentLength).Word(address);

    // The address is that of its BIO.
    private static void AddStorage(TableWriter table, BioStorage storage, uint address) =>
        AddDevice(table, StorageBytes, string.Create(CultureInfo.InvariantCulture, $"sid{storage.Sid}"), StorageIdent, address)
            .Word(storage.Sid)
            .Word((uint)storage.BlockBytes)
            .Word(storage.IsReadOnly ? StorageIsReadOnly : 0)
            .Word((uint)(storage.SizeBytes & uint.MaxValue))
            .Word((uint)(storage.SizeBytes >> 32));

    private sealed class TableWriter(byte[] content)
    {
        private int _end;

        public byte[] Content => content;

        public TableWriter Begin(HardwareTableEntry type, int lengthBytes) => Half((ushort)type).Half((ushort)lengthBytes);

        public TableWriter Byte(byte value)
        {
            content[_end++] = value;
            return this;
        }

        public TableWriter Half(ushort value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(content.AsSpan(_end), value);
            _end += sizeof(ushort);
            return this;
        }

        public TableWriter Word(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(_end), value);
            _end += sizeof(uint);
            return this;
        }

        public TableWriter Bytes(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(content.AsSpan(_end));
            _end += bytes.Length;
            return this;
        }

        // Cut off, or padded with zeroes.
        public TableWriter Text(string text, int lengthBytes)
        {
            Encoding.ASCII.GetBytes(text.AsSpan(0, Math.Min(text.Length, lengthBytes)), content.AsSpan(_end));
            _end += lengthBytes;
            return this;
        }
    }
}
