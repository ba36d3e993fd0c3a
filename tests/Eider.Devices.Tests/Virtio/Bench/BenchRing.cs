using System.Buffers.Binary;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;

namespace Eider.Devices.Tests.Virtio.Bench;

/// <summary>The driver's side of one ring.</summary>
internal abstract class BenchRing(GuestMemory memory, int size, ulong address, ulong features)
{
    protected GuestMemory Memory { get; } = memory;

    protected int Size { get; } = size;

    protected ulong Base { get; } = address;

    public VirtQueueSettings MakeSettings(int index) => new()
    {
        Index = index,
        Size = Size,
        DescriptorAddress = Base,
        DriverAddress = DriverAddress,
        DeviceAddress = DeviceAddress,
        Features = features,
    };

    protected ulong DriverAddress => Base + (16UL * (ulong)Size);

    protected ulong DeviceAddress => (DriverAddress + 6 + (2UL * (ulong)Size) + 15) & ~15UL;

    /// <summary>Bytes that a ring takes.</summary>
    public static ulong GetBytes(int size) => (32UL * (ulong)size) + 64;

    /// <summary>Makes a chain available; returns its id.</summary>
    public abstract int Add(ReadOnlySpan<BenchBuffer> buffers);

    /// <summary>Takes a used entry.</summary>
    public abstract bool TryTakeUsed(out int id, out uint length);

    protected void Write16(ulong address, int value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, unchecked((ushort)value));
        Assert.True(Memory.TryWrite(address, bytes));
    }

    protected ushort Read16(ulong address)
    {
        Span<byte> bytes = stackalloc byte[2];
        Assert.True(Memory.TryRead(address, bytes));
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    protected uint Read32(ulong address)
    {
        Span<byte> bytes = stackalloc byte[4];
        Assert.True(Memory.TryRead(address, bytes));
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    protected void WriteDescriptor(int slot, BenchBuffer buffer, ushort third, ushort fourth)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, buffer.Address);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], buffer.LengthBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[12..], third);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[14..], fourth);
        Assert.True(Memory.TryWrite(Base + (16UL * (ulong)slot), bytes));
    }
}
