using System.Buffers.Binary;
using Eider.Devices.Tests.Virtio.Clauses;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>
/// A guest that writes its ring by hand: queue 0, of eight descriptors, of a device that answers "abcd" with "bcde".
/// What it stores in both kinds of ring is a chain; the rest is for one kind.
/// </summary>
internal sealed class RingAttack
{
    public const int Size = 8;
    public const int Next = 1, Write = 2, Indirect = 4;
    public const ulong Ram = VirtioTestBench.RamBase, RamEnd = Ram + VirtioTestBench.RamBytes;

    private readonly List<int> _slots = [];
    private int _nextDescriptor;
    private int _nextHead;

    public RingAttack(EchoClauseBench clause)
    {
        Clause = clause;
        In = clause.Bench.Allocate(4096);
        Assert.True(clause.Bench.Ram.TryWrite(In, "abcd"u8));
        Out = clause.Bench.Allocate(4096);
        Table = clause.Bench.Allocate(4096);
        clause.Watch();
    }

    public EchoClauseBench Clause { get; }

    /// <summary>Four bytes to read.</summary>
    public ulong In { get; }

    /// <summary>Room to write.</summary>
    public ulong Out { get; }

    /// <summary>Room for an indirect table.</summary>
    public ulong Table { get; }

    public bool IsPacked => Clause.IsPacked;

    public ulong Descriptors => Clause.Ring.Layout.DescriptorAddress;

    public ulong Driver => Clause.Ring.Layout.DriverAddress;

    public ulong Device => Clause.Ring.Layout.DeviceAddress;

    /// <summary>A scenario on a device that is up.</summary>
    public static HostileScenario Scenario(
        string family, string name, Rings on, Action<RingAttack> attack, ulong extra = 0, ulong without = 0, bool holds = false) =>
        new(family, name, on, async features =>
        {
            await using var clause = EchoClauseBench.Started((features | extra) & ~without, new EchoDevice(8, 8) { HoldsBack = holds });
            attack(new RingAttack(clause));
        });

    /// <summary>Stores 16 bits anywhere.</summary>
    public void Poke(ulong address, int value) => Clause.Ring.Write16(address, (ushort)value);

    /// <summary>Makes one chain available, of direct descriptors in the next places of the ring.</summary>
    public void Chain(params (ulong Address, uint Length, int Flags)[] buffers)
    {
        for (var i = 0; i < buffers.Length; i++)
        {
            var (address, length, flags) = buffers[i];
            var next = i == buffers.Length - 1 ? 0 : Next;
            if (IsPacked)
            {
                Slot(_nextDescriptor, address, length, flags | next, id: _slots.Count);
            }
            else
            {
                Descriptor(_nextDescriptor, address, length, flags | next, _nextDescriptor + 1);
            }

            _nextDescriptor++;
        }

        _slots.Add(buffers.Length);
        if (!IsPacked)
        {
            Publish(_nextDescriptor - buffers.Length);
        }
    }

    /// <summary>Stores entries of the indirect table.</summary>
    public void Fill(params (ulong Address, uint Length, int Flags, int Next)[] entries)
    {
        for (var i = 0; i < entries.Length; i++)
        {
            var (address, length, flags, next) = entries[i];
            Clause.Ring.WriteDescriptor(
                Table + (16UL * (ulong)i), address, length, IsPacked ? (ushort)0 : (ushort)flags, IsPacked ? (ushort)flags : (ushort)next);
        }
    }

    /// <summary>Split: stores a descriptor.</summary>
    public void Descriptor(int index, ulong address, uint length, int flags = 0, int next = 0) =>
        Clause.Ring.WriteDescriptor(Descriptors + (16UL * (ulong)index), address, length, (ushort)flags, (ushort)next);

    /// <summary>Packed: stores a descriptor that is available in a round.</summary>
    public void Slot(int index, ulong address, uint length, int flags = 0, int id = 0, bool wrap = true) =>
        Clause.Ring.WriteDescriptor(
            Descriptors + (16UL * (ulong)index), address, length, (ushort)id, PackedRingDriver.AvailableFlags(wrap, flags));

    /// <summary>Packed: chains that <see cref="Slot"/> stored, by the slots they take, for the used entries.</summary>
    public void Takes(params int[] slots) => _slots.AddRange(slots);

    /// <summary>Split: puts heads into the available ring and moves the index.</summary>
    public void Publish(params int[] heads)
    {
        foreach (var head in heads)
        {
            Poke(Driver + 4 + (2UL * (ulong)(_nextHead++ % Size)), head);
        }

        Poke(Driver + 2, _nextHead);
    }

    /// <summary>Split: stores an available index.</summary>
    public void Index(int value) => Poke(Driver + 2, value);

    /// <summary>Runs the doorbell.</summary>
    public void Kick() => Clause.Bench.Notify();

    /// <summary>The ring is broken: DEVICE_NEEDS_RESET; of the chains before, so many were used, and they wrote this.</summary>
    public void Breaks(QueueFault fault, int used = 0, params (ulong Address, ulong Length)[] data)
    {
        Kick();
        Assert.Equal(fault, Clause.Device.Queues[0].Fault);
        ExpectUsed(ClauseBench.Broken, ClauseBench.Config, used, data);
    }

    /// <summary>The device goes on: these chains were used, with these lengths, and they wrote this.</summary>
    public void Survives(uint[] lengths, params (ulong Address, ulong Length)[] data)
    {
        Kick();
        CheckEntries(lengths);
        ExpectUsed(ClauseBench.Live, lengths.Length == 0 ? ClauseBench.None : ClauseBench.Used, lengths.Length, data);
    }

    /// <summary>As <see cref="Survives"/>, but the driver did not want to know.</summary>
    public void SurvivesSilently(uint[] lengths, params (ulong Address, ulong Length)[] data)
    {
        Kick();
        CheckEntries(lengths);
        ExpectUsed(ClauseBench.Live, ClauseBench.None, lengths.Length, data);
    }

    private void ExpectUsed(Eider.Devices.Virtio.Transport.DeviceStatus status, uint interrupts, int used, (ulong, ulong)[] data)
    {
        List<(ulong, ulong)> writes = [.. data];
        if (!(Clause.Features.Has(VirtioFeature.EventIdx) && !IsPacked))
        {
            writes.Add(Clause.Suppression()); // with EVENT_IDX the scenario says whether the event moved
        }

        for (var i = 0; i < used; i++)
        {
            writes.Add(IsPacked ? (Descriptors + (16UL * (ulong)(_slots.Take(i).Sum() % Size)) + 8, 8UL) : (Device + 4 + (8UL * (ulong)(i % Size)), 8UL));
        }

        if (used != 0 && !IsPacked)
        {
            writes.Add((Device + 2, 2));
        }

        Clause.Device.HoldsBack = false;
        Clause.ExpectAndRecover(status, interrupts, [.. writes]);
    }

    private void CheckEntries(uint[] lengths)
    {
        for (var i = 0; i < lengths.Length; i++)
        {
            var at = IsPacked ? Descriptors + (16UL * (ulong)(_slots.Take(i).Sum() % Size)) + 8 : Device + 4 + (8UL * (ulong)(i % Size)) + 4;
            Assert.Equal(lengths[i], BinaryPrimitives.ReadUInt32LittleEndian(Clause.Ring.Read(at, 4)));
        }
    }
}
