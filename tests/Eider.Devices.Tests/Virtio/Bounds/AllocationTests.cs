using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Entropy;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bounds;

/// <summary>A request costs the host the same memory whatever numbers stand in it.</summary>
public sealed class AllocationTests
{
    private const int Constant = 2048; // one request object, a run of the test's own driver

    private static readonly int[] Lengths = [1, 512, 4096, 1 << 16, 1 << 20, 8 << 20];

    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    public async Task Of_a_disk(ulong features)
    {
        await using var bench = new VirtioTestBench(
            new BlockDevice { Storage = new ScriptedStorage(new byte[16 << 20]) { Log = null } }.Build());
        bench.Start(features | (1UL << (int)BlockFeature.WriteZeroes));
        foreach (var type in new[] { BlockRequestType.In, BlockRequestType.Out, BlockRequestType.WriteZeroes, (BlockRequestType)99 })
        {
            foreach (var length in Lengths)
            {
                bench.FreeAll();
                _ = bench.Allocate(1 << 16); // the rings
                var header = bench.Allocate(16);
                bench.Rings[0].Write(header, BlockBench.Header(type, 0));
                var data = new DriverBuffer(bench.Allocate((ulong)length), (uint)length, type == BlockRequestType.In);
                var status = new DriverBuffer(bench.Allocate(1), 1, true);
                ExpectConstant(bench, 0, $"{type} of {length}", new(header, 16, false), data, status);
            }
        }
    }

    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    public async Task Of_a_console(ulong features)
    {
        await using var bench = new VirtioTestBench(new ConsoleDevice { Ports = [("a", null, null)] }.Build());
        bench.Start(features | (bench.Mmio.OfferedFeatures & ~VirtioFeatures.Reserved), queues: 6);
        foreach (var queue in new[] { 1, 3, 5 }) // what the guest sends; the host throws it away
        {
            foreach (var length in Lengths)
            {
                bench.FreeAll();
                _ = bench.Allocate(1 << 18);
                ExpectConstant(bench, queue, $"{length} bytes to queue {queue}", new DriverBuffer(bench.Allocate((ulong)length), (uint)length, false));
            }
        }
    }

    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    public async Task Of_an_entropy_source(ulong features)
    {
        await using var bench = new VirtioTestBench(new EntropyDevice().Build());
        bench.Start(features);
        foreach (var length in Lengths)
        {
            bench.FreeAll();
            _ = bench.Allocate(1 << 16);
            ExpectConstant(bench, 0, $"{length} bytes", new DriverBuffer(bench.Allocate((ulong)length), (uint)length, true));
        }
    }

    [Fact]
    public async Task Of_registers()
    {
        // No queue of the size or number that a guest says is ever made.
        await using var bench = new VirtioTestBench(new EchoDevice(8, 8));
        bench.Negotiate(FeatureSets.Split);
        foreach (var number in new uint[] { 0, 8, 0xFFFF, 0x8000_0000, uint.MaxValue })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var register in Enum.GetValues<VirtioMmioRegister>())
            {
                if (register is not (VirtioMmioRegister.Config or VirtioMmioRegister.Status))
                {
                    bench.BeginWrite(register, number);
                }
            }

            bench.Run();
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * Constant);
        }

        Assert.Equal(0, bench.Mmio.Faults);
    }

    private static void ExpectConstant(VirtioTestBench bench, int queue, string what, params DriverBuffer[] buffers)
    {
        for (var attempt = 0; ; attempt++)
        {
            bench.Rings[queue].Add(buffers);
            var before = GC.GetAllocatedBytesForCurrentThread();
            bench.BeginWrite(VirtioMmioRegister.QueueNotify, (uint)queue);
            bench.Run();
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(bench.Rings[queue].TryGetUsed(out _), $"{what} was not served");
            if (attempt == 1)
            {
                Assert.True(allocated <= Constant, $"{what}: {allocated} bytes"); // the first run made what is pooled
                return;
            }

            Assert.True(allocated <= 16 * Constant, $"{what}, first: {allocated} bytes");
        }
    }
}
