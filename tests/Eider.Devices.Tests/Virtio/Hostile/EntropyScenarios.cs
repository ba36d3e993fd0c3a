using Eider.Devices.Tests.Virtio.Clauses;
using Eider.Devices.Virtio.Entropy;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Requests to an entropy source that ask for too much, too little, or in the wrong place.</summary>
internal static class EntropyScenarios
{
    private const ulong RamEnd = VirtioTestBench.RamBase + VirtioTestBench.RamBytes;

    public static IEnumerable<HostileScenario> All =>
    [
        Asks("a readable buffer", [(64, false)], 0),
        Asks("an empty buffer", [(0, true)], 0),
        Asks("eight empty buffers", [.. Enumerable.Repeat((0, true), 8)], 0),
        Asks("one byte", [(1, true)], 1),
        Asks("one byte in front of which a readable one stands", [(512, false), (1, true)], 1),
        Asks("eight buffers of one byte", [.. Enumerable.Repeat((1, true), 8)], 8),
        Asks("a byte more than a chunk", [(EntropyLimits.ChunkBytes + 1, true)], EntropyLimits.ChunkBytes + 1),
        Asks("as much as a request may", [(EntropyLimits.MaxRequestBytes, true)], EntropyLimits.MaxRequestBytes),
        Asks("a byte more than a request may", [(EntropyLimits.MaxRequestBytes + 1, true)], EntropyLimits.MaxRequestBytes),
        Asks("eight mebibytes", [(8 << 20, true)], EntropyLimits.MaxRequestBytes),
        Asks("odd pieces around an empty one", [(3, true), (0, true), (5, true)], 8),
        Of("the last byte of RAM", bench =>
        {
            var writes = Ask(bench, new DriverBuffer(RamEnd - 1, 1, true));
            bench.ExpectAndRecover(ClauseBench.Live, ClauseBench.Used, [.. writes, (RamEnd - 1, 1)]);
        }),
        Of("a byte behind RAM", bench =>
        {
            Ask(bench, new DriverBuffer(RamEnd - 1, 2, true));
            bench.ExpectAndRecover(ClauseBench.Broken, ClauseBench.Config, bench.Suppression());
        }),
        Of("random bytes over its own device area", bench =>
        {
            var area = bench.Ring.Layout.DeviceAddress;
            var writes = Ask(bench, new DriverBuffer(area, 2, true));
            bench.ExpectAndRecover(ClauseBench.Live, ClauseBench.Used, [.. writes, (area, 2)]);
        }),
        Of("random bytes over a descriptor that is not in use", bench =>
        {
            var spare = bench.Ring.Layout.DescriptorAddress + (16 * 7);
            var writes = Ask(bench, new DriverBuffer(spare, 8, true));
            bench.ExpectAndRecover(ClauseBench.Live, ClauseBench.Used, [.. writes, (spare, 8)]);
        }),
        Of("as many requests as the ring holds", bench =>
        {
            var buffer = bench.Bench.Allocate(64);
            for (var i = 0; i < 8; i++)
            {
                bench.Ring.Add([new DriverBuffer(buffer, 64, true)]);
            }

            bench.Bench.Notify();
            for (var i = 0; i < 8; i++)
            {
                Assert.True(bench.Ring.TryGetUsed(out var used));
                Assert.Equal(64u, used.WrittenBytes);
            }

            var layout = bench.Ring.Layout;
            (ulong, ulong)[] entries = bench.IsPacked
                ? [.. Enumerable.Range(0, 8).Select(i => (layout.DescriptorAddress + (16UL * (ulong)i) + 8, 8UL))]
                : [(layout.DeviceAddress + 2, 66)];
            bench.ExpectAndRecover(ClauseBench.Live, ClauseBench.Used, [.. entries, bench.Suppression(), (buffer, 64)]);
        }),
        Of("a chain that loops", bench =>
        {
            if (bench.IsPacked)
            {
                bench.Ring.WriteDescriptor(
                    bench.Packed.DescriptorAddress(0), VirtioTestBench.RamBase, 1, 0, PackedRingDriver.AvailableFlags(true, 3));
            }
            else
            {
                bench.Ring.WriteDescriptor(bench.Split.DescriptorAddress(0), VirtioTestBench.RamBase, 1, 3, 0);
                bench.Split.Publish(0);
            }

            bench.Bench.Notify();
            bench.ExpectAndRecover(ClauseBench.Broken, ClauseBench.Config, bench.Suppression());
        }),
        Of("a request under a limit that is used up", bench =>
        {
            var buffer = bench.Bench.Allocate(64);
            Ask(bench, new DriverBuffer(buffer, 16, true));
            bench.Watch();
            Ask(bench, new DriverBuffer(buffer, 16, true));
            bench.ExpectAndRecover(ClauseBench.Live, ClauseBench.None, bench.Suppression()); // it waits, and the worker sleeps
        }, new EntropyDevice { RateLimit = new EntropyRateLimit(16, TimeSpan.FromHours(1)) }, servesAfter: false),
    ];

    private static HostileScenario Asks(string name, (int Length, bool IsWritable)[] buffers, int written) => Of(name, bench =>
    {
        var chain = buffers.Select(one => new DriverBuffer(bench.Bench.Allocate((ulong)one.Length, 16), (uint)one.Length, one.IsWritable)).ToArray();
        var writes = Ask(bench, chain);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal((uint)written, used.WrittenBytes);
        var data = new List<(ulong, ulong)>();
        var left = written;
        foreach (var buffer in chain.Where(one => one.IsWritable))
        {
            var take = Math.Min(left, (int)buffer.LengthBytes);
            left -= take;
            data.Add((buffer.Address, (ulong)take));
        }

        bench.ExpectAndRecover(ClauseBench.Live, ClauseBench.Used, [.. writes, .. data]);
    });

    private static HostileScenario Of(string name, Action<Source> attack, EntropyDevice? device = null, bool servesAfter = true) =>
        new("entropy", name, Rings.Both, async features =>
        {
            await using var bench = new Source(device ?? new EntropyDevice(), features, servesAfter);
            bench.Start();
            attack(bench);
        });

    private static (ulong, ulong)[] Ask(Source bench, params DriverBuffer[] buffers)
    {
        var used = bench.NextUsed();
        bench.Ring.Add(buffers);
        bench.Bench.Notify();
        return [.. used, bench.Suppression()];
    }

    private sealed class Source(EntropyDevice device, ulong features, bool serves) : ClauseBench(device.Build(), features, null, 1)
    {
        public override void Serve()
        {
            Ring.Add([new DriverBuffer(Bench.Allocate(8), 8, true)]);
            Bench.Notify();
            Assert.Equal(serves, Ring.TryGetUsed(out var used));
            Assert.Equal(serves ? 8u : 0u, used.WrittenBytes);
        }
    }
}
