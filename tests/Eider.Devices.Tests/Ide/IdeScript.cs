using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

/// <summary>A driver's day at a disk and at a CD drive, with a note of everything that it sees.</summary>
internal static class IdeScript
{
    private const int TableOffset = 0;
    private const int DataOffset = 0x1_0000;

    public static void RunDisk(IdeDriver ide, IdeTrace trace)
    {
        Registers(ide, trace, "disk power-on");
        AbsentSlave(ide, trace);
        Identify(ide, trace, "disk", 0xEC);
        ReadSectors(ide, trace);
        WriteSectors(ide, trace);
        Multiple(ide, trace);
        BusMaster(ide, trace);
        Trim(ide, trace);
        WithoutData(ide, trace);
        Errors(ide, trace);
        Reset(ide, trace, "disk");
        ide.Select(0);
        ide.Out(IdeDriver.Command, 0x90);
        ide.Settle();
        Registers(ide, trace, "diagnostic");
    }

    public static void RunCd(IdeDriver ide, IdeTrace trace)
    {
        Reset(ide, trace, "cd");
        Identify(ide, trace, "cd", 0xA1);
        foreach (var command in new[] { 0xEC, 0x20 })
        {
            ide.Out(IdeDriver.Command, command);
            ide.Settle();
            Registers(ide, trace, $"cd {command:x2}");
        }

        Packet(ide, trace, "test-unit-ready", [0x00]);
        Packet(ide, trace, "inquiry", [0x12, 0, 0, 0, 36], [8 + 24 + 4]);
        Packet(ide, trace, "read-capacity", [0x25]);
        Packet(ide, trace, "read-10", [0x28, 0, 0, 0, 0, 5, 0, 0, 2], limit: 2048);
        Packet(ide, trace, "read-10 by 512", [0x28, 0, 0, 0, 0, 5, 0, 0, 2], limit: 512);
        Packet(ide, trace, "read-10 by 5120", [0x28, 0, 0, 0, 0, 5, 0, 0, 10], limit: 5120);
        Packet(ide, trace, "read-12", [0xA8, 0, 0, 0, 0, 5, 0, 0, 0, 3]);
        Packet(ide, trace, "read-cd", [0xBE, 0, 0, 0, 0, 5, 0, 0, 3, 0x10]);
        Packet(ide, trace, "read-10 of none", [0x28, 0, 0, 0, 0, 5, 0, 0, 0]);
        Packet(ide, trace, "seek", [0x2B, 0, 0, 0, 0, 5]);
        Packet(ide, trace, "toc", [0x43, 0, 0, 0, 0, 0, 0, 0, 20]);
        Packet(ide, trace, "toc msf", [0x43, 2, 0, 0, 0, 0, 0, 0, 20]);
        Packet(ide, trace, "toc lead-out", [0x43, 0, 0, 0, 0, 0, 0xAA, 0, 20]);
        Packet(ide, trace, "toc sessions", [0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0x40]);
        Packet(ide, trace, "toc raw msf", [0x43, 2, 0, 0, 0, 0, 0, 0, 100, 0x80]);
        Packet(ide, trace, "configuration", [0x46, 0, 0, 0, 0, 0, 0, 0, 100]);
        Packet(ide, trace, "event status", [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8]);
        Packet(ide, trace, "event status of another class", [0x4A, 1, 0, 0, 0x02, 0, 0, 0, 8]);
        Packet(ide, trace, "disc information", [0x51, 0, 0, 0, 0, 0, 0, 0, 34]);
        Packet(ide, trace, "mode sense 01", [0x5A, 0, 0x01, 0, 0, 0, 0, 0, 64]);
        Packet(ide, trace, "mode sense 2a", [0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 64]);
        Packet(ide, trace, "mechanism status", [0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8]);
        Packet(ide, trace, "set speed", [0xBB, 0, 0xFF, 0xFF]);
        Packet(ide, trace, "prevent", [0x1E, 0, 0, 0, 1]);
        Packet(ide, trace, "eject locked", [0x1B, 0, 0, 0, 2]);
        Packet(ide, trace, "allow", [0x1E]);
        Packet(ide, trace, "unknown", [0xFF]);
        Packet(ide, trace, "beyond the end", [0x28, 0, 0, 0, 0x10, 0, 0, 0, 1]);
        Packet(ide, trace, "dvd structure of a cd", [0xAD, 0, 0, 0, 0, 0, 0, 0, 0x10]);
        PacketByBusMaster(ide, trace);
        ide.Out(IdeDriver.Command, 0x08);
        ide.Settle();
        Registers(ide, trace, "device reset");
    }

