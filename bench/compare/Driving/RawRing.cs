using System.Buffers.Binary;
using Eider.Hardware.Memory;

namespace Eider.Compare.Driving;

/// <summary>
/// The driver's side of one virtqueue, no more than the measurement needs and without an allocation: request n always
/// lies in the same three buffers (header, 4 KiB of data, status), a batch is made available, then waited for as a whole.
/// </summary>
internal abstract class RawRing(GuestMemory memory, int size)
{
    /// <summary>Descriptors of the ring: 32 requests of three fit.</summary>
    public const int Size = 128;

    /// <summary>Descriptors of a request.</summary>
    protected const int Parts = 3;

    /// <summary>Bytes of data.</summary>
    public const int DataBytes = 4096;

    private const ulong RamBase = 0x8000_0000;
    private const ulong Requests = RamBase + 0x10_0000;
    private const ulong RequestBytes = 0x4000;
    private const ulong HeaderOffset = DataBytes;
    private const ulong StatusOffset = DataBytes + 64;

    /// <summary>Descriptors.</summary>
    public const ulong DescriptorAddress = RamBase;

    /// <summary>What the driver writes besides.</summary>
    public const ulong DriverAddress = RamBase + 0x1_0000;

    /// <summary>What the device writes besides.</summary>
    public const ulong DeviceAddress = RamBase + 0x2_0000;

    private readonly byte[] _header = new byte[16];

    /// <summary>The guest's memory.</summary>
    protected GuestMemory Memory { get; } = memory;

    /// <summary>Descriptors.</summary>
    protected int RingSize { get; } = size;

    /// <summary>Makes reads available, in one batch.</summary>
    /// <param name="sectors">Where each reads.</param>
    public void Add(ReadOnlySpan<ulong> sectors)
    {
        for (var i = 0; i < sectors.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_header.AsSpan(8), sectors[i]);
            Check(Memory.TryWrite(Header(i), _header));
            Check(Memory.TryWrite(Status(i), [0xFF]));
            Offer(i);
        }

        Publish();
    }

    /// <summary>Looks whether the whole batch came back, and with success.</summary>
    public bool TryTake(int count)
    {
        if (!TryTakeUsed(count))
        {
            return false;
        }

        Span<byte> status = stackalloc byte[1];
        for (var i = 0; i < count; i++)
        {
            Check(Memory.TryRead(Status(i), status) && status[0] == 0);
        }

        return true;
    }

    /// <summary>Puts request n into the ring.</summary>
    protected abstract void Offer(int request);

    /// <summary>Lets the device see what was offered, and asks for an interrupt with the next used buffer.</summary>
    protected abstract void Publish();

    /// <summary>Takes so many used entries if they are there.</summary>
    protected abstract bool TryTakeUsed(int count);

    /// <summary>Address, length and direction of a part of a request.</summary>
    protected static (ulong Address, uint LengthBytes, bool IsWritable) Part(int request, int part) => part switch
    {
        0 => (Header(request), 16, false),
        1 => (Data(request), DataBytes, true),
        _ => (Status(request), 1, true),
    };

    /// <summary>Writes a descriptor; the third and fourth field differ between the layouts.</summary>
    protected void WriteDescriptor(int index, ulong address, uint lengthBytes, ushort third, ushort fourth)
    {
        Span<byte> raw = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(raw, address);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[8..], lengthBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(raw[12..], third);
        BinaryPrimitives.WriteUInt16LittleEndian(raw[14..], fourth);
        Check(Memory.TryWrite(DescriptorAddress + ((ulong)index * 16), raw));
    }

    /// <summary>Reads a field of a ring.</summary>
    protected ushort Read16(ulong address)
    {
        Check(Memory.TryReadUInt16Acquire(address, out var value));
        return value;
    }

    /// <summary>Writes a field of a ring.</summary>
    protected void Write16(ulong address, ushort value) => Check(Memory.TryWriteUInt16Release(address, value));

    /// <summary>Ends the measurement if what must hold does not.</summary>
    protected static void Check(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException("the device did not do what the measurement asked for");
        }
    }

    private static ulong Data(int request) => Requests + ((ulong)request * RequestBytes);

    private static ulong Header(int request) => Data(request) + HeaderOffset;

    private static ulong Status(int request) => Data(request) + StatusOffset;
}
