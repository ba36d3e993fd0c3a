using Eider.Hardware.Memory;

namespace Eider.Devices.Tests.Virtio.Bench;

internal sealed class PackedBenchRing : BenchRing
{
    private const int Avail = 0x80;
    private const int Used = 0x8000;

    private readonly Stack<int> _ids = new();
    private readonly int[] _counts;
    private int _next;
    private bool _wrap = true;
    private int _usedNext;
    private bool _usedWrap = true;

    public PackedBenchRing(GuestMemory memory, int size, ulong address, ulong features)
        : base(memory, size, address, features)
    {
        _counts = new int[size];
        for (var i = size - 1; i >= 0; i--)
        {
            _ids.Push(i);
        }
    }

    public override int Add(ReadOnlySpan<BenchBuffer> buffers)
    {
        var id = _ids.Pop();
        _counts[id] = buffers.Length;
        var (head, headFlags) = (_next, 0);
        for (var i = 0; i < buffers.Length; i++)
        {
            var flags = (i == buffers.Length - 1 ? 0 : 1) | (buffers[i].IsWritable ? 2 : 0) | (_wrap ? Avail : Used);
            headFlags = i == 0 ? flags : headFlags;
            // The head becomes available last.
            var stored = i == 0 ? flags ^ (Avail | Used) : flags;
            WriteDescriptor(_next, buffers[i], (ushort)id, (ushort)stored);
            Step(ref _next, ref _wrap, 1);
        }

        Write16(Base + (16UL * (ulong)head) + 14, headFlags);
        return id;
    }

    public override bool TryTakeUsed(out int id, out uint length)
    {
        (id, length) = (0, 0);
        var entry = Base + (16UL * (ulong)_usedNext);
        var flags = Read16(entry + 14);
        if (((flags & Avail) != 0) != _usedWrap || ((flags & Used) != 0) != _usedWrap)
        {
            return false;
        }

        (id, length) = (Read16(entry + 12), Read32(entry + 8));
        Step(ref _usedNext, ref _usedWrap, _counts[id]);
        _ids.Push(id);
        return true;
    }

    private void Step(ref int position, ref bool wrap, int count)
    {
        position += count;
        if (position >= Size)
        {
            position -= Size;
            wrap = !wrap;
        }
    }
}
