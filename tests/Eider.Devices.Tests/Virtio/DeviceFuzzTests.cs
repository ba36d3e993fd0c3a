using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Entropy;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio;

/// <summary>
/// Chains of any shape with any content on every queue of every device: each comes back once, nothing but the
/// writable buffers changes, the lengths are possible, nothing throws or spins, and the device still works.
/// </summary>
public sealed class DeviceFuzzTests
{
    private const int Rounds = 400;

    public static TheoryData<string, ulong, int> Cases()
    {
        var data = new TheoryData<string, ulong, int>();
        for (var seed = 0; seed < 4; seed++)
        {
            foreach (var device in new[] { "block", "read-only", "console", "entropy" })
            {
                data.Add(device, (ulong)FeatureSets.Split | FeatureSets.Indirect | FeatureSets.EventIdx, seed);
                data.Add(device, (ulong)FeatureSets.Packed | FeatureSets.Indirect | FeatureSets.EventIdx, seed);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Any_chain_comes_back_and_only_its_writable_bytes_change(string kind, ulong features, int seed)
    {
        var random = new Random(seed);
        var console = new ConsoleEndpoint();
        var device = Make(kind, console);
        await using var bench = new VirtioTestBench(device);
        var all = features | (bench.ReadOfferedFeatures() & ~VirtioFeatures.Reserved);
        for (var life = 0; life < 3; life++)
        {
            bench.FreeAll();
            bench.Start(all, queueSize: 64, queues: device.QueueSizes.Count);
            var heap = bench.Allocate(0);
            for (var round = 0; round < Rounds; round++)
            {
                Round(bench, random, device.QueueSizes.Count, console);
                Assert.Equal(0, bench.Mmio.Faults);
                Assert.False(bench.Status.HasFlag(Devices.Virtio.Transport.DeviceStatus.NeedsReset));
                if (bench.Allocate(0) - heap > 8 << 20)
                {
                    break; // the guest's memory is used up; a new life starts
                }
            }
        }
    }

    private static VirtioDevice Make(string kind, ConsoleEndpoint console) => kind switch
    {
        "block" => new BlockDevice { Storage = new ScriptedStorage(new byte[64 * 512]) { Log = null }, SecureErase = true, Lifetime = () => new(1, 1, 1) }.Build(),
        "read-only" => new BlockDevice { Storage = new ScriptedStorage(new byte[64 * 512]) { Log = null }, ReadOnly = true }.Build(),
        "console" => new ConsoleDevice { Backend = console, Ports = [("a", new ConsoleEndpoint()), ("b", null, null)], Size = new(80, 25) }.Build(),
        _ => new EntropyDevice().Build(),
    };

    private static void Round(VirtioTestBench bench, Random random, int queues, ConsoleEndpoint console)
    {
        var index = random.Next(queues);
        var ring = bench.Rings[index];
        while (ring.TryGetUsed(out _))
        {
            // What was held for the host comes back when it may.
        }

        var readable = MakeBuffers(bench, random, false);
        var writable = MakeBuffers(bench, random, true);
        DriverBuffer[] chain = [.. readable, .. writable];
        if (chain.Length == 0 || ring.FreeCount < chain.Length)
        {
            return;
        }

        var before = readable.ConvertAll(b => ring.Read(b.Address, (int)b.LengthBytes));
        var table = random.Next(2) == 0 ? bench.Allocate((ulong)(16 * chain.Length), 16) : 0;
        var id = ring.Add(chain, table);
        var received = new byte[1 << 16];
        console.Receive(received);
        console.Send(received.AsSpan(0, random.Next(200)));
        bench.Kick(index);

        var room = writable.Sum(b => b.LengthBytes);
        while (ring.TryGetUsed(out var used))
        {
            Assert.True(used.Id != id || used.WrittenBytes <= room, $"{used.WrittenBytes} bytes written into {room}");
        }

        for (var i = 0; i < readable.Count; i++)
        {
            Assert.Equal(before[i], ring.Read(readable[i].Address, before[i].Length));
            Assert.Equal(0xa5, ring.Read(readable[i].Address + readable[i].LengthBytes, 1)[0]);
        }

        foreach (var buffer in writable)
        {
            Assert.Equal(0xa5, ring.Read(buffer.Address + buffer.LengthBytes, 1)[0]); // not one byte further
        }
    }

    private static List<DriverBuffer> MakeBuffers(VirtioTestBench bench, Random random, bool writable)
    {
        var list = new List<DriverBuffer>();
        for (var i = random.Next(5); i > 0; i--)
        {
            var length = random.Next(4) switch { 0 => random.Next(3), 1 => 16, 2 => 512, _ => random.Next(2000) };
            var bytes = new byte[length + 1];
            if (random.Next(2) == 0)
            {
                random.NextBytes(bytes);
            }

            if (length >= 16 && random.Next(4) != 0)
            {
                // Near what is right: a known type, a small sector or number.
                bytes.AsSpan(0, 16).Clear();
                bytes[0] = (byte)random.Next(18);
                bytes[4] = (byte)random.Next(8);
                bytes[6] = (byte)random.Next(2);
                bytes[8] = (byte)random.Next(70);
            }

            bytes[^1] = 0xa5;
            var address = bench.Allocate((ulong)bytes.Length, 8);
            Assert.True(bench.Ram.TryWrite(address, bytes));
            list.Add(new DriverBuffer(address, (uint)length, writable));
        }

        return list;
    }
}
