using Eider.Devices.Virtio.Queue;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Hostile.RingAttack;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>What a guest can do to either kind of ring.</summary>
internal static class RingScenarios
{
    private const ulong OwnRegisters = 0xD000_0000, Plic = 0x0C00_0000, Clint = 0x0200_0000;

    public static IEnumerable<HostileScenario> All =>
    [
        // Addresses and lengths.
        Bad("a buffer at address 0", 0, 4, Write),
        Bad("a buffer that begins one byte before RAM", Ram - 1, 4, Write),
        Bad("a buffer that ends one byte behind RAM", RamEnd - 3, 4, Write),
        Bad("a buffer that begins where RAM ends", RamEnd, 1, 0),
        Bad("a buffer as long as 32 bits say", Ram, uint.MaxValue, Write),
        Bad("a buffer one byte longer than RAM", Ram, (uint)VirtioTestBench.RamBytes + 1, 0),
        Bad("a buffer at the last address there is", ulong.MaxValue, 1, Write),
        Bad("a buffer whose end wraps to 0", ulong.MaxValue, 2, 0),
        Bad("a buffer whose end wraps into RAM", ulong.MaxValue - 15, uint.MaxValue, Write),
        Bad("a buffer whose address is RAM but for its top bit", Ram | (1UL << 63), 4, Write),
        Bad("a buffer whose address is RAM but for bit 32", Ram | (1UL << 32), 4, 0),
        Bad("a writable buffer over the device's own registers", OwnRegisters + 0x70, 4, Write),
        Bad("a readable buffer over the device's own registers", OwnRegisters + 0x100, 4, 0),
        Bad("a writable buffer over a neighbour's doorbell", OwnRegisters + 0x1050, 4, Write),
        Bad("a writable buffer over the interrupt controller", Plic, 4, Write),
        Bad("a writable buffer over the timer", Clint + 0x4000, 8, Write),
        Both("a good buffer, then one outside of RAM", a =>
        {
            a.Chain((a.In, 4, 0), (RamEnd, 4, Write));
            a.Breaks(QueueFault.BufferOutsideRam);
        }),
        Both("a good chain, then a bad one", a =>
        {
            a.Chain((a.In, 4, 0), (a.Out, 4, Write));
            a.Chain((RamEnd, 4, Write));
            a.Breaks(QueueFault.BufferOutsideRam, 1, (a.Out, 4));
        }),
        Both("a bad chain hides a good one behind it", a =>
        {
            a.Chain((RamEnd, 4, Write));
            a.Chain((a.In, 4, 0), (a.Out, 4, Write));
            a.Breaks(QueueFault.BufferOutsideRam);
        }),
        Both("the last byte of RAM, readable", a =>
        {
            a.Chain((RamEnd - 1, 1, 0), (a.Out, 4, Write));
            a.Survives([1], (a.Out, 1));
        }),
        Both("the last byte of RAM, writable", a =>
        {
            a.Chain((a.In, 4, 0), (RamEnd - 1, 1, Write));
            a.Survives([1], (RamEnd - 1, 1));
        }),
        Both("the first byte of RAM", a =>
        {
            a.Chain((a.In, 4, 0), (Ram, 1, Write));
            a.Survives([1], (Ram, 1));
        }),
        Both("all of RAM as one buffer", a =>
        {
            a.Chain((Ram, (uint)VirtioTestBench.RamBytes, 0), (a.Out, 2, Write));
            a.Survives([2], (a.Out, 2));
        }),

        // Empty ones.
        Both("an empty buffer at address 0", a =>
        {
            a.Chain((0, 0, 0));
            a.Survives([0]);
        }),
        Both("an empty buffer at the last address", a =>
        {
            a.Chain((ulong.MaxValue, 0, Write));
            a.Survives([0]);
        }),
        Both("eight empty buffers", a =>
        {
            a.Chain([.. Enumerable.Repeat((a.In, 0u, 0), 8)]);
            a.Survives([0]);
        }),
        Both("empty buffers between the others", a =>
        {
            a.Chain((RamEnd, 0, 0), (a.In, 4, 0), (0, 0, 0), (0, 0, Write), (a.Out, 4, Write), (0, 0, Write));
            a.Survives([4], (a.Out, 4));
        }),
        Both("readable buffers only", a =>
        {
            a.Chain((a.In, 4, 0));
            a.Survives([0]);
        }),
        Both("writable buffers only", a =>
        {
            a.Chain((a.Out, 4, Write));
            a.Survives([0]);
        }),

        // Directions.
        Broken("readable after writable", QueueFault.ReadableAfterWritable, a => a.Chain((a.Out, 4, Write), (a.In, 4, 0))),
        Broken("writable between readable ones", QueueFault.ReadableAfterWritable, a => a.Chain((a.In, 2, 0), (a.Out, 4, Write), (a.In, 2, 0))),
        Broken("readable after an empty writable", QueueFault.ReadableAfterWritable, a => a.Chain((a.Out, 0, Write), (a.In, 4, 0))),
        Broken("an empty readable after writable", QueueFault.ReadableAfterWritable, a => a.Chain((a.Out, 4, Write), (a.In, 0, 0))),
        Broken("readable after writable in a table", QueueFault.ReadableAfterWritable, a =>
        {
            a.Fill((a.Out, 4, Write | Next, 1), (a.In, 4, 0, 0));
            a.Chain((a.Table, 32, Indirect));
        }),

        // Overlapping buffers.
        Both("the same bytes to read and to write", a =>
        {
            a.Chain((a.In, 4, 0), (a.In, 4, Write));
            a.Survives([4], (a.In, 4));
        }),
        Both("the same bytes to write twice", a =>
        {
            a.Chain((a.In, 4, 0), (a.Out, 2, Write), (a.Out, 2, Write));
            a.Survives([4], (a.Out, 2));
        }),
        Both("a readable buffer over the descriptors", a =>
        {
            a.Chain((a.Descriptors, 16, 0), (a.Out, 4, Write));
            a.Survives([4], (a.Out, 4));
        }),
        Both("a writable buffer over the descriptor in use", a =>
        {
            a.Chain((a.In, 4, 0), (a.Descriptors, 4, Write));
            a.Survives([4], (a.Descriptors, 4));
        }),
        Both("a writable buffer over the device area", a =>
        {
            a.Chain((a.In, 2, 0), (a.Device, 2, Write));
            a.Survives([2], (a.Device, 2));
        }),

        // Tables.
        Broken("a table without the feature", QueueFault.IndirectNotNegotiated, a => a.Chain((a.Table, 16, Indirect)), without: FeatureSets.Indirect),
        Broken("a table with NEXT", QueueFault.IndirectNested, a => a.Chain((a.Table, 16, Indirect | Next))),
        Broken("a table of no bytes", QueueFault.IndirectTableSize, a => a.Chain((a.Table, 0, Indirect))),
        Broken("a table of 15 bytes", QueueFault.IndirectTableSize, a => a.Chain((a.Table, 15, Indirect))),
        Broken("a table of 17 bytes", QueueFault.IndirectTableSize, a => a.Chain((a.Table, 17, Indirect))),
        Broken("a table of 4 GiB less 16", QueueFault.IndirectTableSize, a => a.Chain((a.Table, 0xFFFF_FFF0, Indirect))),
        Broken("a table one entry longer than allowed", QueueFault.IndirectTableSize, a => a.Chain((a.Table, 32769 * 16, Indirect))),
        Broken("a table outside of RAM", QueueFault.RingOutsideRam, a => a.Chain((0, 16, Indirect))),
        Broken("a table that begins in RAM and ends behind it", QueueFault.RingOutsideRam, a =>
        {
            Assert.True(a.Clause.Bench.Ram.TryWrite(RamEnd - 16, new byte[16]));
            a.Clause.Ring.WriteDescriptor(RamEnd - 16, a.In, 4, a.IsPacked ? (ushort)0 : (ushort)Next, 1);
            a.Chain((RamEnd - 16, 32, Indirect));
        }),
        Broken("a table half an entry before the end of RAM", QueueFault.RingOutsideRam, a => a.Chain((RamEnd - 8, 16, Indirect))),
        Broken("a table at the last addresses", QueueFault.RingOutsideRam, a => a.Chain((ulong.MaxValue - 15, 32, Indirect))),
        Broken("a table in the device's own registers", QueueFault.RingOutsideRam, a => a.Chain((OwnRegisters, 16, Indirect))),
        Broken("a table of nine, in a queue of eight", QueueFault.ChainTooLong, a =>
        {
            a.Fill([.. Enumerable.Range(1, 9).Select(i => (a.In, 1u, i < 9 ? Next : 0, i))]);
            a.Chain((a.Table, 9 * 16, Indirect));
        }),
        Broken("a table whose buffer is outside of RAM", QueueFault.BufferOutsideRam, a =>
        {
            a.Fill((a.In, 4, Next, 1), (RamEnd, 4, Write, 0));
            a.Chain((a.Table, 32, Indirect));
        }),
        Both("a table of eight", a =>
        {
            a.Fill([.. Enumerable.Range(1, 8).Select(i => (i < 8 ? a.In : a.Out, i < 8 ? 1u : 4u, (i < 8 ? Next : Write), i))]);
            a.Chain((a.Table, 8 * 16, Indirect));
            a.Survives([4], (a.Out, 4));
        }),
        Both("a table at an odd address", a =>
        {
            a.Clause.Ring.WriteDescriptor(a.Table + 1, a.Out, 4, a.IsPacked ? (ushort)0 : (ushort)Write, a.IsPacked ? (ushort)Write : (ushort)0);
            a.Chain((a.Table + 1, 16, Indirect));
            a.Survives([0]);
        }),
        Both("WRITE on a table", a =>
        {
            a.Fill((a.In, 4, Next, 1), (a.Out, 4, Write, 0));
            a.Chain((a.Table, 32, Indirect | Write));
            a.Survives([4], (a.Out, 4));
        }),
        Both("two chains that share a table", a =>
        {
            a.Fill((a.In, 4, Next, 1), (a.Out, 4, Write, 0));
            a.Chain((a.Table, 32, Indirect));
            a.Chain((a.Table, 32, Indirect));
            a.Survives([4, 4], (a.Out, 4));
        }),
        Both("a table whose buffer is the table", a =>
        {
            a.Fill((a.In, 4, Next, 1), (a.Table, 4, Write, 0));
            a.Chain((a.Table, 32, Indirect));
            a.Survives([4], (a.Table, 4));
        }),

        // Lengths of chains, and many of them.
        Both("a chain as long as the queue", a =>
        {
            a.Chain([.. Enumerable.Repeat((a.In, 1u, 0), 7), (a.Out, 8, Write)]);
            a.Survives([7], (a.Out, 7));
        }),
        Both("as many chains as the queue has descriptors", a =>
        {
            for (var i = 0; i < 8; i++)
            {
                a.Chain((a.Out, 1, Write));
            }

            a.Survives([0, 0, 0, 0, 0, 0, 0, 0]);
        }),
        Both("a buffer changed while the device holds it", a =>
        {
            a.Chain((a.In, 4, 0), (a.Out, 4, Write));
            a.Kick();
            a.Clause.Ring.Write(a.Descriptors, new byte[a.IsPacked ? 8 : 64]);
            a.Clause.Device.Answer(a.Clause.Device.Held[0]);
            a.Clause.Device.Queues[0].Flush();
            a.Survives([4], (a.Out, 4));
        }, holds: true),
    ];

    private static HostileScenario Both(string name, Action<RingAttack> attack, bool holds = false) =>
        Scenario("ring", name, Rings.Both, attack, holds: holds);

    private static HostileScenario Broken(string name, QueueFault fault, Action<RingAttack> attack, ulong without = 0) =>
        Scenario("ring", name, Rings.Both, a =>
        {
            attack(a);
            a.Breaks(fault);
        }, without: without);

    private static HostileScenario Bad(string name, ulong address, uint length, int flags) =>
        Broken(name, QueueFault.BufferOutsideRam, a => a.Chain((address, length, flags)));
}
