using Eider.Devices.Virtio.Queue;
using static Eider.Devices.Tests.Virtio.Hostile.RingAttack;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>What a guest can do to a packed ring alone.</summary>
internal static class PackedScenarios
{
    private const int Avail = 0x80, Used = 0x8000;

    public static IEnumerable<HostileScenario> All =>
    [
        // Lists that are not there as a whole.
        Broken("a head without its tail", QueueFault.ChainNotAvailable, a => a.Slot(0, a.In, 4, Next)),
        Broken("a tail of the other round", QueueFault.ChainNotAvailable, a =>
        {
            a.Slot(0, a.In, 4, Next);
            a.Slot(1, a.Out, 4, Write, wrap: false);
        }),
        Broken("a tail that is used already", QueueFault.ChainNotAvailable, a =>
        {
            a.Slot(0, a.In, 4, Next);
            Raw(a, 1, Avail | Used | Write);
        }),
        Broken("a hole in a list", QueueFault.ChainNotAvailable, a =>
        {
            a.Slot(0, a.In, 4, Next);
            a.Slot(2, a.Out, 4, Write);
        }),
        Broken("a ring full of NEXT", QueueFault.ChainNotAvailable, a =>
        {
            for (var i = 0; i < Size; i++)
            {
                a.Slot(i, a.In, 0, Next);
            }
        }),
        Packed("a good list, then a head without its tail", a =>
        {
            a.Chain((a.In, 4, 0), (a.Out, 4, Write));
            a.Slot(2, a.In, 4, Next);
            a.Breaks(QueueFault.ChainNotAvailable, 1, (a.Out, 4));
        }),

        // Flags of a round that it is not.
        Nothing("a head of the other round", a => a.Slot(0, a.In, 4, wrap: false)),
        Nothing("a head that is used already", a => Raw(a, 0, Avail | Used)),
        Nothing("a good list behind a head that is not available", a =>
        {
            a.Slot(1, a.In, 4, Next);
            a.Slot(2, a.Out, 4, Write);
        }),
        Packed("the used head once more", a =>
        {
            a.Chain((a.In, 4, 0), (a.Out, 4, Write));
            a.Kick();
            a.Slot(0, a.In, 4); // the first round is over for this slot
            a.Survives([4], (a.Out, 4));
        }),
        Packed("the ring again before it was all given out", a =>
        {
            for (var i = 0; i < Size; i++)
            {
                a.Slot(i, a.Out, 1, Write, id: i);
            }

            a.Kick();
            a.Slot(0, a.Out, 1, Write, id: 9, wrap: false);
            a.Breaks(QueueFault.RingOverrun);
        }, holds: true),
        Packed("a list over a slot that is in flight", a =>
        {
            for (var i = 0; i < Size - 1; i++)
            {
                a.Slot(i, a.Out, 1, Write, id: i);
            }

            a.Kick();
            a.Slot(7, a.Out, 1, Write | Next, id: 8);
            a.Slot(0, a.Out, 1, Write, id: 8, wrap: false);
            a.Breaks(QueueFault.RingOverrun);
        }, holds: true),

        // Buffer ids.
        Packed("one id twice while the device holds it", a =>
        {
            a.Slot(0, a.Out, 1, Write, id: 3);
            a.Slot(1, a.Out, 1, Write, id: 3);
            a.Breaks(QueueFault.BufferInFlight);
        }, holds: true),
        Packed("one id twice, one after the other", a =>
        {
            a.Slot(0, a.Out, 1, Write, id: 3);
            a.Slot(1, a.Out, 1, Write, id: 3);
            a.Takes(1, 1);
            a.Survives([0, 0]);
        }),
        Packed("an id beyond the ring", a =>
        {
            a.Slot(0, a.Out, 1, Write, id: 8);
            a.Takes(1);
            a.Survives([0]);
        }),
        Packed("the last id there is", a =>
        {
            a.Slot(0, a.Out, 1, Write, id: 0xFFFF);
            a.Takes(1);
            a.Kick();
            Assert.Equal(0xFFFF, a.Clause.Ring.Read16(a.Descriptors + 12));
            a.Survives([0]);
        }),
        Packed("ids that differ within a list", a =>
        {
            a.Slot(0, a.In, 4, Next, id: 11);
            a.Slot(1, a.Out, 4, Write, id: 22);
            a.Takes(2);
            a.Kick();
            Assert.Equal(22, a.Clause.Ring.Read16(a.Descriptors + 12));
            a.Survives([4], (a.Out, 4));
        }),

        // Tables.
        Broken("a table at the head of a list", QueueFault.IndirectNested, a =>
        {
            a.Slot(0, a.Table, 16, Indirect | Next);
            a.Slot(1, a.Out, 4, Write);
        }),
        Broken("a table at the end of a list", QueueFault.IndirectNested, a =>
        {
            a.Slot(0, a.In, 4, Next);
            a.Slot(1, a.Table, 16, Indirect);
        }),
        Survives("a table whose entries say NEXT, INDIRECT, AVAIL and USED", a =>
        {
            a.Fill((a.In, 4, Next | Indirect | Avail | Used, 0), (a.Out, 4, Write | Next | Indirect, 0));
            a.Slot(0, a.Table, 32, Indirect);
        }),
        Survives("a table whose entries say nothing of NEXT", a =>
        {
            a.Fill((a.In, 4, 0, 0), (a.Out, 4, Write, 0));
            a.Slot(0, a.Table, 32, Indirect);
        }),
        Packed("the table is the ring", a =>
        {
            // Its first entry is the descriptor that refers to it: 16 bytes of ring to read, and an empty rest.
            a.Slot(0, a.Descriptors, 32, Indirect);
            a.Takes(1);
            a.Survives([0]);
        }),
        Broken("the table is the ring, and its second entry is outside of RAM", QueueFault.BufferOutsideRam, a =>
        {
            a.Slot(1, RamEnd, 4, wrap: false);
            a.Slot(0, a.Descriptors, 32, Indirect);
        }),

        // Data over the ring.
        Packed("data over the flags of the next slot", a =>
        {
            a.Slot(0, a.In, 4, Next);
            a.Slot(1, a.Descriptors + 32 + 12, 4, Write);
            a.Takes(2);
            a.Survives([4], (a.Descriptors + 32 + 12, 4)); // 0x6564: not available
        }),
        Packed("data over the used slot that is to come", a =>
        {
            a.Slot(0, a.In, 4, Next);
            a.Slot(1, a.Descriptors + 12, 4, Write);
            a.Takes(2);
            a.Survives([4], (a.Descriptors + 12, 4));
        }),
        Packed("data over the driver's event area", a =>
        {
            a.Slot(0, a.In, 4, Next);
            a.Slot(1, a.Driver, 4, Write);
            a.Takes(2);
            a.Survives([4], (a.Driver, 4)); // flags 0x6564: enable
        }),
        Packed("the guest writes the device's event area", a =>
        {
            a.Poke(a.Device, 0x1234);
            a.Poke(a.Device + 2, 2);
            a.Slot(0, a.Out, 4, Write);
            a.Takes(1);
            a.Survives([0]);
        }),

        // Flags that nobody defined.
        Survives("all flags that nobody defined", a =>
        {
            a.Slot(0, a.In, 4, Next | 0x7F78);
            a.Slot(1, a.Out, 4, Write | 0x7F78);
        }, 2),

        // Event suppression.
        Event("event flags that disable", 0, 1, silent: true),
        Event("event flags that nobody defined", 0, 3, silent: false),
        Event("event flags 2 without the feature", 0x8000, 2, silent: false),
        Event("event flags 0xFFFC", 0, 0xFFFC, silent: false),
        Event("event flags 0xFFFD", 0, 0xFFFD, silent: true),
        Event("an event beyond the ring", 0x8008, 2, silent: false, FeatureSets.EventIdx),
        Event("an event at the last offset there is", 0xFFFF, 2, silent: false, FeatureSets.EventIdx),
        Event("an event of the other round", 0, 2, silent: true, FeatureSets.EventIdx),
        Event("an event one slot too far", 0x8001, 2, silent: true, FeatureSets.EventIdx),
        Event("an event at the slot that is used", 0x8000, 2, silent: false, FeatureSets.EventIdx),
    ];

