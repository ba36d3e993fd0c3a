using System.Buffers.Binary;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;

namespace Eider.Testing.Virtio;

/// <summary>
/// A model of the driver's side of one virtqueue, written from the specification and independently of the device's
/// side. Its methods work on guest memory only; a test may spoil any of it.
/// </summary>
public abstract class RingDriver
{
    /// <summary>Lays a ring out in memory, and zeroes it.</summary>
    protected RingDriver(GuestMemory memory, VirtQueueSettings layout)
    {
        Memory = memory;
        Layout = layout;
        EventIdx = layout.Features.Has(VirtioFeature.EventIdx);
        var (descriptor, driver, device) = layout.PartSizes;
        Write(layout.DescriptorAddress, new byte[descriptor]);
        Write(layout.DriverAddress, new byte[driver]);
        Write(layout.DeviceAddress, new byte[device]);
    }

    /// <summary>Where it lies.</summary>
    public VirtQueueSettings Layout { get; }

    /// <summary>Size in descriptors.</summary>
    public int Size => Layout.Size;

    /// <summary>Descriptors free.</summary>
    public abstract int FreeCount { get; }

    /// <summary>The guest's memory.</summary>
    public GuestMemory Memory { get; }

    /// <summary>True if negotiated.</summary>
    protected bool EventIdx { get; }

    /// <summary>Makes the ring that was negotiated.</summary>
    public static RingDriver Create(GuestMemory memory, VirtQueueSettings layout) =>
        layout.Features.Has(VirtioFeature.RingPacked) ? new PackedRingDriver(memory, layout) : new SplitRingDriver(memory, layout);

    /// <summary>Makes a request available.</summary>
    /// <param name="buffers">Its buffers.</param>
    /// <param name="indirectTable">Where to put an indirect table; 0 for direct descriptors.</param>
    /// <returns>The id that comes back when it is used.</returns>
    public abstract ushort Add(ReadOnlySpan<DriverBuffer> buffers, ulong indirectTable = 0);

    /// <summary>Takes the next used buffer.</summary>
    public abstract bool TryGetUsed(out UsedBuffer used);

    /// <summary>True if the device wants to know of what was added since the last call.</summary>
    public abstract bool NeedsKick();

    /// <summary>Says which notifications are wanted.</summary>
    public abstract void SetMode(DriverMode mode);

    /// <summary>Writes guest memory.</summary>
    public void Write(ulong address, ReadOnlySpan<byte> bytes) => Xunit.Assert.True(Memory.TryWrite(address, bytes));

    /// <summary>Writes a 16-bit field.</summary>
    public void Write16(ulong address, ushort value) => Xunit.Assert.True(Memory.TryWriteUInt16Release(address, value));

    /// <summary>Reads a 16-bit field.</summary>
    public ushort Read16(ulong address)
    {
        Xunit.Assert.True(Memory.TryReadUInt16Acquire(address, out var value));
        return value;
    }

    /// <summary>Reads guest memory.</summary>
    public byte[] Read(ulong address, int lengthBytes)
    {
        var bytes = new byte[lengthBytes];
        Xunit.Assert.True(Memory.TryRead(address, bytes));
        return bytes;
    }

    /// <summary>Writes a descriptor of either layout: the third field is flags or id, the fourth next or flags.</summary>
    public void WriteDescriptor(ulong address, ulong buffer, uint lengthBytes, ushort third, ushort fourth)
    {
        Span<byte> raw = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(raw, buffer);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[8..], lengthBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(raw[12..], third);
        BinaryPrimitives.WriteUInt16LittleEndian(raw[14..], fourth);
        Write(address, raw);
    }
}
