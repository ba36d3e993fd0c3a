using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Entropy;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bounds;

/// <summary>One doorbell reads guest memory at most 64 times for each entry of the ring, whatever the ring holds; counted, not timed.</summary>
public sealed class DoorbellWorkTests(ITestOutputHelper output)
{
    private const int Size = 64;
    private const int ReadsPerEntry = 64;
    private const ushort Next = 1, Write = 2, Indirect = 4;

    public static TheoryData<string, ulong> Devices()
    {
        var data = new TheoryData<string, ulong>();
        foreach (var device in new[] { "echo", "block", "console", "entropy" })
        {
            data.Add(device, FeatureSets.Split | FeatureSets.Indirect);
            data.Add(device, FeatureSets.Packed | FeatureSets.Indirect);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public async Task Chains_that_all_share_the_longest_table(string kind, ulong features)
    {
        await using var bench = Start(kind, features, out var memory);
        var buffer = bench.Allocate(4096);
        var table = bench.Allocate(16 * Size);
        for (var i = 0; i < Size; i++)
        {
            // As many reads as can be: each buffer is one byte, and half of them are readable.
            var isWritable = i >= Size / 2;
            bench.Rings[bench.Rings.Count - 1].WriteDescriptor(
                table + (16UL * (ulong)i), buffer + (ulong)i, 1,
                IsPacked(features) ? (ushort)0 : (ushort)((isWritable ? Write : 0) | (i < Size - 1 ? Next : 0)),
                IsPacked(features) ? (isWritable ? Write : (ushort)0) : (ushort)(i + 1));
        }

        foreach (var queue in bench.Rings.Keys)
        {
            FillWithTables(bench.Rings[queue], table);
            Measure(bench, memory, queue, $"{kind}, queue {queue}, shared table");
        }

        Assert.False(bench.Status.HasFlag(DeviceStatus.NeedsReset));
    }

    [Fact]
    public async Task Split_chains_that_all_run_through_the_whole_ring()
    {
        await using var bench = Start("echo", FeatureSets.Split, out var memory);
        var ring = (SplitRingDriver)bench.Rings[bench.Rings.Count - 1];
        var buffer = bench.Allocate(4096);
        for (var i = 0; i < Size; i++)
        {
            ring.WriteDescriptor(ring.DescriptorAddress(i), buffer, 1, Next, (ushort)((i + 1) % Size));
        }

        ring.WriteDescriptor(ring.DescriptorAddress(Size - 1), buffer, 1, Write, 0);
        for (var i = 0; i < Size; i++)
        {
            ring.Publish(0);
        }

        Measure(bench, memory, bench.Rings.Count - 1, "echo, shared list");
        Assert.Equal(Size, ring.Read16(ring.Layout.DeviceAddress + 2)); // all were served in the end
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public async Task Any_bytes_in_a_ring(string kind, ulong features)
    {
        await using var bench = Start(kind, features, out var memory);
        var random = new Random(11);
        var most = 0;
        for (var round = 0; round < 300; round++)
        {
            bench.FreeAll();
            StartQueues(bench, features | (bench.Mmio.OfferedFeatures & ~VirtioFeatures.Reserved));
            var queue = bench.Rings.Keys.ElementAt(random.Next(bench.Rings.Count));
            Spoil(bench, bench.Rings[queue], random);
            most = Math.Max(most, Measure(bench, memory, queue, null));
            Assert.Equal(0, bench.Mmio.Faults);
        }

        output.WriteLine($"{kind}: at most {most} reads in one run over {Size} entries");
    }

    private static bool IsPacked(ulong features) => features.Has(VirtioFeature.RingPacked);

    private static VirtioTestBench Start(string kind, ulong features, out CountingGuestMemory memory)
    {
        CountingGuestMemory? counting = null;
        var bench = new VirtioTestBench(Make(kind), wrap: ram => counting = new CountingGuestMemory(ram));
        memory = counting!;
        StartQueues(bench, features | (bench.Mmio.OfferedFeatures & ~VirtioFeatures.Reserved));
        return bench;
    }

    private static void StartQueues(VirtioTestBench bench, ulong features) => bench.Start(features, Size, bench.QueueCount());

    private static VirtioDevice Make(string kind) => kind switch
    {
        "echo" => new EchoDevice(Size, Size),
        "block" => new BlockDevice { Storage = new ScriptedStorage(new byte[64 * 512]) { Log = null }, Queues = 2, QueueSize = Size }.Build(),
        "console" => new ConsoleDevice { Backend = new ConsoleEndpoint(), MaxPorts = 2 }.Build(),
        _ => new EntropyDevice().Build(),
    };

    // Runs the worker as often as it wants, and counts each run for itself.
    private int Measure(VirtioTestBench bench, CountingGuestMemory memory, int queue, string? what)
    {
        var most = 0;
        var runs = 0;
        memory.Reset();
        bench.Write(VirtioMmioRegister.QueueNotify, (uint)queue);
        while (bench.Workers.RunPending(1) != 0)
        {
            most = Math.Max(most, memory.Reads);
            memory.Reset();
            Assert.InRange(++runs, 1, 40 * Size);
        }

        Assert.InRange(most, 0, ReadsPerEntry * Size);
        if (what is not null)
        {
            output.WriteLine($"{what}: {runs} runs, at most {most} reads in one ({(double)most / Size:0.0} for each entry)");
        }

        return most;
    }

    private static void FillWithTables(RingDriver ring, ulong table)
    {
        for (var i = 0; i < Size; i++)
        {
            if (ring is PackedRingDriver packed)
            {
                ring.WriteDescriptor(packed.DescriptorAddress(i), table, 16 * Size, (ushort)i, PackedRingDriver.AvailableFlags(true, Indirect));
            }
            else
            {
                var split = (SplitRingDriver)ring;
                ring.WriteDescriptor(split.DescriptorAddress(i), table, 16 * Size, Indirect, 0);
                split.Publish((ushort)i);
            }
        }
    }

    private static void Spoil(VirtioTestBench bench, RingDriver ring, Random random)
    {
        var table = bench.Allocate(16 * Size);
        var area = new byte[16 * Size];
        foreach (var place in new[] { table, ring.Layout.DescriptorAddress })
        {
            random.NextBytes(area);
            for (var i = 0; i < Size; i++)
            {
                // Mostly plausible, so that the walk goes deep; wholly random bytes end it at once.
                if (random.Next(60) != 0)
                {
                    var flags = random.Next(12) switch { 0 => Indirect, 1 => Write | Next, 2 => Write, 3 => 0, _ => (int)Next };
                    var turn = random.Next(20) == 0 ? 0x8000 : 0x80;
                    BitConverter.TryWriteBytes(area.AsSpan(16 * i), table);
                    BitConverter.TryWriteBytes(area.AsSpan((16 * i) + 8), (uint)random.Next(1, 4) * 16);
                    BitConverter.TryWriteBytes(area.AsSpan((16 * i) + 12), (ushort)(ring is PackedRingDriver ? i : flags));
                    BitConverter.TryWriteBytes(area.AsSpan((16 * i) + 14), (ushort)(ring is PackedRingDriver ? flags | turn : random.Next(Size)));
                }
            }

            ring.Write(place, area);
        }

        if (ring is SplitRingDriver split)
        {
            for (var i = 0; i < Size; i++)
            {
                split.Publish((ushort)random.Next(Size + (random.Next(8) == 0 ? 3 : 0)));
            }
        }
    }
}
