using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>
/// The states of a small ring, numbered: each descriptor is one of an alphabet, the rest is one of a list. A state is
/// stored, a fresh queue takes all it can, and each answer is compared with the verdict of the specification.
/// </summary>
internal abstract class RingStateSpace
{
    protected const ulong Ram = 0x1000;
    protected const ulong RamEnd = Ram + RamBytes;
    protected const int RamBytes = 0x1000;
    protected const ulong Descriptors = Ram, Driver = Ram + 0x100, Device = Ram + 0x200;
    protected const ulong Plain = Ram + 0x800, LastByte = RamEnd - 1;
    protected const int NextFlag = 1, WriteFlag = 2, IndirectFlag = 4;

    /// <summary>Tables: one good entry; itself over and over; one that refers to a table; readable after writable.</summary>
    protected const ulong GoodTable = Ram + 0x400, LoopTable = Ram + 0x440, NestedTable = Ram + 0x480, MixedTable = Ram + 0x4C0;

    private const ulong IndirectFeature = 1UL << (int)VirtioFeature.IndirectDesc;

    private readonly RecordingHost _host = new();
    private readonly List<DescriptorChain> _taken = [];

    protected RingStateSpace(int size, bool isPacked)
    {
        Size = size;
        IsPacked = isPacked;
        Verdict = new RingVerdict(Memory, size);
        Layout = new VirtQueueSettings
        {
            Size = size,
            Features = (1UL << (int)VirtioFeature.Version1) | (isPacked ? 1UL << (int)VirtioFeature.RingPacked : 0),
            DescriptorAddress = Descriptors,
            DriverAddress = Driver,
            DeviceAddress = Device,
        };
        StoreTable(GoodTable, new RawDescriptor(Plain, 1, WriteFlag, 0, 0));
        StoreTable(LoopTable, new RawDescriptor(Plain, 1, NextFlag, 0, 0));
        StoreTable(NestedTable, new RawDescriptor(GoodTable, 16, IndirectFlag, 0, 0));
        StoreTable(
            MixedTable, new RawDescriptor(Plain, 1, WriteFlag | NextFlag, 1, 0), new RawDescriptor(Plain, 1, 0, 0, 0));
    }

    /// <summary>How many states there are.</summary>
    public long Count => Power(Alphabet.Count, Size) * Arrangements * 2;

    protected int Size { get; }

    protected FlatMemory Memory { get; } = new(Ram, RamBytes);

    protected RingVerdict Verdict { get; }

    protected VirtQueueSettings Layout { get; private set; }

    protected bool IsIndirectNegotiated { get; private set; }

    /// <summary>What one descriptor can be.</summary>
    protected abstract IReadOnlyList<RawDescriptor> Alphabet { get; }

    /// <summary>In how many ways the rest of the ring is tried.</summary>
    protected abstract int Arrangements { get; }

    private bool IsPacked { get; }

    /// <summary>Stores a state and compares what the queue makes of it.</summary>
    public void Check(long state)
    {
        var rest = state;
        SetIndirect(rest % 2 == 0);
        rest /= 2;
        var arrangement = (int)(rest % Arrangements);
        rest /= Arrangements;
        Memory.Bytes[..0x300].Clear();
        for (var i = 0; i < Size; i++)
        {
            StoreDescriptor(i, Alphabet[(int)(rest % Alphabet.Count)], arrangement);
            rest /= Alphabet.Count;
        }

        Arrange(arrangement);
        Memory.Reads = Memory.Writes = 0;
        _host.Failures = 0;
        using var queue = VirtQueue.Create(Layout, Memory, _host);
        TakeAll(queue, state);
        Expect(Memory.Reads <= 64 * Size, state, "reads too often");
        Expect(Memory.Writes == 0, state, "writes before it completes");
        GiveBack(queue, state);
    }

    /// <summary>Begins the walk over what is available.</summary>
    protected abstract void BeginWalk();

    /// <summary>The next chain by the rules: false if there is none, or if a rule is broken.</summary>
    protected abstract bool Walk();

    /// <summary>Stores one descriptor.</summary>
    protected abstract void StoreDescriptor(int index, RawDescriptor descriptor, int arrangement);

