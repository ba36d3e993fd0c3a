using System.Buffers.Binary;
using Eider.Devices.Interrupts;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;

namespace Eider.Examples;

/// <summary>Copies guest memory, and interrupts when it has. Registers of 8 bytes, accessed as memory.</summary>
public sealed class CopyEngine(GuestMemory memory, IInterruptLine line) : IDeviceIo
{
    public const int Source = 0, Destination = 8, Length = 16, Status = 24, SizeBytes = 32; // offsets
    public const byte Start = 1, Done = 2, Failed = 4; // status: write Start, or Done and Failed to acknowledge them
    public const ulong MaxBytes = 64 << 10; // of one copy: the hart waits for it

    private readonly Lock _gate = new(); // held for the registers, and for nothing else
    private readonly byte[] _registers = new byte[SizeBytes];
    private readonly InterruptOutput _interrupt = new(line);

    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        lock (_gate)
        {
            _registers.AsSpan((int)offset.Value, data.Length).CopyTo(data); // the bus hands on nothing that leaves the range
        }

        return BusResult.Ok;
    }

    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        if (offset.Value == Status)
        {
            var result = (data[0] & Start) != 0 ? Copy() : 0; // without the lock: other harts may look meanwhile
            lock (_gate)
            {
                _registers[Status] = (byte)((_registers[Status] & ~data[0]) | result);
                _interrupt.Compute(_registers[Status] != 0); // the level follows from the state, here alone
            }

            _interrupt.Drive(); // never with the lock held
        }
        else if (offset.Value + (ulong)data.Length <= Status)
        {
            lock (_gate)
            {
                data.CopyTo(_registers.AsSpan((int)offset.Value));
            }
        }

        return BusResult.Ok;
    }

    private byte Copy()
    {
        ulong source, destination, length;
        lock (_gate)
        {
            (source, destination, length) = (Register(Source), Register(Destination), Register(Length)); // read once, then used
        }

        var isGood = length <= MaxBytes && memory.Contains(source, length) && memory.Contains(destination, length);
        Span<byte> piece = stackalloc byte[512];
        for (var at = 0UL; isGood && at < length; at += (ulong)piece.Length)
        {
            piece = piece[..(int)Math.Min((ulong)piece.Length, length - at)];
            isGood = memory.TryRead(source + at, piece) && memory.TryWrite(destination + at, piece);
        }

        return isGood ? Done : Failed;
    }

    private ulong Register(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(_registers.AsSpan(offset));
}
