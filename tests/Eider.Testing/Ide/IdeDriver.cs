using System.Buffers.Binary;

namespace Eider.Testing.Ide;

/// <summary>
/// The host's side of an IDE channel: what a driver does with registers, data port and bus master, whatever they are
/// reached by. The same steps work on a channel of ours and on another implementation.
/// </summary>
public abstract class IdeDriver
{
    public const int Data = 0;
    public const int Features = 1;
    public const int Error = 1;
    public const int Count = 2;
    public const int Low = 3;
    public const int Mid = 4;
    public const int High = 5;
    public const int Device = 6;
    public const int Status = 7;
    public const int Command = 7;

    public const byte Busy = 0x80;
    public const byte Ready = 0x40;
    public const byte Fault = 0x20;
    public const byte DataRequest = 0x08;
    public const byte Failed = 0x01;

    public const byte Lba = 0x40;
    public const byte Slave = 0x10;

    public const byte BmActive = 0x01;
    public const byte BmError = 0x02;
    public const byte BmInterrupt = 0x04;

    /// <summary>Reads a register.</summary>
    public byte In(int register) => ReadRegister(register);

    /// <summary>Writes a register; the low eight bits of the value count.</summary>
    public void Out(int register, long value) => WriteRegister(register, unchecked((byte)value));

    /// <summary>Reads a word of the data port.</summary>
    public abstract ushort InWord();

    /// <summary>Writes a word of the data port.</summary>
    public abstract void OutWord(ushort value);

    /// <summary>Reads Alternate Status.</summary>
    public abstract byte InAlternate();

    /// <summary>Writes Device Control.</summary>
    public abstract void OutControl(byte value);

    /// <summary>Reads a byte of the bus master.</summary>
    public abstract byte InBusMaster(int offset);

    /// <summary>Writes a byte of the bus master.</summary>
    public abstract void OutBusMaster(int offset, byte value);

    /// <summary>Writes the bus master's table pointer.</summary>
    public abstract void OutTable(uint address);

    /// <summary>Copies out of guest memory.</summary>
    public abstract void ReadMemory(ulong address, Span<byte> bytes);

    /// <summary>Copies into guest memory.</summary>
    public abstract void WriteMemory(ulong address, ReadOnlySpan<byte> bytes);

    /// <summary>Where memory that a test may use begins, as the bus master addresses it.</summary>
    public abstract uint MemoryBase { get; }

    /// <summary>True while the interrupt line is up.</summary>
    public abstract bool IsInterrupting { get; }

    /// <summary>Lets the device work until it waits for the host.</summary>
    public abstract void Settle();

    /// <summary>Reads a register.</summary>
    protected abstract byte ReadRegister(int index);

    /// <summary>Writes a register.</summary>
    protected abstract void WriteRegister(int index, byte value);

    /// <summary>Selects a device.</summary>
    public void Select(int unit) => Out(Device, unit == 0 ? 0xA0 : 0xB0);

    /// <summary>Writes the registers of a command with a 28-bit address and the command.</summary>
    public void Send28(byte command, long lba = 0, int count = 0, byte features = 0, int unit = 0)
    {
        Out(Device, 0xE0 | (unit << 4) | (int)((lba >> 24) & 0xF));
        Out(Features, features);
        Out(Count, count);
        Out(Low, lba);
        Out(Mid, lba >> 8);
        Out(High, lba >> 16);
        Out(Command, command);
    }

    /// <summary>Writes the registers of a command with a 48-bit address and the command.</summary>
    public void Send48(byte command, long lba = 0, int count = 0, int features = 0, int unit = 0)
    {
        Out(Device, 0xE0 | (unit << 4));
        Out(Features, features >> 8);
        Out(Features, features);
        Out(Count, count >> 8);
        Out(Count, count);
        Out(Low, lba >> 24);
        Out(Low, lba);
        Out(Mid, lba >> 32);
        Out(Mid, lba >> 8);
        Out(High, lba >> 40);
        Out(High, lba >> 16);
        Out(Command, command);
    }

    /// <summary>Writes a command with a cylinder, head and sector.</summary>
    public void SendChs(byte command, int cylinder, int head, int sector, int count)
    {
        Out(Device, 0xA0 | head);
        Out(Count, count);
        Out(Low, sector);
        Out(Mid, cylinder);
        Out(High, cylinder >> 8);
        Out(Command, command);
    }

    /// <summary>The 28-bit address in the registers.</summary>
    public long Address28 => In(Low) | (In(Mid) << 8) | (In(High) << 16) | ((In(Device) & 0xF) << 24);

