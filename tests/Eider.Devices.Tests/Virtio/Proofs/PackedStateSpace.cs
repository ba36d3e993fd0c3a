using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>The states of a packed ring at the start of its life: descriptors with all flags, and buffer ids that differ or not.</summary>
internal sealed class PackedStateSpace(int size) : RingStateSpace(size, isPacked: true)
{
    private const int Avail = 0x80, Used = 0x8000;

    private readonly List<RawDescriptor> _alphabet = [.. MakeAlphabet(size)];
    private readonly HashSet<int> _ids = [];
    private int _slot;
    private int _inFlight;
    private bool _wrap;

    protected override IReadOnlyList<RawDescriptor> Alphabet => _alphabet;

    protected override int Arrangements => 2;

    protected override void StoreDescriptor(int index, RawDescriptor descriptor, int arrangement) =>
        Memory.WriteDescriptor(
            Descriptors + (16UL * (ulong)index), descriptor.Address, descriptor.Length, arrangement == 0 ? index + 7 : 7, descriptor.Flags);

    protected override void Arrange(int arrangement)
    {
        // Nothing but descriptors: the event areas stay zero.
    }

    protected override void BeginWalk()
    {
        _ids.Clear();
        (_slot, _inFlight, _wrap) = (0, 0, true);
    }

    protected override bool Walk()
    {
        for (var slots = 1; ; slots++)
        {
            var descriptor = Load(Descriptors + (16UL * (ulong)_slot));
            var isAvailable = (descriptor.Flags & Avail) != 0 == _wrap && (descriptor.Flags & Used) != 0 != _wrap;
            if (!isAvailable)
            {
                return slots > 1 && Verdict.Break(QueueFault.ChainNotAvailable);
            }

            if (_inFlight + slots > Size)
            {
                return Verdict.Break(slots > Size ? QueueFault.ChainTooLong : QueueFault.RingOverrun);
            }

            if (!(descriptor.IsIndirect ? FollowTable(descriptor, mayStandHere: slots == 1) : Verdict.Add(descriptor)))
            {
                return false;
            }

            _slot = (_slot + 1) % Size;
            _wrap ^= _slot == 0;
            if (!descriptor.HasNext)
            {
                _inFlight += slots;
                return _ids.Add(descriptor.Id) || Verdict.Break(QueueFault.BufferInFlight);
            }
        }
    }

    protected override bool WalkTable(ulong table, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var at = unchecked(table + (16UL * (ulong)i));
            if (!IsReadable(at) || !Verdict.Add(Load(at)))
            {
                return false;
            }
        }

        return true;
    }

    protected override bool IsUsed(int number, ushort id, int slots)
    {
        // The first of the slots that the chain took; chains are given back in the order in which they were taken.
        _slot = number == 0 ? 0 : _slot;
        var at = Descriptors + (16UL * (ulong)_slot);
        var isUsed = Memory.Read16(at + 12) == id && (Memory.Read16(at + 14) & (Avail | Used)) == (Avail | Used);
        _slot += slots;
        return isUsed;
    }

    private static IEnumerable<RawDescriptor> MakeAlphabet(int size)
    {
        (ulong, uint)[] buffers = size switch
        {
            1 => [(Plain, 0), (Plain, 1), (Plain, uint.MaxValue), (LastByte, 1), (LastByte, 2), (RamEnd, 0), (RamEnd, 1), (0, 1), (ulong.MaxValue, 1), (ulong.MaxValue, 2)],
            2 => [(Plain, 0), (Plain, 1), (LastByte, 2), (ulong.MaxValue, 2)],
            _ => [(Plain, 1)],
        };
        (ulong, uint)[] tables = size == 4
            ? [(GoodTable, 16), (LoopTable, 16)]
            : [(GoodTable, 16), (LoopTable, 16), (NestedTable, 16), (MixedTable, 32), (RamEnd - 8, 16), (GoodTable, 0), (GoodTable, 17), (GoodTable, 1 << 20)];
        foreach (var turn in new[] { 0, Avail, Used, Avail | Used })
        {
            foreach (var (address, length) in buffers)
            {
                for (var flags = 0; flags < 4; flags++)
                {
                    yield return new(address, length, turn | flags, 0, 0);
                }
            }

            foreach (var (address, length) in tables.Where(_ => turn == Avail || size < 4 || ProofScale.IsFull))
            {
                yield return new(address, length, turn | IndirectFlag, 0, 0);
                yield return new(address, length, turn | IndirectFlag | NextFlag, 0, 0);
            }
        }

        if (size == 4)
        {
            yield return new(RamEnd, 1, Avail, 0, 0);
            yield return new(Plain, 0, Avail, 0, 0);
        }
    }
}
