using Eider.Devices.Virtio.Queue;
using static Eider.Devices.Tests.Virtio.Hostile.RingAttack;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>What a guest can do to a split ring alone.</summary>
internal static class SplitScenarios
{
    public static IEnumerable<HostileScenario> All =>
    [
        // Loops.
        Loop("a descriptor that follows itself", (0, 0)),
        Loop("two descriptors that follow each other", (0, 1), (1, 0)),
        Loop("a loop entered from outside", (0, 1), (1, 2), (2, 1)),
        Loop("a loop through the whole table", (0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 0)),
        Loop("a loop that goes back to the middle", (0, 7), (7, 3), (3, 7)),
        Broken("a loop of empty buffers", QueueFault.ChainTooLong, a =>
        {
            a.Descriptor(0, a.In, 0, Next, 0);
            a.Publish(0);
        }),
        Broken("a loop of writable buffers", QueueFault.ChainTooLong, a =>
        {
            a.Descriptor(0, a.Out, 1, Write | Next, 0);
            a.Publish(0);
        }),
        Broken("a loop inside a table", QueueFault.ChainTooLong, a =>
        {
            a.Fill((a.In, 1, Next, 0));
            a.Chain((a.Table, 16, Indirect));
        }),
        Broken("a loop inside a table that leaves an entry out", QueueFault.ChainTooLong, a =>
        {
            a.Fill((a.In, 1, Next, 2), (a.In, 1, 0, 0), (a.In, 1, Next, 0));
            a.Chain((a.Table, 48, Indirect));
        }),

        // Numbers that are no descriptor.
        Broken("next is the size of the table", QueueFault.DescriptorOutOfRange, a => First(a, Next, 8)),
        Broken("next is the last number", QueueFault.DescriptorOutOfRange, a => First(a, Next, 0xFFFF)),
        Broken("next is out of range behind a good one", QueueFault.DescriptorOutOfRange, a =>
        {
            a.Descriptor(1, a.In, 1, Next, 9);
            First(a, Next, 1);
        }),
        Broken("a head is the size of the table", QueueFault.DescriptorOutOfRange, a => a.Publish(8)),
        Broken("a head is the last number", QueueFault.DescriptorOutOfRange, a => a.Publish(0xFFFF)),
        Broken("a head has the top bit", QueueFault.DescriptorOutOfRange, a => a.Publish(0x8000)),
        Broken("next leaves a table of one", QueueFault.DescriptorOutOfRange, a =>
        {
            a.Fill((a.In, 1, Next, 1));
            a.Chain((a.Table, 16, Indirect));
        }),
        Broken("next in a table is good for the ring only", QueueFault.DescriptorOutOfRange, a =>
        {
            a.Fill((a.In, 1, Next, 7), (a.In, 1, 0, 0));
            a.Chain((a.Table, 32, Indirect));
        }),
        Broken("all heads are out of range", QueueFault.DescriptorOutOfRange, a => a.Publish([.. Enumerable.Repeat(0xFFFF, 8)])),
        Survives("next is out of range but NEXT is not set", [0], a => First(a, 0, 0xFFFF)),
        Split("a good head, then one out of range", a =>
        {
            a.Descriptor(0, a.In, 4, Next, 1);
            a.Descriptor(1, a.Out, 4, Write);
            a.Publish(0, 8);
            a.Breaks(QueueFault.DescriptorOutOfRange, 1, (a.Out, 4));
        }),

        // The available index.
        Broken("the index is one more than the queue", QueueFault.AvailableIndexJump, a => a.Index(9)),
        Broken("the index is half way round", QueueFault.AvailableIndexJump, a => a.Index(0x8000)),
        Broken("the index goes back by one from the start", QueueFault.AvailableIndexJump, a => a.Index(0xFFFF)),
        Split("the index goes back to the start after one chain", a =>
        {
            a.Index(0);
            a.Breaks(QueueFault.AvailableIndexJump);
        }, firstUsed: true),
        Split("the index jumps by nine after one chain", a =>
        {
            a.Index(10);
            a.Breaks(QueueFault.AvailableIndexJump);
        }, firstUsed: true),
        Survives("the index moves on over heads that were never stored", [0, 0, 0], a =>
        {
            a.Descriptor(0, a.Out, 1, Write);
            a.Index(3); // all three entries say 0, one after the other
        }),
        Survives("the whole ring says one head", [0, 0, 0, 0, 0, 0, 0, 0], a =>
        {
            a.Descriptor(3, a.Out, 1, Write);
            a.Publish(3, 3, 3, 3, 3, 3, 3, 3);
        }),
        Split("one head twice while the device holds it", a =>
        {
            a.Descriptor(0, a.Out, 1, Write);
            a.Publish(0, 0);
            a.Breaks(QueueFault.BufferInFlight);
        }, holds: true),
        Split("a head again, in a later doorbell, while the device holds it", a =>
        {
            a.Descriptor(5, a.Out, 1, Write);
            a.Publish(5);
            a.Kick();
            a.Publish(5);
            a.Breaks(QueueFault.BufferInFlight);
        }, holds: true),
        Survives("two heads whose chains share their end", [4, 4], a =>
        {
            a.Descriptor(0, a.In, 4, Next, 1);
            a.Descriptor(2, a.In, 4, Next, 1);
            a.Descriptor(1, a.Out, 4, Write);
            a.Publish(0, 2);
        }, data: true),
        Survives("a head in the middle of another chain", [4, 0], a =>
        {
            a.Descriptor(0, a.In, 4, Next, 1);
            a.Descriptor(1, a.Out, 4, Write);
            a.Publish(0, 1);
        }, data: true),

        // Tables.
        Broken("a table in a table", QueueFault.IndirectNested, a =>
        {
            a.Fill((a.Table + 16, 16, Indirect, 0), (a.In, 1, 0, 0));
            a.Chain((a.Table, 16, Indirect));
        }),
        Broken("a table that refers to itself", QueueFault.IndirectNested, a =>
        {
            a.Fill((a.Table, 16, Indirect, 0));
            a.Chain((a.Table, 16, Indirect));
        }),
        Broken("a table behind a buffer of a table", QueueFault.IndirectNested, a =>
        {
            a.Fill((a.In, 1, Next, 1), (a.Table, 16, Indirect, 0));
            a.Chain((a.Table, 32, Indirect));
        }),
        Broken("the table is the descriptor table", QueueFault.IndirectNested, a => a.Chain((a.Descriptors, 128, Indirect))),
        Broken("a table with NEXT that loops", QueueFault.IndirectNested, a =>
        {
            a.Descriptor(0, a.Table, 16, Indirect | Next, 0);
            a.Publish(0);
        }),
        Broken("writable direct, then readable in a table", QueueFault.ReadableAfterWritable, a =>
        {
            a.Fill((a.In, 4, 0, 0));
            a.Chain((a.Out, 4, Write), (a.Table, 16, Indirect));
        }),
        Broken("seven direct and two in a table", QueueFault.ChainTooLong, a =>
        {
            a.Fill((a.In, 1, Next, 1), (a.In, 1, 0, 0));
            a.Chain([.. Enumerable.Repeat((a.In, 1u, 0), 7), (a.Table, 32, Indirect)]);
        }),
        Survives("seven direct and one in a table", [4], a =>
        {
            a.Fill((a.Out, 4, Write, 0));
            a.Chain([.. Enumerable.Repeat((a.In, 1u, 0), 7), (a.Table, 16, Indirect)]);
        }, data: true),
        Survives("a table goes from its last entry to its first but one", [4], a =>
        {
            a.Fill((a.In, 4, Next, 2), (RamEnd, 99, 0xFFF8, 0xFFFF), (a.Out, 4, Write, 0));
            a.Chain((a.Table, 48, Indirect));
        }, data: true),
        Split("the table lies over the available ring", a =>
        {
            a.Chain((a.Driver, 16, Indirect));
            a.Survives([0]); // flags, index and heads make an empty buffer at 0x10000
        }),
        Split("the table lies over the available ring, whose heads are a length", a =>
        {
            a.Chain((a.Driver, 16, Indirect));
            a.Poke(a.Driver + 8, 1);
            a.Breaks(QueueFault.BufferOutsideRam);
        }),

        // Flags.
        Survives("all flags that nobody defined", [0], a => First(a, 0xFFF8, 0)),
        Survives("AVAIL and USED of the other kind of ring", [0], a => First(a, 0x8080, 0)),

        // Data over the ring.
        Split("data over the available index", a =>
        {
            a.Chain((a.In, 4, 0), (a.Driver, 4, Write));
            a.Breaks(QueueFault.AvailableIndexJump, 1, (a.Driver, 4)); // 0x6564
        }),
        Split("data over the used index", a =>
        {
            a.Chain((a.In, 4, 0), (a.Device, 4, Write));
            a.Survives([4], (a.Device, 4)); // the device keeps its own count
        }),
        Split("data over the used entry that is to come", a =>
        {
            a.Chain((a.In, 4, 0), (a.Device + 4, 4, Write));
            a.Survives([4], (a.Device + 4, 4));
        }),
        Split("data over the next head", a =>
        {
            // "bc" as a head is 0x6362.
            a.Descriptor(0, a.In, 2, Next, 1);
            a.Descriptor(1, a.Driver + 6, 2, Write);
            a.Publish(0, 0);
            a.Breaks(QueueFault.DescriptorOutOfRange, 1, (a.Driver + 6, 2));
        }),

        // What the guest writes where only the device does.
        Split("the guest moves the used index", a =>
        {
            a.Poke(a.Device + 2, 0x1234);
            a.Chain((a.Out, 4, Write));
            a.Survives([0]);
            Assert.Equal(0, a.Clause.Bench.Mmio.Faults);
        }),
        Split("the guest sets the used flags", a =>
        {
            a.Poke(a.Device, 0xFFFF);
            a.Chain((a.Out, 4, Write));
            a.Survives([0]);
        }),

        // Suppression.
        Split("NO_INTERRUPT", a =>
        {
            a.Poke(a.Driver, 1);
            a.Chain((a.Out, 4, Write));
            a.SurvivesSilently([0]);
        }),
        Split("flags that are all ones", a =>
        {
            a.Poke(a.Driver, 0xFFFF);
            a.Chain((a.Out, 4, Write));
            a.SurvivesSilently([0]);
        }),
        Split("flags but NO_INTERRUPT", a =>
        {
            a.Poke(a.Driver, 0xFFFE);
            a.Chain((a.Out, 4, Write));
            a.Survives([0]);
        }),
        Event("used_event half way round", 0x8000, 0, silent: true),
        Event("used_event just passed", 0xFFFF, 0, silent: true),
        Event("used_event one too far", 1, 0, silent: true),
        Event("used_event reached, with NO_INTERRUPT", 0, 1, silent: false),
        Split("with EVENT_IDX, the guest moves avail_event", a =>
        {
            a.Poke(a.Device + 4 + (8 * Size), 0x7777);
            a.Chain((a.Out, 4, Write));
            a.Survives([0], (a.Device + 4 + (8 * Size), 2));
        }, extra: FeatureSets.EventIdx),
        Split("with EVENT_IDX, the index jumps", a =>
        {
            a.Index(0x4000);
            a.Breaks(QueueFault.AvailableIndexJump);
        }, extra: FeatureSets.EventIdx),
    ];