    private static void Status(IdeDriver ide, IdeTrace trace, string what)
    {
        trace.Note(what + " interrupt", ide.IsInterrupting ? 1 : 0);
        trace.Note(what + " alternate status", ide.InAlternate());
        trace.Note(what + " status", ide.In(IdeDriver.Status));
        trace.Note(what + " interrupt after", ide.IsInterrupting ? 1 : 0);
    }

    private static void Registers(IdeDriver ide, IdeTrace trace, string what)
    {
        Status(ide, trace, what);
        foreach (var (name, register) in new[] { ("error", 1), ("count", 2), ("low", 3), ("mid", 4), ("high", 5), ("device", 6) })
        {
            trace.Note($"{what} {name}", ide.In(register));
        }
    }

    private static void Data(IdeTrace trace, string what, byte[] data) =>
        trace.Note(what, string.Create(CultureInfo.InvariantCulture, $"{data.Length} bytes {Convert.ToHexString(SHA256.HashData(data))[..8]}"));

    private static void AbsentSlave(IdeDriver ide, IdeTrace trace)
    {
        ide.Select(1);
        Registers(ide, trace, "absent slave");
        ide.Out(IdeDriver.Command, 0xEC);
        ide.Settle();
        Status(ide, trace, "absent slave identify");
        ide.Select(0);
    }

    private static void Identify(IdeDriver ide, IdeTrace trace, string what, byte command)
    {
        ide.Select(0);
        ide.Out(IdeDriver.Command, command);
        ide.Settle();
        Status(ide, trace, what + " identify");
        var data = ide.InBlock(512);
        for (var word = 0; word < 256; word++)
        {
            // Texts are settings, and tested elsewhere.
            if (word is not ((>= 10 and <= 19) or (>= 23 and <= 46)))
            {
                trace.Note(
                    $"{what} word {word}",
                    BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(word * 2)).ToString("x4", CultureInfo.InvariantCulture));
            }
        }

