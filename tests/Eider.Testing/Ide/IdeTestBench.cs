using System.Buffers.Binary;
using Eider.Devices.Ide;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Testing.Hardware;

namespace Eider.Testing.Ide;

/// <summary>
/// An IDE channel, RAM, and a driver on its registers: everything on the caller's thread, in a fixed order. A device that
/// works does so only when the bench is told to settle, or after each access with <see cref="IsEager"/>.
/// </summary>
public sealed class IdeTestBench : IdeDriver, IAsyncDisposable
{
    public const ulong RamBase = 0x8000_0000;
    public const ulong RamBytes = 16 << 20;

    /// <summary>Puts devices on a channel.</summary>
    /// <param name="device0">Device 0.</param>
    /// <param name="device1">Device 1.</param>
    /// <param name="wrap">Puts a memory of the test between the bus master and RAM.</param>
    /// <param name="executor">Where the worker runs; by hand unless given.</param>
    public IdeTestBench(
        IIdeDeviceConfig? device0, IIdeDeviceConfig? device1 = null, Func<GuestRam, GuestMemory>? wrap = null, IExecutor? executor = null)
    {
        Ram = new GuestRam((RamBase, RamBytes));
        Services = new IdeServices { Memory = wrap?.Invoke(Ram) ?? Ram, Executor = executor ?? Workers };
        Channel = new IdeChannel("test", device0, device1, Services, Line);
    }

    public GuestRam Ram { get; }

    public IdeServices Services { get; }

    public ManualExecutor Workers { get; } = new();

    public FakeInterruptLine Line { get; } = new();

    public IdeChannel Channel { get; }

    /// <summary>True: the device works after each access, as if it took no time.</summary>
    public bool IsEager { get; set; }

    /// <inheritdoc/>
    public override uint MemoryBase => (uint)RamBase;

    /// <inheritdoc/>
    public override bool IsInterrupting => Line.Level;

    /// <inheritdoc/>
    protected override byte ReadRegister(int index)
    {
        Span<byte> data = [0xFF];
        Channel.ReadCommandBlock(index, data);
        After();
        return data[0];
    }

    /// <inheritdoc/>
    protected override void WriteRegister(int index, byte value)
    {
        Channel.WriteCommandBlock(index, [value]);
        After();
    }

    /// <inheritdoc/>
    public override ushort InWord()
    {
        Span<byte> data = stackalloc byte[2];
        Channel.ReadCommandBlock(Data, data);
        After();
        return BinaryPrimitives.ReadUInt16LittleEndian(data);
    }

    /// <inheritdoc/>
    public override void OutWord(ushort value)
    {
        Span<byte> data = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(data, value);
        Channel.WriteCommandBlock(Data, data);
        After();
    }

    /// <summary>Reads the data port 32 bits wide.</summary>
    public uint InLong()
    {
        Span<byte> data = stackalloc byte[4];
        Channel.ReadCommandBlock(Data, data);
        After();
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    /// <inheritdoc/>
    public override byte InAlternate() => Channel.ReadAlternateStatus();

    /// <inheritdoc/>
    public override void OutControl(byte value)
    {
        Channel.WriteControl(value);
        After();
    }

    /// <inheritdoc/>
    public override byte InBusMaster(int offset) => Channel.ReadBusMaster(offset);

    /// <inheritdoc/>
    public override void OutBusMaster(int offset, byte value)
    {
        Channel.WriteBusMaster(offset, value);
        After();
    }

    /// <inheritdoc/>
    public override void OutTable(uint address)
    {
        for (var i = 0; i < 4; i++)
        {
            Channel.WriteBusMaster(4 + i, unchecked((byte)(address >> (8 * i))));
        }
    }

    /// <inheritdoc/>
    public override void ReadMemory(ulong address, Span<byte> bytes) => Require(Ram.TryRead(address, bytes));

    /// <inheritdoc/>
    public override void WriteMemory(ulong address, ReadOnlySpan<byte> bytes) => Require(Ram.TryWrite(address, bytes));

    /// <inheritdoc/>
    public override void Settle() => Workers.RunPending();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        var disposal = Channel.DisposeAsync();
        Workers.RunPending();
        await disposal;
        Ram.Dispose();
    }

    private static void Require(bool isDone)
    {
        if (!isDone)
        {
            throw new InvalidOperationException("not RAM");
        }
    }

    private void After()
    {
        if (IsEager)
        {
            Settle();
        }
    }
}