    private static HostileScenario Split(string name, Action<RingAttack> attack, ulong extra = 0, bool holds = false, bool firstUsed = false) =>
        Scenario("split", name, Rings.Split, a =>
        {
            if (!firstUsed)
            {
                attack(a);
                return;
            }

            // What the first chain wrote is not the scenario's: it is used before the attack begins.
            a.Clause.Echo();
            a.Clause.Watch();
            attack(new RingAttack(a.Clause));
        }, extra, holds: holds);

    private static HostileScenario Broken(string name, QueueFault fault, Action<RingAttack> attack) => Split(name, a =>
    {
        attack(a);
        a.Breaks(fault);
    });

    private static HostileScenario Survives(string name, uint[] lengths, Action<RingAttack> attack, bool data = false) => Split(name, a =>
    {
        attack(a);
        a.Survives(lengths, data ? [(a.Out, 4)] : []);
    });

    private static HostileScenario Loop(string name, params (int Index, int Next)[] descriptors) =>
        Broken(name, QueueFault.ChainTooLong, a =>
        {
            foreach (var (index, next) in descriptors)
            {
                a.Descriptor(index, a.In, 1, Next, next);
            }

            a.Publish(0);
        });

    private static HostileScenario Event(string name, int usedEvent, int flags, bool silent) => Split(name, a =>
    {
        a.Poke(a.Driver + 4 + (2 * Size), usedEvent);
        a.Poke(a.Driver, flags);
        a.Chain((a.Out, 4, Write));
        (ulong, ulong)[] moved = [(a.Device + 4 + (8 * Size), 2)];
        if (silent)
        {
            a.SurvivesSilently([0], moved);
        }
        else
        {
            a.Survives([0], moved);
        }
    }, extra: FeatureSets.EventIdx);

    private static void First(RingAttack attack, int flags, int next)
    {
        attack.Descriptor(0, attack.Out, 4, flags, next);
        attack.Publish(0);
    }
}
