using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Entropy;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Device requirements of virtio 1.3, sections 2.1 to 2.6, 2.10 and 6.</summary>
public sealed class CoreDeviceClauseTests
{
    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_1_2_a_NothingIsUsedBeforeDriverOk(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        clause.Bench.Negotiate(features);
        clause.Bench.SetUpQueue(0, 8, features);
        clause.Watch();
        clause.Echo();
        clause.Expect((DeviceStatus)0x0B, None);
        clause.Bench.Write(VirtioMmioRegister.Status, 15);
        clause.Bench.Run();
        Assert.True(clause.Ring.TryGetUsed(out _)); // and all of it afterwards
        Assert.Equal(Used, clause.Bench.Acknowledge());
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_1_2_b_NeedsResetSendsAConfigurationChange(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Device.Host.NeedsReset("test");
        clause.Expect(Broken, Config);
        clause.Recover();
        clause.Bench.Negotiate(features); // not live: no interrupt
        clause.Watch();
        clause.Device.Host.NeedsReset("test");
        clause.ExpectAndRecover((DeviceStatus)0x4B, None);
    }

    [Fact]
    public async Task Spec_2_2_2_a_NoOfferedBitLacksTheBitItNeeds()
    {
        // In the profile only CONFIG_WCE needs another bit, FLUSH.
        foreach (var hidden in new BlockFeature[][] { [], [BlockFeature.Flush] })
        {
            var device = new BlockDevice { Storage = new Block.ScriptedStorage(new byte[512]), HiddenFeatures = hidden }.Build();
            await using var bench = new VirtioTestBench(device);
            var offered = bench.ReadOfferedFeatures();
            Assert.Equal(hidden.Length == 0, Has(offered, BlockFeature.Flush));
            Assert.Equal(hidden.Length == 0, Has(offered, BlockFeature.ConfigWriteCacheEnable));
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_2_2_b_FeaturesOkIsRefusedToAnInvalidSet(ulong features)
    {
        var device = new EchoDevice(8, 8) { OwnFeatures = 0b11, Accepts = chosen => (chosen & 0b11) != 0b10 };
        await using var clause = new EchoClauseBench(features, device);
        Assert.True(clause.Bench.Negotiate(features | 0b11));
        Assert.True(clause.Bench.Negotiate(features | 0b01));
        foreach (var wrong in new[] { features | 0b10, features | 0b100, features | (1UL << 63), features & ~FeatureSets.Split })
        {
            Assert.False(clause.Bench.Negotiate(wrong));
            clause.Watch();
            clause.ExpectAndRecover(Refused, None);
        }
    }

    [Fact]
    public async Task Spec_2_2_2_c_OnlySupportedBitsAreOffered()
    {
        foreach (var (device, own) in EveryDevice())
        {
            await using var bench = new VirtioTestBench(device, new() { Offered = FeatureSets.All });
            Assert.Equal(0UL, bench.ReadOfferedFeatures() & ~(VirtioFeatures.Supported | own));
            for (var word = 2u; word < 66; word++)
            {
                bench.Write(VirtioMmioRegister.DeviceFeaturesSel, word);
                Assert.Equal(0u, bench.Read(VirtioMmioRegister.DeviceFeatures));
            }
        }

        Assert.Throws<ArgumentException>(() => new VirtioTransportOptions { Offered = VirtioFeatures.DefaultOffered | (1UL << 41) }.Validate(new EchoDevice()));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_4_1_a_StatusIsZeroAfterReset(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        foreach (var status in new uint[] { 1, 3, 11, 15, 128 })
        {
            clause.Bench.Write(VirtioMmioRegister.Status, status);
            clause.Bench.Write(VirtioMmioRegister.Status, 0);
            Assert.Equal(DeviceStatus.None, clause.Bench.Status);
        }

        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_4_1_b_NothingHappensAfterResetUntilInitialised(ulong features)
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(features, device);
        clause.Echo();
        clause.Ring.Add(clause.Buffers());
        clause.Bench.Write(VirtioMmioRegister.Status, 0);
        clause.Watch();
        var accesses = clause.Memory.Accesses;
        device.Answer(device.Held[0]);
        device.Host.Wake(0);
        device.Host.ConfigChanged();
        clause.Bench.Notify();
        clause.Expect(DeviceStatus.None, None);
        Assert.Equal(accesses, clause.Memory.Accesses);
        device.HoldsBack = false;
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_5_2_a_ConfigIsReadableBeforeFeaturesOk()
    {
        foreach (var (device, _) in EveryDevice())
        {
            await using var bench = new VirtioTestBench(device);
            foreach (var status in new uint[] { 0, 1, 3 })
            {
                bench.Write(VirtioMmioRegister.Status, status);
                for (var offset = 0; offset < device.ConfigSizeBytes; offset++)
                {
                    Assert.Equal(BusStatus.Ok, bench.Mmio.Read(0, 0x100UL + (ulong)offset, new byte[1]).Status);
                }
            }
        }

        await using var disk = new VirtioTestBench(new BlockDevice { Storage = new Block.ScriptedStorage(new byte[7 * 512]) }.Build());
        Assert.Equal(7u, disk.Read(VirtioMmioRegister.Config)); // capacity
        Assert.Equal(254u, disk.Read(VirtioMmioRegister.Config + 12)); // seg_max, of a bit that nobody accepted yet
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_6_1_1_1_a_NothingRunsAfterQueueReset(ulong layout)
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(layout | VirtioFeature.RingReset.Mask(), device, queues: 2);
        clause.Echo();
        clause.Ring.Add(clause.Buffers());
        ResetQueue(clause);
        clause.Watch();
        device.Answer(device.Held[0]);
        clause.Bench.Notify();
        clause.Expect(Live, None);
        Assert.Equal(1, device.Taken);
        device.HoldsBack = false;
        clause.ExpectAndRecover(Live, Used, clause.Echo(1)); // the other queue goes on
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_6_1_1_1_b_QueueResetRestoresDefaults(ulong layout)
    {
        await using var clause = EchoClauseBench.Started(layout | VirtioFeature.RingReset.Mask());
        for (var i = 0; i < 5; i++)
        {
            clause.Serve();
        }

        ResetQueue(clause);
        clause.Bench.SetUpQueue(0, 8, clause.Features); // both sides of the ring begin at 0 again
        clause.Bench.Run();
        clause.ExpectTolerated();
        ResetQueue(clause);
        clause.Bench.Write(VirtioMmioRegister.QueueReady, 1); // nothing is left of the addresses
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.QueueReady));
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_6_1_2_1_a_ReenabledQueueHasNewSizeAndPlace(ulong layout)
    {
        await using var clause = EchoClauseBench.Started(layout | VirtioFeature.RingReset.Mask());
        ResetQueue(clause);
        var ring = clause.Bench.SetUpQueue(0, 2, clause.Features);
        for (var i = 0; i < 9; i++)
        {
            clause.Serve(); // a ring of 2, round and round
        }

        Assert.Equal(2, ring.Size);
        clause.ExpectTolerated();
    }

    [Fact]
    public async Task Spec_2_10_2_a_SharedMemoryShowsNoQueue()
    {
        // None of these devices has a region, so none can show a ring, a register or a stream.
        foreach (var (device, _) in EveryDevice())
        {
            await using var bench = new VirtioTestBench(device);
            for (var id = 0u; id < 256; id++)
            {
                bench.Write(VirtioMmioRegister.ShmSel, id);
                Assert.Equal((uint.MaxValue, uint.MaxValue), (bench.Read(VirtioMmioRegister.ShmLenLow), bench.Read(VirtioMmioRegister.ShmLenHigh)));
                Assert.Equal((uint.MaxValue, uint.MaxValue), (bench.Read(VirtioMmioRegister.ShmBaseLow), bench.Read(VirtioMmioRegister.ShmBaseHigh)));
            }
        }
    }

    [Fact]
    public async Task Spec_6_2_a_Version1IsOffered()
    {
        foreach (var (device, _) in EveryDevice())
        {
            await using var bench = new VirtioTestBench(device);
            Assert.True(bench.ReadOfferedFeatures().Has(VirtioFeature.Version1));
            Assert.Throws<ArgumentException>(() => new VirtioTransportOptions { Offered = 0 }.Validate(device));
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_6_2_b_InOrderKeepsTheOrder(ulong layout)
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(layout | FeatureSets.InOrder, device);
        var ids = new[] { clause.Ring.Add(clause.Buffers()), clause.Ring.Add(clause.Buffers()) };
        clause.Bench.Notify();
        clause.Watch();
        device.Answer(device.Held[1]);
        Assert.False(clause.Ring.TryGetUsed(out _)); // the second waits
        device.Answer(device.Held[0]);
        foreach (var id in ids)
        {
            Assert.True(clause.Ring.TryGetUsed(out var used));
            Assert.Equal(id, used.Id);
        }

        device.HoldsBack = false;
        clause.Recover();
    }

    [Fact]
    public async Task Spec_6_2_c_SrIovIsNeverOffered()
    {
        foreach (var (device, _) in EveryDevice())
        {
            await using var bench = new VirtioTestBench(device, new() { Offered = FeatureSets.All });
            Assert.False(bench.ReadOfferedFeatures().Has(VirtioFeature.SrIov));
            var options = new VirtioTransportOptions { Offered = FeatureSets.All | VirtioFeature.SrIov.Mask() };
            Assert.Throws<ArgumentException>(() => options.Validate(device));
        }
    }

    private static void ResetQueue(EchoClauseBench clause)
    {
        clause.Bench.Write(VirtioMmioRegister.QueueSel, 0);
        clause.Bench.Write(VirtioMmioRegister.QueueReset, 1);
        clause.Bench.Run();
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.QueueReset));
    }

    private static bool Has(ulong features, BlockFeature feature) => (features >> (int)feature & 1) != 0;

    private static IEnumerable<(VirtioDevice Device, ulong Own)> EveryDevice() =>
        new VirtioDevice[]
        {
            new BlockDevice { Storage = new Block.ScriptedStorage(new byte[512]), Queues = 2, SecureErase = true, Lifetime = () => default }.Build(),
            new ConsoleDevice { MaxPorts = 4, Size = new(80, 25) }.Build(),
            new EntropyDevice().Build(),
        }.Select(device => (device, device.Features));
}