    private static HostileScenario Packed(string name, Action<RingAttack> attack, ulong extra = 0, bool holds = false) =>
        Scenario("packed", name, Rings.Packed, attack, extra, holds: holds);

    private static HostileScenario Broken(string name, QueueFault fault, Action<RingAttack> attack) => Packed(name, a =>
    {
        attack(a);
        a.Breaks(fault);
    });

    private static HostileScenario Survives(string name, Action<RingAttack> attack, int slots = 1) => Packed(name, a =>
    {
        attack(a);
        a.Takes(slots);
        a.Survives([4], (a.Out, 4));
    });

    private static HostileScenario Nothing(string name, Action<RingAttack> attack) => Packed(name, a =>
    {
        attack(a);
        a.Survives([]);
    });

    private static HostileScenario Event(string name, int place, int flags, bool silent, ulong extra = 0) => Packed(name, a =>
    {
        a.Poke(a.Driver, place);
        a.Poke(a.Driver + 2, flags);
        a.Chain((a.Out, 4, Write));
        (ulong, ulong)[] moved = extra == 0 ? [] : [(a.Device, 2)];
        if (silent)
        {
            a.SurvivesSilently([0], moved);
        }
        else
        {
            a.Survives([0], moved);
        }
    }, extra);

    private static void Raw(RingAttack attack, int index, int flags) =>
        attack.Clause.Ring.WriteDescriptor(attack.Descriptors + (16UL * (ulong)index), attack.In, 4, 0, (ushort)flags);
}
