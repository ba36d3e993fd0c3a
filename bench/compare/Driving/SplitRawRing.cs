using Eider.Hardware.Memory;

namespace Eider.Compare.Driving;

/// <summary>A split virtqueue (virtio 1.3, section 2.7); request n keeps its three descriptors.</summary>
internal sealed class SplitRawRing : RawRing
{
    private ushort _available;
    private ushort _used;

    public SplitRawRing(GuestMemory memory)
        : base(memory, Size)
    {
        for (var index = 0; index + Parts <= Size; index += Parts)
        {
            for (var part = 0; part < Parts; part++)
            {
                var (address, length, isWritable) = Part(index / Parts, part);
                var isLast = part == Parts - 1;
                WriteDescriptor(
                    index + part, address, length, (ushort)((isWritable ? 2 : 0) | (isLast ? 0 : 1)), (ushort)(isLast ? 0 : index + part + 1));
            }
        }
    }

    protected override void Offer(int request)
    {
        Write16(DriverAddress + 4 + (2UL * (ulong)(_available % RingSize)), (ushort)(request * Parts));
        _available = unchecked((ushort)(_available + 1));
    }

    protected override void Publish()
    {
        Write16(DriverAddress + 4 + (2UL * (ulong)RingSize), _used);
        Write16(DriverAddress + 2, _available);
    }

    protected override bool TryTakeUsed(int count)
    {
        if (unchecked((ushort)(Read16(DeviceAddress + 2) - _used)) < count)
        {
            return false;
        }

        _used = unchecked((ushort)(_used + count));
        return true;
    }
}