    /// <summary>The 48-bit address in the registers.</summary>
    public long Address48
    {
        get
        {
            OutControl(0x80);
            long high = In(Low) | (In(Mid) << 8) | (In(High) << 16);
            OutControl(0);
            return (high << 24) | (long)(uint)(In(Low) | (In(Mid) << 8) | (In(High) << 16));
        }
    }

    /// <summary>Reads words of the data port.</summary>
    public byte[] InBlock(int bytes)
    {
        var block = new byte[bytes];
        for (var i = 0; i < bytes; i += 2)
        {
            var word = InWord();
            block[i] = unchecked((byte)word);
            if (i + 1 < bytes)
            {
                block[i + 1] = (byte)(word >> 8);
            }
        }

        return block;
    }

    /// <summary>Writes words to the data port.</summary>
    public void OutBlock(ReadOnlySpan<byte> block)
    {
        for (var i = 0; i < block.Length; i += 2)
        {
            OutWord(BinaryPrimitives.ReadUInt16LittleEndian(block[i..]));
        }
    }

    /// <summary>Reads blocks as long as the device offers them.</summary>
    /// <param name="blockBytes">Length of a block; the last one may be shorter.</param>
    /// <param name="totalBytes">What the command moves.</param>
    public byte[] ReadBlocks(int blockBytes, int totalBytes)
    {
        var all = new List<byte>();
        Settle();
        while (all.Count < totalBytes && (InAlternate() & (Busy | DataRequest)) == DataRequest)
        {
            all.AddRange(InBlock(Math.Min(blockBytes, totalBytes - all.Count)));
            Settle();
        }

        return [.. all];
    }

    /// <summary>Writes blocks as long as the device asks for them.</summary>
    public int WriteBlocks(int blockBytes, ReadOnlySpan<byte> bytes)
    {
        var written = 0;
        Settle();
        while (written < bytes.Length && (InAlternate() & (Busy | DataRequest)) == DataRequest)
        {
            var count = Math.Min(blockBytes, bytes.Length - written);
            OutBlock(bytes.Slice(written, count));
            written += count;
            Settle();
        }

        return written;
    }

    /// <summary>IDENTIFY DEVICE, or IDENTIFY PACKET DEVICE with 0xA1, as words.</summary>
    public ushort[] Identify(byte command = 0xEC, int unit = 0)
    {
        Select(unit);
        Out(Command, command);
        var bytes = ReadBlocks(512, 512);
        return [.. Enumerable.Range(0, bytes.Length / 2).Select(i => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(i * 2)))];
    }

    /// <summary>Writes a table of regions into memory and points the bus master to it.</summary>
    /// <param name="address">Where the table goes.</param>
    /// <param name="regions">Address and length in bytes; the last one gets the end mark.</param>
    public void PrepareTable(uint address, params ReadOnlySpan<(uint Address, int Bytes)> regions)
    {
        Span<byte> entry = stackalloc byte[8];
        for (var i = 0; i < regions.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(entry, regions[i].Address);
            var count = (uint)(regions[i].Bytes & 0xFFFF) | (i == regions.Length - 1 ? 0x8000_0000 : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], count);
            WriteMemory(address + ((ulong)i * 8), entry);
        }

        OutTable(address);
    }

    /// <summary>Starts the bus master.</summary>
    public void StartBusMaster(bool toMemory) => OutBusMaster(0, (byte)(toMemory ? 0x09 : 0x01));

    /// <summary>Stops the bus master.</summary>
    public void StopBusMaster() => OutBusMaster(0, 0);

    /// <summary>Sends a PACKET command and its packet.</summary>
    /// <param name="packet">At most 12 bytes; the rest is zero.</param>
    /// <param name="byteLimit">Byte count limit.</param>
    /// <param name="features">Bit 0: by the bus master.</param>
    /// <param name="unit">Which device.</param>
    public void SendPacket(ReadOnlySpan<byte> packet, int byteLimit = 0xFFFE, byte features = 0, int unit = 0)
    {
        Select(unit);
        Out(Features, features);
        Out(Count, 0);
        Out(Low, 0);
        Out(Mid, byteLimit);
        Out(High, byteLimit >> 8);
        Out(Command, 0xA0);
        Settle();
        Span<byte> whole = stackalloc byte[12];
        whole.Clear();
        packet.CopyTo(whole);
        OutBlock(whole);
    }

    /// <summary>Reads the answer to a packet, block by block as the device says how long each is.</summary>
    public byte[] ReadPacketReply()
    {
        var all = new List<byte>();
        Settle();
        while ((InAlternate() & (Busy | DataRequest)) == DataRequest)
        {
            all.AddRange(InBlock(In(Mid) | (In(High) << 8)));
            Settle();
        }

        return [.. all];
    }
}
