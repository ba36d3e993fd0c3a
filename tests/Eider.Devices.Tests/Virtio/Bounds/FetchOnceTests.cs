using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Entropy;
using Eider.Testing.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bounds;

/// <summary>
/// A guest whose descriptors, tables, headers and data show another value at each read after the first: a device that
/// reads them once does exactly what it does for an honest guest. Indexes and flags that are polled are left alone.
/// </summary>
public sealed class FetchOnceTests
{
    private const ulong Heap = VirtioTestBench.RamBase + 0x80_0000;
    private const int Rounds = 400;

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
    public async Task A_changing_guest_gets_what_an_honest_one_gets(string kind, ulong features)
    {
        var honest = await RunAsync(kind, features, changes: false);
        var changing = await RunAsync(kind, features, changes: true);
        Assert.Equal(honest, changing);
        Assert.True(honest.Count(line => line.EndsWith("used", StringComparison.Ordinal)) > Rounds / 2);
    }

    private static async Task<List<string>> RunAsync(string kind, ulong features, bool changes)
    {
        MutatingGuestMemory? memory = null;
        var storage = new ScriptedStorage(new byte[64 * 512]);
        var console = new ConsoleEndpoint();
        var isPacked = features.Has(VirtioFeature.RingPacked);
        ulong rings = 0;
        await using var bench = new VirtioTestBench(
            Make(kind, storage, console),
            wrap: ram => memory = new MutatingGuestMemory(ram, at => changes && (at >= Heap || IsDescriptor(at, rings, isPacked))));
        var random = new Random(17);
        var log = new List<string>();
        var all = features | (bench.Mmio.OfferedFeatures & ~VirtioFeatures.Reserved);
        for (var round = 0; round < Rounds; round++)
        {
            if (round % 50 == 0)
            {
                bench.FreeAll();
                bench.Start(all, 16, bench.QueueCount());
                rings = bench.Rings[0].Layout.DescriptorAddress;
                _ = bench.Allocate(Heap - bench.Allocate(0)); // buffers begin here
            }

            memory!.Reset();
            OneRequest(bench, random, log);
            Assert.Equal(0, bench.Mmio.Faults);
            log.AddRange(storage.Log!);
            storage.Log!.Clear();
            var received = new byte[4096];
            log.Add(Convert.ToHexString(received.AsSpan(0, console.Receive(received))));
        }

        Assert.Equal(0, memory!.Mutations); // no byte of a request was read twice
        log.Add(Convert.ToHexString(storage.Content));
        return log;
    }

    // The parts of queue 0 lie first, a page each; packed flags are polled.
    private static bool IsDescriptor(ulong address, ulong rings, bool isPacked) =>
        rings != 0 && address >= rings && address < rings + (16 * 16) && (!isPacked || (address & 15) < 14);

    private static VirtioDevice Make(string kind, ScriptedStorage storage, ConsoleEndpoint console) => kind switch
    {
        "echo" => new EchoDevice(16),
        "block" => new BlockDevice { Storage = storage, QueueSize = 16, SecureErase = true }.Build(),
        "console" => new ConsoleDevice { Backend = console, MaxPorts = 2 }.Build(),
        _ => new EntropyDevice().Build(),
    };

    private static void OneRequest(VirtioTestBench bench, Random random, List<string> log)
    {
        var queue = random.Next(bench.Rings.Count);
        var ring = bench.Rings[queue];
        while (ring.TryGetUsed(out _))
        {
            // What waited for an earlier round.
        }

        var content = new byte[random.Next(3) switch { 0 => 16, 1 => 16 + 512, _ => random.Next(1, 600) }];
        random.NextBytes(content);
        if (content.Length >= 16)
        {
            // Near a request of a disk: a type, a small sector; or a control message.
            content.AsSpan(0, 16).Clear();
            content[0] = (byte)random.Next(16);
            content[4] = (byte)random.Next(8);
            content[6] = 1;
            content[8] = (byte)random.Next(66);
        }

        var chain = Cut(bench, random, content, false);
        chain.AddRange(Cut(bench, random, new byte[random.Next(3) switch { 0 => 1, 1 => 513, _ => random.Next(600) }], true));
        if (ring.FreeCount < chain.Count || chain.Count > 16)
        {
            return;
        }

        ring.Add([.. chain], random.Next(2) == 0 ? bench.Allocate(16 * 16, 16) : 0);
        bench.Notify(queue);
        if (ring.TryGetUsed(out var used))
        {
            var written = chain.Where(buffer => buffer.IsWritable).SelectMany(buffer => ring.Read(buffer.Address, (int)buffer.LengthBytes));
            log.Add($"{queue} {used.Id} {used.WrittenBytes} {Convert.ToHexString([.. written])} used");
        }
    }

    private static List<DriverBuffer> Cut(VirtioTestBench bench, Random random, byte[] content, bool isWritable)
    {
        var pieces = new List<DriverBuffer>();
        for (var from = 0; from < content.Length;)
        {
            var take = pieces.Count == 5 ? content.Length - from : random.Next(1, content.Length - from + 1);
            var address = bench.Allocate((ulong)take, 16);
            Assert.True(bench.Ram.TryWrite(address, content.AsSpan(from, take)));
            pieces.Add(new DriverBuffer(address, (uint)take, isWritable));
            from += take;
        }

        return pieces;
    }
}
