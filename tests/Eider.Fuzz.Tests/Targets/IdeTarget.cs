using System.Buffers.Binary;
using Eider.Devices.Ide;
using Eider.Hardware.Time;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;
using Eider.Testing.Hardware;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// An IDE channel with a disk and a CD drive: commands of all kinds with addresses and counts at their edges, packets, data words too many and too
/// few, tables of the bus master right and wrong, resets and stops in between, a storage that answers late or fails. Completed: an operation of
/// a storage was done, and the interrupt told of it.
/// </summary>
public sealed class IdeTarget : FuzzTarget
{
    private const int DiskSectors = 256;
    private const int DiscBlocks = 64;
    private const int MaxWords = 600;
    private const int MaxWorkerRuns = 5000;
    private const byte Busy = 0x80;
    private const byte DataRequest = 0x08;

    private static readonly byte[] Commands =
    [
        0x20, 0xC8, 0x30, 0xCA, 0xEC, 0xA0, 0x25, 0x35, 0x24, 0x34, 0xC4, 0xC5, 0xC6, 0xE7, 0xEA, 0xEF, 0xA1, 0x06, 0xB0, 0xF8, 0xF9, 0x27, 0x37, 0x2F,
        0x47, 0x40, 0x42, 0xE0, 0xE3, 0x90, 0x91, 0x08, 0xE4, 0xE8, 0x29, 0x39, 0x3D, 0xCE,
    ];

    private static readonly byte[] Packets = [0x28, 0xA8, 0xBE, 0x00, 0x03, 0x12, 0x1B, 0x1E, 0x25, 0x43, 0x46, 0x4A, 0x51, 0x52, 0x5A, 0x1A, 0xB9, 0x2B];

    private readonly FuzzGuest _guest = new();
    private readonly IdeFuzzMemory _memory;
    private readonly ManualExecutor _workers = new();
    private readonly FakeInterruptLine _line = new();
    private readonly FuzzStorage _disk = new(DiskSectors * 512);
    private readonly FuzzStorage _disc = new(DiscBlocks * 2048);
    private readonly IdeChannel _channel;

    /// <summary>A channel.</summary>
    public IdeTarget()
    {
        _memory = new IdeFuzzMemory(_guest.Ram);
        _channel = new IdeChannel(
            "fuzz", new IdeDisk { Storage = _disk }, new IdeCdrom { Medium = _disc },
            new IdeServices { Memory = _memory, Executor = _workers }, _line);
    }

    /// <inheritdoc/>
    public override string Name => "ide";

    /// <inheritdoc/>
    public override bool IsDevice => true;

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Begin();
        var rises = _line.Rises;
        Command(input);
        for (var steps = input.Below(10); steps > 0; steps--)
        {
            Step(input);
        }

        Settle();
        var completed = _disk.Done + _disc.Done > 0 && _line.Rises > rises;
        Note(input);
        End();
        if (input.OneIn(8))
        {
            CheckUsable();
        }

        return completed;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            DeviceEnd.Close(_channel, Settle);

            _guest.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Begin()
    {
        _disk.Begin();
        _disc.Begin();
        _channel.Reset();
        Settle();
        var tray = _channel.Tray(1)!;
        if (tray.IsOpen || tray.Medium is null || tray.IsLocked)
        {
            var change = tray.TryChangeAsync(_disc, force: true).AsTask();
            for (var i = 0; i < 100 && !change.IsCompleted; i++)
            {
                Settle();
            }

            FuzzException.Unless(change.IsCompleted, "the host cannot change the disc");
            _channel.Reset();
            Settle();
        }

        _guest.Clear();
        _memory.Forget();
    }

