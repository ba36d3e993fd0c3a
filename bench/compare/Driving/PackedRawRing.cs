using Eider.Hardware.Memory;

namespace Eider.Compare.Driving;

/// <summary>A packed virtqueue (virtio 1.3, section 2.8).</summary>
internal sealed class PackedRawRing(GuestMemory memory) : RawRing(memory, Size)
{
    private const int Available = 0x80;
    private const int Used = 0x8000;
    private const ushort AtDescriptor = 2;

    private int _next;
    private bool _wrap = true;
    private int _usedNext;
    private bool _usedWrap = true;
    private int _firstSlot;
    private ushort _firstFlags;
    private bool _hasFirst;

    protected override void Offer(int request)
    {
        var head = _next;
        ushort headFlags = 0;
        for (var part = 0; part < Parts; part++)
        {
            var (address, length, isWritable) = Part(request, part);
            var flags = (ushort)((_wrap ? Available : Used) | (isWritable ? 2 : 0) | (part == Parts - 1 ? 0 : 1));
            // The head shows itself last.
            WriteDescriptor(_next, address, length, (ushort)request, part == 0 ? (ushort)(_wrap ? Used : Available) : flags);
            headFlags = part == 0 ? flags : headFlags;
            Step(ref _next, ref _wrap, 1);
        }

        if (_hasFirst)
        {
            Write16(DescriptorAddress + ((ulong)head * 16) + 14, headFlags);
            return;
        }

        (_firstSlot, _firstFlags, _hasFirst) = (head, headFlags, true);
    }

    protected override void Publish()
    {
        Write16(DriverAddress, (ushort)(_usedNext | (_usedWrap ? Used : 0)));
        Write16(DriverAddress + 2, AtDescriptor);
        Write16(DescriptorAddress + ((ulong)_firstSlot * 16) + 14, _firstFlags);
        _hasFirst = false;
    }

    protected override bool TryTakeUsed(int count)
    {
        var (next, wrap) = (_usedNext, _usedWrap);
        for (var i = 0; i < count; i++)
        {
            var flags = Read16(DescriptorAddress + ((ulong)next * 16) + 14);
            if ((flags & Available) != 0 != wrap || (flags & Used) != 0 != wrap)
            {
                return false;
            }

            Step(ref next, ref wrap, Parts);
        }

        (_usedNext, _usedWrap) = (next, wrap);
        return true;
    }

    private static void Step(ref int index, ref bool wrap, int count)
    {
        index += count;
        if (index >= Size)
        {
            index -= Size;
            wrap = !wrap;
        }
    }
}
