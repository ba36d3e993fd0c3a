using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>The states of a split ring: descriptors, available index and heads.</summary>
internal sealed class SplitStateSpace(int size) : RingStateSpace(size, isPacked: false)
{
    private readonly List<RawDescriptor> _alphabet = [.. MakeAlphabet(size)];
    private readonly List<(int Index, int[] Heads)> _arrangements = [.. MakeArrangements(size)];
    private readonly HashSet<int> _heads = [];
    private int _index;
    private int _walked;

    protected override IReadOnlyList<RawDescriptor> Alphabet => _alphabet;

    protected override int Arrangements => _arrangements.Count;

    protected override void StoreDescriptor(int index, RawDescriptor descriptor, int arrangement) =>
        Memory.WriteDescriptor(Descriptors + (16UL * (ulong)index), descriptor.Address, descriptor.Length, descriptor.Flags, descriptor.Next);

    protected override void Arrange(int arrangement)
    {
        var (index, heads) = _arrangements[arrangement];
        _index = index;
        Memory.Write16(Driver + 2, index);
        for (var i = 0; i < heads.Length; i++)
        {
            Memory.Write16(Driver + 4 + (2UL * (ulong)i), heads[i]);
        }
    }

    protected override void BeginWalk()
    {
        _heads.Clear();
        _walked = 0;
    }

    protected override bool Walk()
    {
        if (_index > Size)
        {
            return Verdict.Break(QueueFault.AvailableIndexJump); // nothing was taken yet
        }

        if (_walked == _index)
        {
            return false;
        }

        var head = Memory.Read16(Driver + 4 + (2UL * (ulong)_walked++));
        return WalkList(Descriptors, Size, head, isTable: false) && (_heads.Add(head) || Verdict.Break(QueueFault.BufferInFlight));
    }

    protected override bool WalkTable(ulong table, int count) => WalkList(table, count, 0, isTable: true);

    protected override bool IsUsed(int number, ushort id, int slots)
    {
        var entry = Device + 4 + (8UL * (ulong)number);
        return Memory.Read16(Device + 2) == number + 1 && Memory.Read32(entry) == id && Memory.Read32(entry + 4) == 0;
    }

    private bool WalkList(ulong table, int count, int index, bool isTable)
    {
        while (true)
        {
            if (index >= count)
            {
                return Verdict.Break(QueueFault.DescriptorOutOfRange);
            }

            var at = unchecked(table + (16UL * (ulong)index));
            if (!IsReadable(at))
            {
                return false;
            }

            var descriptor = Load(at);
            if (descriptor.IsIndirect)
            {
                return FollowTable(descriptor, !isTable);
            }

            if (!Verdict.Add(descriptor) || !descriptor.HasNext)
            {
                return Verdict.Fault == QueueFault.None;
            }

            index = descriptor.Next;
        }
    }

    private static IEnumerable<RawDescriptor> MakeAlphabet(int size)
    {
        (ulong, uint)[] buffers = size switch
        {
            1 => [(Plain, 0), (Plain, 1), (Plain, uint.MaxValue), (LastByte, 1), (LastByte, 2), (RamEnd, 0), (RamEnd, 1), (0, 1), (ulong.MaxValue, 1), (ulong.MaxValue, 2)],
            2 => [(Plain, 0), (Plain, 1), (LastByte, 1), (LastByte, 2), (Plain, uint.MaxValue), (ulong.MaxValue, 2)],
            _ => ProofScale.IsFull ? [(Plain, 1), (Plain, 0)] : [(Plain, 1)],
        };
        (ulong, uint)[] tables = size == 4
            ? [(GoodTable, 16), (LoopTable, 16)]
            : [(GoodTable, 16), (LoopTable, 16), (NestedTable, 16), (MixedTable, 32), (RamEnd - 8, 16), (GoodTable, 0), (GoodTable, 17), (GoodTable, 1 << 20)];
        foreach (var (address, length) in buffers)
        {
            foreach (var write in new[] { 0, WriteFlag, WriteFlag | 0x10 })
            {
                yield return new(address, length, write, 0, 0);
                for (var next = 0; next <= size && write < 0x10; next++)
                {
                    yield return new(address, length, write | NextFlag, next, 0);
                }
            }
        }

        if (size == 4)
        {
            yield return new(RamEnd, 1, 0, 0, 0);
        }

        foreach (var (address, length) in tables)
        {
            yield return new(address, length, IndirectFlag, 0, 0);
            yield return new(address, length, IndirectFlag | WriteFlag, 0, 0);
        }

        yield return new(GoodTable, 16, IndirectFlag | NextFlag, 0, 0);
    }

    private static IEnumerable<(int Index, int[] Heads)> MakeArrangements(int size)
    {
        switch (size)
        {
            case 1:
                foreach (var index in new[] { 0, 1, 2, ushort.MaxValue })
                {
                    foreach (var head in new[] { 0, 1, ushort.MaxValue })
                    {
                        yield return (index, [head]);
                    }
                }

                break;
            case 2:
                for (var first = 0; first <= 2; first++)
                {
                    yield return (1, [first, 2]);
                    for (var second = 0; second <= 2; second++)
                    {
                        yield return (2, [first, second]);
                    }
                }

                break;
            default:
                yield return (1, [0, 0, 0, 0]);
                yield return (2, [0, 1, 0, 0]);
                yield return (4, [3, 2, 1, 0]);
                if (ProofScale.IsFull)
                {
                    yield return (1, [4, 0, 0, 0]);
                    yield return (2, [1, 1, 0, 0]);
                    yield return (3, [2, 0, 3, 0]);
                    yield return (5, [0, 1, 2, 3]);
                }

                break;
        }
    }
}
