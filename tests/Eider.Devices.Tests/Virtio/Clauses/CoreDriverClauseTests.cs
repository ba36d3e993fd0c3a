using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Drivers that break the rules of virtio 1.3, sections 2.1 to 2.6, 3 and 6.</summary>
public sealed class CoreDriverClauseTests
{
    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_1_1_a_StepsLeftOut(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        clause.Bench.Write(VirtioMmioRegister.Status, 4); // DRIVER_OK, and nothing before it
        clause.Watch();
        clause.ExpectAndRecover(DeviceStatus.None, None); // still reset
        clause.Bench.Write(VirtioMmioRegister.Status, 0);
        clause.Bench.Write(VirtioMmioRegister.Status, 7); // no features agreed on
        clause.Watch();
        clause.ExpectAndRecover(Refused | DeviceStatus.NeedsReset, None);
        clause.Bench.Write(VirtioMmioRegister.Status, 0);
        clause.Bench.Write(VirtioMmioRegister.Status, 9); // FEATURES_OK without DRIVER
        clause.Watch();
        clause.ExpectAndRecover(DeviceStatus.Acknowledge, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_1_1_b_StatusBitCleared(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        foreach (var status in new uint[] { 1, 14, 11, 8, 0x40 })
        {
            clause.Bench.Write(VirtioMmioRegister.Status, status);
            clause.Expect(Live, None); // the bits stay
        }

        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_1_1_c_GoesOnAfterFailed(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Bench.Write(VirtioMmioRegister.Status, 0x8F);
        clause.Bench.Write(VirtioMmioRegister.Status, 0x0F); // as if nothing had been
        clause.ExpectAndRecover((DeviceStatus)0x8F, Used, clause.Echo());
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_2_1_a_AcceptsWhatWasNotOffered(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        ExpectRefused(clause, features | 1);
        ExpectRefused(clause, features | (1UL << 50));
        ExpectRefused(clause, ulong.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_2_1_b_AcceptsWithoutTheNeededBit(ulong features)
    {
        var device = new EchoDevice(8, 8) { OwnFeatures = 0b11, Accepts = chosen => (chosen & 0b11) != 0b10 };
        await using var clause = new EchoClauseBench(features, device);
        ExpectRefused(clause, features | 0b10);
        ExpectRefused(clause, features & ~VirtioFeature.Version1.Mask()); // all of 1.x needs VERSION_1
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_2_1_c_DoesNotLookAtTheOffer(ulong features)
    {
        await using var clause = new EchoClauseBench(features); // the bench's driver never reads DeviceFeatures
        clause.Start();
        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_2_1_d_TakesUndefinedBits(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        for (var bit = 42; bit < 64; bit++)
        {
            ExpectRefused(clause, features | (1UL << bit));
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_2_1_e_AcceptsReservedBits(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        foreach (var bit in new[] { 0, 23, 24, 27, 30, 31, (int)VirtioFeature.SrIov, (int)VirtioFeature.NotifConfigData, 41 })
        {
            ExpectRefused(clause, features | (1UL << bit));
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_2_1_f_GoesOnWithoutANeededBit(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        clause.Bench.Negotiate(features & ~VirtioFeature.Version1.Mask());
        clause.Watch();
        clause.Bench.Write(VirtioMmioRegister.Status, 15);
        clause.ExpectAndRecover(Refused | DeviceStatus.NeedsReset, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_2_1_g_GivesUpOverAnUnknownBit(ulong features)
    {
        await using var clause = new EchoClauseBench(features, new EchoDevice(8, 8) { OwnFeatures = 1 << 20 });
        clause.Bench.Write(VirtioMmioRegister.Status, 0x83);
        clause.Watch();
        clause.ExpectAndRecover((DeviceStatus)0x83, None); // another driver finds it as new
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_5_1_a_TakesAWideReadForAtomic(ulong features)
    {
        var device = new EchoDevice(8, 8) { Config = new byte[8] };
        await using var clause = EchoClauseBench.Started(features, device);
        var low = clause.Bench.Read(VirtioMmioRegister.Config);
        var generation = clause.Bench.Read(VirtioMmioRegister.ConfigGeneration);
        device.Host.ConfigChanged(() => device.Config.AsSpan().Fill(0xFF));
        var high = clause.Bench.Read(VirtioMmioRegister.Config + 4);
        Assert.Equal((0u, uint.MaxValue), (low, high)); // torn, and the generation says so
        Assert.NotEqual(generation, clause.Bench.Read(VirtioMmioRegister.ConfigGeneration));
        clause.ExpectAndRecover(Live, Config);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_5_1_b_ReadsFieldsThatAreNotOffered(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features, device => device with { HiddenFeatures = [Devices.Virtio.Block.BlockFeature.Topology] });
        Assert.Equal((0u, 0u), (clause.Bench.Read(VirtioMmioRegister.Config + 24), clause.Bench.Read(VirtioMmioRegister.Config + 28)));
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_5_1_c_ReadsPastTheConfiguration(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features, new EchoDevice(8, 8) { Config = new byte[6] });
        foreach (var (offset, width) in new[] { (6, 1), (4, 4), (8, 8), (0xEFC, 4) })
        {
            Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Read(0, 0x100UL + (ulong)offset, new byte[width]).Status);
        }

        clause.Expect(Live, None);
        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_6_1_1_2_a_DoesNotWaitForQueueReset(ulong layout)
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(layout | VirtioFeature.RingReset.Mask(), device);
        clause.Echo();
        device.Held[0].MarkPending();
        clause.Watch();
        clause.Bench.Write(VirtioMmioRegister.QueueReset, 1);
        clause.Bench.Write(VirtioMmioRegister.QueueReady, 1); // too early: dropped
        clause.Bench.Run();
        Assert.Equal(1u, clause.Bench.Read(VirtioMmioRegister.QueueReset));
        device.Queues[0].PostCompletion(device.Held[0], 4);
        clause.Bench.Run();
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.QueueReady));
        device.HoldsBack = false;
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_2_6_1_2_2_a_ReenablesWithoutSetup(ulong layout)
    {
        await using var clause = EchoClauseBench.Started(layout | VirtioFeature.RingReset.Mask());
        clause.Bench.Write(VirtioMmioRegister.QueueReset, 1);
        clause.Bench.Run();
        clause.Bench.Write(VirtioMmioRegister.QueueReady, 1); // its addresses are 0, which is not RAM
        clause.Bench.Notify();
        clause.ExpectAndRecover(Broken, Config);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_3_1_1_a_StepsOutOfSequence(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        clause.Bench.SetUpQueue(0, 8, features); // a queue before anything else: dropped
        clause.Bench.WriteDriverFeatures(features); // before DRIVER: dropped
        clause.Bench.Write(VirtioMmioRegister.Status, 11); // so VERSION_1 is missing
        clause.Bench.Notify();
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.QueueReady));
        clause.Watch();
        clause.ExpectAndRecover(Refused, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_3_1_1_b_WritesConfigWhileNegotiating(ulong features)
    {
        await using var clause = new BlockClauseBench(features);
        clause.Bench.Write(VirtioMmioRegister.Status, 3);
        var writeback = clause.Bench.Read(VirtioMmioRegister.Config + 32);
        Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Write(0, 0x120, [0]).Status);
        Assert.Equal(writeback, clause.Bench.Read(VirtioMmioRegister.Config + 32));
        clause.Watch();
        clause.ExpectAndRecover(Refused, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_3_1_1_c_NewFeaturesAfterFeaturesOk(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Bench.WriteDriverFeatures(ulong.MaxValue);
        clause.Bench.Write(VirtioMmioRegister.Status, 15);
        Assert.Equal(features, clause.Bench.Mmio.NegotiatedFeatures);
        clause.Expect(Live, None);
        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_3_1_1_d_GoesOnAfterAFailedStep(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        clause.Bench.Negotiate(features | 1); // refused
        clause.Bench.SetUpQueue(0, 8, features);
        clause.Watch();
        clause.Bench.Write(VirtioMmioRegister.Status, 15);
        clause.Echo();
        clause.ExpectAndRecover(Refused | DeviceStatus.NeedsReset, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_3_1_1_e_NotifiesBeforeDriverOk(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        clause.Bench.Negotiate(features);
        clause.Bench.SetUpQueue(0, 8, features);
        clause.Watch();
        for (var i = 0; i < 100; i++)
        {
            clause.Bench.Notify();
        }

        clause.ExpectAndRecover((DeviceStatus)0x0B, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_3_3_1_a_AltersAnExposedEntry(ulong features)
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(features, device);
        var writes = clause.Echo(); // taken, and held
        var stolen = clause.Bench.Allocate(64);
        for (var i = 0; i < 2; i++)
        {
            clause.Ring.Write(clause.Ring.Layout.DescriptorAddress + (16UL * (ulong)i), BitConverter.GetBytes(stolen));
        }

        device.Answer(device.Held[0]); // to the buffer that was exposed
        device.Queues[0].Flush();
        device.HoldsBack = false;
        clause.ExpectAndRecover(Live, Used, writes);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_3_3_1_b_RemovesExposedBuffers(ulong features)
    {
        var device = new EchoDevice(8, 8) { IsIdle = true };
        await using var clause = EchoClauseBench.Started(features, device);
        clause.Ring.Add(clause.Buffers());
        clause.Bench.Notify();
        clause.Ring.Write(clause.Ring.Layout.DescriptorAddress, new byte[128]); // zeroed under a live queue
        clause.Watch();
        device.IsIdle = false;
        var used = clause.IsPacked ? [] : new[] { (clause.Ring.Layout.DeviceAddress + 2, 2UL), (clause.Split.UsedRing, 8UL) };
        clause.Bench.Notify();

        // Split: a chain of nothing, used with length 0. Packed: nothing is available any more.
        clause.ExpectAndRecover(Live, clause.IsPacked ? None : Used, [clause.Suppression(), .. used]);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_6_1_a_RefusesVersion1(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        ExpectRefused(clause, 0);
        ExpectRefused(clause, features & ~VirtioFeature.Version1.Mask());
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_6_1_b_AccessPlatformWithoutTranslating(ulong features)
    {
        await using var clause = new EchoClauseBench(features); // not offered without a translation
        ExpectRefused(clause, features | VirtioFeature.AccessPlatform.Mask());
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_6_1_c_BusAddressesWithoutAccessPlatform(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Ring.Add([new(0x1_0000_0000_0000, 8, true)]); // means nothing to the device
        clause.ExpectBrokenRing(QueueFault.BufferOutsideRam);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_6_1_d_OrderPlatformWithoutBarriers(ulong features)
    {
        // The bench's driver is ordered for processors only, and so is the device: that is all a machine in one process needs.
        await using var clause = EchoClauseBench.Started(features | VirtioFeature.OrderPlatform.Mask());
        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_6_1_e_AcceptsSrIov(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        ExpectRefused(clause, features | VirtioFeature.SrIov.Mask());
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_6_1_f_VirtualFunctionsWithoutSrIov(ulong features)
    {
        // There is no PCI capability to write: every offset beyond the registers and the configuration is refused.
        await using var clause = EchoClauseBench.Started(features, new EchoDevice(8, 8) { Config = new byte[16] });
        for (var offset = 0x110UL; offset < 0x1000; offset += 4)
        {
            Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Write(0, offset, [1, 0, 0, 0]).Status);
        }

        clause.Expect(Live, None);
        clause.ExpectTolerated();
    }

    private static void ExpectRefused(ClauseBench clause, ulong features)
    {
        Assert.False(clause.Bench.Negotiate(features));
        clause.Watch();
        clause.ExpectAndRecover(Refused, None);
    }
}