    private void Step(FuzzInput input)
    {
        switch (input.Below(16))
        {
            case < 5:
                Command(input);
                break;
            case < 7:
                MoveData(input);
                break;
            case 7:
                StartBusMaster(input);
                break;
            case 8:
                _channel.WriteBusMaster(input.Below(8), input.Byte());
                break;
            case 9:
                Write(input.Below(9), input.Byte());
                break;
            case 10:
                Read(input.Below(8));
                break;
            case 11:
                _channel.WriteControl((byte)(input.OneIn(4) ? input.Byte() : input.Below(2) * 4));
                break;
            case 12:
                HostStep(input);
                break;
            case 13 when input.OneIn(4):
                _channel.Reset();
                _memory.Forget();
                break;
            default:
                RunWorkers();
                break;
        }
    }

    private void HostStep(FuzzInput input)
    {
        var storage = input.OneIn(3) ? _disc : _disk;
        switch (input.Below(4))
        {
            case 0:
                storage.LetGo();
                break;
            case 1:
                storage.Holds = !storage.Holds;
                break;
            case 2:
                storage.IgnoresCancellation = !storage.IgnoresCancellation;
                break;
            default:
                storage.Fails = !storage.Fails;
                break;
        }
    }

    private void Command(FuzzInput input)
    {
        var command = input.OneIn(32) ? input.Byte() : input.Pick<byte>(Commands);
        var isPacket = command == 0xA0;
        var unit = isPacket ^ input.OneIn(8) ? 1 : 0;
        var lba = input.OneIn(8) ? input.Edge(DiskSectors) : (ulong)input.Below(DiskSectors);
        var count = input.OneIn(8) ? input.Byte() : (byte)(1 + input.Below(4));
        Write(6, (byte)(0xE0 | (unit << 4) | (input.OneIn(8) ? input.Below(16) : 0)));
        Write(1, (byte)(input.OneIn(2) ? input.Byte() : input.Below(2)));
        if (command is 0x24 or 0x25 or 0x34 or 0x35)
        {
            Write(2, 0);
            Write(3, 0);
            Write(4, 0);
            Write(5, (byte)((lba >> 40) & 0xFF));
        }

        Write(2, count);
        Write(3, (byte)(lba & 0xFF));
        Write(4, (byte)(isPacket ? 0xFE : (lba >> 8) & 0xFF));
        Write(5, (byte)(isPacket ? 0x0F : (lba >> 16) & 0xFF));
        var isDma = command is 0xC8 or 0xCA or 0x25 or 0x35 or 0x06;
        if (isDma && !input.OneIn(8))
        {
            StartBusMaster(input);
        }

        Write(7, command);
        RunWorkers();
        if (isPacket && !input.OneIn(8))
        {
            SendPacket(input);
        }

        if (!isDma)
        {
            MoveData(input);
        }
    }

    private void SendPacket(FuzzInput input)
    {
        Span<byte> packet = stackalloc byte[12];
        packet.Clear();
        packet[0] = input.OneIn(16) ? input.Byte() : input.Pick<byte>(Packets);
        BinaryPrimitives.WriteUInt32BigEndian(packet[2..], unchecked((uint)(input.OneIn(4) ? input.Edge(DiscBlocks) : (ulong)input.Below(DiscBlocks))));
        packet[8] = (byte)(1 + input.Below(4));
        packet[9] = (byte)(input.OneIn(2) ? packet[8] : input.Byte());
        packet[input.Below(12)] |= (byte)(input.OneIn(4) ? input.Byte() : 0);
        for (var i = 0; i < packet.Length; i += 2)
        {
            _channel.WriteCommandBlock(0, packet.Slice(i, 2));
        }

        RunWorkers();
    }

    /// <summary>Moves words as the device asks, now and then in the wrong direction, too many or too few.</summary>
    private void MoveData(FuzzInput input)
    {
        var read = !input.OneIn(3);
        var words = input.OneIn(4) ? input.Below(MaxWords) : MaxWords;
        Span<byte> word = stackalloc byte[2];
        for (var i = 0; i < words && (_channel.ReadAlternateStatus() & (Busy | DataRequest)) == DataRequest; i++)
        {
            if (read)
            {
                _channel.ReadCommandBlock(0, word);
            }
            else
            {
                _channel.WriteCommandBlock(0, word);
            }

            if ((i & 0xFF) == 0xFF)
            {
                RunWorkers();
            }
        }

        RunWorkers();
    }

