using Eider.Hardware.Memory;

namespace Eider.Devices.Tests.Virtio.Bench;

internal sealed class SplitBenchRing : BenchRing
{
    private readonly Stack<int> _free = new();
    private readonly int[][] _chains;
    private int _available;
    private int _used;

    public SplitBenchRing(GuestMemory memory, int size, ulong address, ulong features)
        : base(memory, size, address, features)
    {
        _chains = new int[size][];
        for (var i = size - 1; i >= 0; i--)
        {
            _free.Push(i);
        }
    }

    public override int Add(ReadOnlySpan<BenchBuffer> buffers)
    {
        var slots = new int[buffers.Length];
        for (var i = 0; i < slots.Length; i++)
        {
            slots[i] = _free.Pop();
        }

        for (var i = 0; i < slots.Length; i++)
        {
            var isLast = i == slots.Length - 1;
            var flags = (isLast ? 0 : 1) | (buffers[i].IsWritable ? 2 : 0);
            WriteDescriptor(slots[i], buffers[i], (ushort)flags, (ushort)(isLast ? 0 : slots[i + 1]));
        }

        _chains[slots[0]] = slots;
        Write16(DriverAddress + 4 + (2UL * (ulong)(_available % Size)), slots[0]);
        _available++;
        Write16(DriverAddress + 2, _available);
        return slots[0];
    }

    public override bool TryTakeUsed(out int id, out uint length)
    {
        (id, length) = (0, 0);
        if (Read16(DeviceAddress + 2) == unchecked((ushort)_used))
        {
            return false;
        }

        var entry = DeviceAddress + 4 + (8UL * (ulong)(_used % Size));
        (id, length) = ((int)Read32(entry), Read32(entry + 4));
        _used++;
        foreach (var slot in _chains[id])
        {
            _free.Push(slot);
        }

        return true;
    }
}