        Status(ide, trace, what + " identify end");
    }

    private static void ReadSectors(IdeDriver ide, IdeTrace trace)
    {
        ide.Send28(0x20, 5, 2);
        for (var i = 0; i < 2; i++)
        {
            ide.Settle();
            Status(ide, trace, $"read block {i}");
            Data(trace, $"read data {i}", ide.InBlock(512));
        }

        ide.Settle();
        Registers(ide, trace, "read end");
        ide.Send48(0x24, 300, 3);
        Data(trace, "read ext", ide.ReadBlocks(512, 3 * 512));
        Registers(ide, trace, "read ext end");
        ide.SendChs(0x20, 1, 2, 3, 2);
        Data(trace, "read chs", ide.ReadBlocks(512, 2 * 512));
        Registers(ide, trace, "read chs end");
    }

    private static void WriteSectors(IdeDriver ide, IdeTrace trace)
    {
        ide.Send28(0x30, 20, 2);
        for (var i = 0; i < 2; i++)
        {
            Status(ide, trace, $"write block {i}");
            ide.OutBlock(IdeDisks.Content(1, 1000 + i));
            ide.Settle();
        }

        Registers(ide, trace, "write end");
        ide.Send28(0x20, 19, 4);
        Data(trace, "written", ide.ReadBlocks(512, 4 * 512));
    }

    private static void Multiple(IdeDriver ide, IdeTrace trace)
    {
        ide.Send28(0xC6, count: 8);
        ide.Settle();
        Status(ide, trace, "set multiple");
        ide.Send28(0xC4, 40, 20);
        Data(trace, "read multiple", ide.ReadBlocks(8 * 512, 20 * 512));
        Registers(ide, trace, "read multiple end");
        ide.Send28(0xC5, 60, 12);
        trace.Note("write multiple bytes", ide.WriteBlocks(8 * 512, IdeDisks.Content(12, 2000)));
        Registers(ide, trace, "write multiple end");
        ide.Send28(0xC6, count: 3);
        ide.Settle();
        Registers(ide, trace, "set multiple 3");
    }

    private static void BusMaster(IdeDriver ide, IdeTrace trace)
    {
        var data = ide.MemoryBase + DataOffset;
        Dma(ide, trace, "dma read", 0xC8, 60, 12, (data, 12 * 512));
        var read = new byte[12 * 512];
        ide.ReadMemory(data, read);
        Data(trace, "dma read data", read);
        ide.WriteMemory(data, IdeDisks.Content(4, 3000));
        Dma(ide, trace, "dma write", 0xCA, 70, 4, (data, 1024), (data + 1024, 1024));
        Dma(ide, trace, "dma read ext", 0x25, 68, 8, (data, 4096));
        Dma(ide, trace, "dma short", 0xC8, 5, 4, (data, 1024));
        Dma(ide, trace, "dma long", 0xC8, 5, 4, (data, 8192));
    }

    private static void Dma(IdeDriver ide, IdeTrace trace, string what, byte command, int lba, int count, params (uint, int)[] regions)
    {
        ide.PrepareTable(ide.MemoryBase + TableOffset, regions);
        ide.OutBusMaster(0, 0);
        ide.OutBusMaster(2, 0x66);
        if (command == 0x25)
        {
            ide.Send48(command, lba, count);
        }
        else
        {
            ide.Send28(command, lba, count, features: command == 0x06 ? (byte)1 : (byte)0);
        }

        trace.Note(what + " waiting", ide.InAlternate());
        trace.Note(what + " waiting bus master", ide.InBusMaster(2));
        ide.StartBusMaster(toMemory: command is 0xC8 or 0x25);
        ide.Settle();
        trace.Note(what + " bus master", ide.InBusMaster(2));
        trace.Note(what + " bus master command", ide.InBusMaster(0));
        Registers(ide, trace, what);
        ide.StopBusMaster();
        trace.Note(what + " stopped", ide.InBusMaster(2));
        ide.OutBusMaster(2, 6);
        trace.Note(what + " cleared", ide.InBusMaster(2));
    }

    private static void Trim(IdeDriver ide, IdeTrace trace)
    {
        var data = ide.MemoryBase + DataOffset;
        var list = new byte[512];
        BinaryPrimitives.WriteUInt64LittleEndian(list, 500UL | (8UL << 48));
        ide.WriteMemory(data, list);
        Dma(ide, trace, "trim", 0x06, 0, 1, (data, 512));
        BinaryPrimitives.WriteUInt64LittleEndian(list, (ulong)IdeDisks.Sectors - 1 | (2UL << 48));
        ide.WriteMemory(data, list);
        Dma(ide, trace, "trim beyond the end", 0x06, 0, 1, (data, 512));
    }

    private static void WithoutData(IdeDriver ide, IdeTrace trace)
    {
        foreach (var (what, command, features, count) in new[]
        {
            ("flush", 0xE7, 0, 0), ("flush ext", 0xEA, 0, 0), ("check power", 0xE5, 0, 0), ("idle immediate", 0xE1, 0, 0),
            ("verify", 0x40, 0, 4), ("seek", 0x70, 0, 0), ("recalibrate", 0x10, 0, 0), ("freeze", 0xF5, 0, 0),
            ("cache off", 0xEF, 0x82, 0), ("cache on", 0xEF, 0x02, 0), ("mode", 0xEF, 0x03, 0x22), ("bad feature", 0xEF, 0x5D, 0),
            ("native max", 0xF8, 0, 0), ("standby immediate", 0xE0, 0, 0),
        })
        {
            ide.Send28((byte)command, 9, count, (byte)features);
            ide.Settle();
            Registers(ide, trace, what);
        }

        Identify(ide, trace, "mode", 0xEC);
    }

    private static void Errors(IdeDriver ide, IdeTrace trace)
    {
        foreach (var (what, command) in new[] { ("read beyond", 0x20), ("write beyond", 0x30), ("dma beyond", 0xC8), ("verify beyond", 0x40) })
        {
            ide.Send28((byte)command, IdeDisks.Sectors, 1);
            ide.Settle();
            Registers(ide, trace, what);
            ide.OutControl(4); // one of both may wait for data
            ide.OutControl(0);
            ide.Settle();
        }

        foreach (var command in new byte[] { 0x00, 0x08, 0xA0, 0xA1, 0xFF })
        {
            ide.Send28(command, 9);
            ide.Settle();
            Registers(ide, trace, $"abort {command:x2}");
        }

        ide.OutControl(2);
        ide.Send28(0xEC);
        ide.Settle();
        trace.Note("nIEN interrupt", ide.IsInterrupting ? 1 : 0);
        ide.OutControl(0);
        trace.Note("nIEN off interrupt", ide.IsInterrupting ? 1 : 0);
        ide.InBlock(512);
        Status(ide, trace, "nIEN end");
    }

    private static void Reset(IdeDriver ide, IdeTrace trace, string what)
    {
        ide.OutControl(4);
        trace.Note(what + " in reset", ide.InAlternate());
        ide.OutControl(0);
        ide.Settle();
        Registers(ide, trace, what + " reset");
    }

    private static void Packet(
        IdeDriver ide, IdeTrace trace, string what, ReadOnlySpan<byte> packet, ReadOnlySpan<int> settings = default, int limit = 0xFFFE)
    {
        ide.SendPacket(packet, limit);
        ide.Settle();
        var data = new List<byte>();
        while ((ide.InAlternate() & (IdeDriver.Busy | IdeDriver.DataRequest)) == IdeDriver.DataRequest)
        {
            Registers(ide, trace, $"{what} at {data.Count}");
            data.AddRange(ide.InBlock(ide.In(IdeDriver.Mid) | (ide.In(IdeDriver.High) << 8)));
            ide.Settle();
        }

        var reply = data.ToArray();
        if (reply.Length > 100)
        {
            Data(trace, what, reply);
        }
        else if (settings.IsEmpty)
        {
            trace.Note(what, Convert.ToHexString(reply));
        }
        else
        {
            trace.Note(what, Convert.ToHexString(reply.AsSpan(0, 8))); // the rest are names
        }

        Registers(ide, trace, what + " end");
        ide.SendPacket([0x03, 0, 0, 0, 18]);
        var sense = ide.ReadPacketReply();
        sense[0] &= 0x7F; // the bit that says that there is a block's number
        trace.Note(what + " sense", Convert.ToHexString(sense));
        ide.In(IdeDriver.Status);
    }

    private static void PacketByBusMaster(IdeDriver ide, IdeTrace trace)
    {
        var data = ide.MemoryBase + DataOffset;
        ide.PrepareTable(ide.MemoryBase + TableOffset, (data, 4096));
        ide.OutBusMaster(0, 0);
        ide.OutBusMaster(2, 0x66);
        ide.SendPacket([0x28, 0, 0, 0, 0, 5, 0, 0, 2], features: 1);
        ide.StartBusMaster(toMemory: true);
        ide.Settle();
        trace.Note("packet dma bus master", ide.InBusMaster(2));
        Registers(ide, trace, "packet dma");
        ide.StopBusMaster();
        var read = new byte[4096];
        ide.ReadMemory(data, read);
        Data(trace, "packet dma data", read);
    }
}