    private void StartBusMaster(FuzzInput input)
    {
        var table = (uint)FuzzGuest.RamBase + (uint)(8 * input.Below(64));
        var entries = 1 + input.Below(4);
        for (var i = 0; i < entries; i++)
        {
            var entry = _guest.At(table + (8UL * (ulong)i), 8);
            var address = input.OneIn(8) ? FuzzGuest.EdgeAddress(input) : FuzzGuest.RamBase + 0x4000 + (ulong)(2 * input.Below(0x4000));
            BinaryPrimitives.WriteUInt32LittleEndian(entry, unchecked((uint)address));
            var count = input.OneIn(8) ? input.TwoBytes() : (ushort)(512 * (1 + input.Below(4)));
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], count | (i == entries - 1 && !input.OneIn(16) ? 0x8000_0000 : 0));
        }

        for (var i = 0; i < 4; i++)
        {
            _channel.WriteBusMaster(4 + i, (byte)((table >> (8 * i)) & 0xFF));
        }

        _channel.WriteBusMaster(0, (byte)(input.OneIn(3) ? 0x01 : 0x09));
        RunWorkers();
    }

    private void Write(int register, byte value)
    {
        if (register == 8)
        {
            _channel.WriteControl(value);
        }
        else
        {
            _channel.WriteCommandBlock(register, register == 0 ? [value, value] : [value]);
        }
    }

    private byte Read(int register)
    {
        Span<byte> data = stackalloc byte[register == 0 ? 2 : 1];
        _channel.ReadCommandBlock(register, data);
        return data[0];
    }

    private void RunWorkers() =>
        FuzzException.Unless(_workers.RunPending(MaxWorkerRuns) < MaxWorkerRuns, "the worker never comes to rest");

    private void Settle()
    {
        RunWorkers();
        for (var rounds = 0; _disk.LetGo() | _disc.LetGo(); rounds++)
        {
            FuzzException.Unless(rounds < MaxWorkerRuns, "the storage never comes to rest");
            RunWorkers();
        }
    }

    private void Note(FuzzInput input)
    {
        for (var unit = 0; unit < 2; unit++)
        {
            Write(6, (byte)(0xA0 | (unit << 4)));
            var status = _channel.ReadAlternateStatus();
            input.Saw(unit == 0 ? "disk " + StateOf(status) : "cd " + StateOf(status));
        }
    }

    private static string StateOf(byte status) => (status & 0x89) switch
    {
        >= 0x80 => "busy",
        0x09 => "wants data after an error",
        0x08 => "wants data",
        0x01 => "error",
        _ => "ready",
    };

    private void End()
    {
        FuzzException.Unless(_memory.Violation is null, _memory.Violation ?? "");
        _channel.Reset();
        _memory.Forget(); // nothing may be written from here on
        Settle();
        FuzzException.Unless(_memory.Violation is null, $"after a reset it {_memory.Violation}");
        FuzzException.Unless(!_line.Level, "the interrupt is high after a reset");
        FuzzException.Unless((_channel.ReadAlternateStatus() & Busy) == 0, "busy for ever after a reset");
    }

    /// <summary>After whatever came before, a plain read of the first sector works.</summary>
    private void CheckUsable()
    {
        Begin();
        Write(6, 0xE0);
        Write(2, 1);
        Write(3, 0);
        Write(4, 0);
        Write(5, 0);
        Write(7, 0x20);
        Settle();
        FuzzException.Unless((_channel.ReadAlternateStatus() & (Busy | DataRequest)) == DataRequest, "after a reset a plain read offers no data");
        for (var i = 0; i < 256; i++)
        {
            Read(0);
        }

        Settle();
        FuzzException.Unless((_channel.ReadAlternateStatus() & (Busy | DataRequest | 1)) == 0, "after a reset a plain read does not end well");
    }
}