    /// <summary>Stores the rest of the ring.</summary>
    protected abstract void Arrange(int arrangement);

    /// <summary>True if the used entry of the n-th chain, with this id, is there.</summary>
    protected abstract bool IsUsed(int number, ushort id, int slots);

    /// <summary>The descriptors of a table, in the order of this kind of ring, into the verdict.</summary>
    protected abstract bool WalkTable(ulong table, int count);

    protected RawDescriptor Load(ulong at)
    {
        var bytes = Memory.Bytes[(int)(at - Ram)..];
        var (third, fourth) = (BitConverter.ToUInt16(bytes[12..]), BitConverter.ToUInt16(bytes[14..]));
        return new RawDescriptor(
            BitConverter.ToUInt64(bytes), BitConverter.ToUInt32(bytes[8..]), IsPacked ? fourth : third, fourth, third);
    }

    protected bool FollowTable(RawDescriptor descriptor, bool mayStandHere)
    {
        if (!Verdict.MayRefer(descriptor, IsIndirectNegotiated, mayStandHere))
        {
            return false;
        }

        return WalkTable(descriptor.Address, (int)(descriptor.Length / 16));
    }

    protected bool IsReadable(ulong at) => Memory.Contains(at, 16) || Verdict.Break(QueueFault.RingOutsideRam);

    private static long Power(long number, int exponent) => exponent == 0 ? 1 : number * Power(number, exponent - 1);

    private static void Expect(bool condition, long state, string what)
    {
        if (!condition)
        {
            Assert.Fail($"state {state}: the queue {what}");
        }
    }

    private void StoreTable(ulong table, params ReadOnlySpan<RawDescriptor> entries)
    {
        foreach (var entry in entries)
        {
            Memory.WriteDescriptor(
                table, entry.Address, entry.Length, IsPacked ? 0 : entry.Flags, IsPacked ? entry.Flags : entry.Next);
            table += 16;
        }
    }

    private void SetIndirect(bool isNegotiated)
    {
        if (isNegotiated != IsIndirectNegotiated)
        {
            IsIndirectNegotiated = isNegotiated;
            Layout = Layout with { Features = isNegotiated ? Layout.Features | IndirectFeature : Layout.Features & ~IndirectFeature };
        }
    }

    private void TakeAll(VirtQueue queue, long state)
    {
        _taken.Clear();
        BeginWalk();
        while (true)
        {
            Verdict.Clear();
            var expected = _taken.Count < Size && Walk();
            var isTaken = queue.TryTake(out var chain);
            Expect(isTaken == expected, state, $"says {isTaken} ({queue.Fault}) to chain {_taken.Count}, the rules {expected} ({Verdict.Fault})");
            Expect(queue.Fault == Verdict.Fault, state, $"finds {queue.Fault}, the rules {Verdict.Fault}");
            Expect(_host.Failures == (Verdict.Fault == QueueFault.None ? 0 : 1), state, "tells of a fault not once");
            if (!isTaken)
            {
                return;
            }

            Compare(chain!, state);
            _taken.Add(chain!);
        }
    }

    private void Compare(DescriptorChain chain, long state)
    {
        var (readable, writable) = (0, 0);
        foreach (var buffer in Verdict.Buffers)
        {
            if (buffer.Length == 0)
            {
                continue;
            }

            var segment = buffer.IsWritable ? chain.Writable[writable++] : chain.Readable[readable++];
            Expect(segment == new ChainSegment(buffer.Address, buffer.Length), state, $"has another buffer than {buffer}");
        }

        Expect(chain.Readable.Length == readable && chain.Writable.Length == writable, state, "has more buffers than the ring");
        Expect(chain.DescriptorCount == Verdict.Buffers.Count, state, "counts descriptors wrongly");
    }

    private void GiveBack(VirtQueue queue, long state)
    {
        var isRunning = queue.IsRunning;
        for (var i = 0; i < _taken.Count; i++)
        {
            var (id, slots) = (_taken[i].Id, _taken[i].Slots);
            queue.Complete(_taken[i], 0);
            Expect(!isRunning || IsUsed(i, id, slots), state, $"does not give chain {i} back");
        }

        Expect(Memory.Writes == (isRunning ? 2 * _taken.Count : 0), state, "writes more than its used entries");
    }
}
