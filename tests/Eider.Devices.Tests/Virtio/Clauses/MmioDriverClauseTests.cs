using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Drivers that break the rules of virtio 1.3, section 4.2.</summary>
public sealed class MmioDriverClauseTests
{
    private static readonly ulong[] ReadOnly = [0x000, 0x004, 0x008, 0x00C, 0x010, 0x034, 0x060, 0x0B0, 0x0B4, 0x0B8, 0x0BC, 0x0FC];

    private static readonly ulong[] WriteOnly =
        [0x014, 0x020, 0x024, 0x030, 0x038, 0x050, 0x064, 0x080, 0x084, 0x090, 0x094, 0x0A0, 0x0A4, 0x0AC];

    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_a_AccessesOutsideTheTable(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        ulong[] known = [.. ReadOnly, .. WriteOnly, 0x044, 0x070, 0x0C0];
        for (var offset = 0UL; offset < 0x100; offset += 4)
        {
            if (!known.Contains(offset))
            {
                Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Read(0, offset, new byte[4]).Status);
                Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Write(0, offset, [1, 2, 3, 4]).Status);
            }
        }

        ExpectNothing(clause);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_b_WritesReadOnlyRegisters(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        foreach (var offset in ReadOnly)
        {
            var before = clause.Bench.Read((VirtioMmioRegister)offset);
            Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Write(0, offset, [1, 2, 3, 4]).Status);
            Assert.Equal(before, clause.Bench.Read((VirtioMmioRegister)offset));
        }

        ExpectNothing(clause);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_c_ReadsWriteOnlyRegisters(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        foreach (var offset in WriteOnly)
        {
            Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Read(0, offset, new byte[4]).Status);
        }

        ExpectNothing(clause);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_d_OddWidthsAndAlignments(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        for (var offset = 0UL; offset < 0x100; offset++)
        {
            foreach (var width in new[] { 1, 2, 3, 8 })
            {
                var expected = offset % 4 == 0 ? BusStatus.InvalidSize : BusStatus.Unaligned;
                Assert.Equal(expected, clause.Bench.Mmio.Read(0, offset, new byte[width]).Status);
                Assert.Equal(expected, clause.Bench.Mmio.Write(0, offset, new byte[width]).Status); // zeroes: a reset, were it taken
            }
        }

        ExpectNothing(clause);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_e_OddConfigWidths(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features);
        var capacity = new byte[8];
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(BusStatus.Ok, clause.Bench.Mmio.Read(0, 0x100UL + (ulong)i, capacity.AsSpan(i, 1)).Status); // a field in parts
        }

        Assert.Equal(64UL, BitConverter.ToUInt64(capacity));
        Assert.Equal(BusStatus.Ok, clause.Bench.Mmio.Read(0, 0x100, capacity).Status); // and at once
        Assert.Equal(64UL, BitConverter.ToUInt64(capacity));
        Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Read(0, 0x102, new byte[4]).Status);
        Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Read(0, 0x100, new byte[3]).Status);
        Assert.Equal(BusStatus.InvalidRegister, clause.Bench.Mmio.Write(0, 0x120, new byte[4]).Status); // writeback is 8 bits wide
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_f_DoesNotCheckMagic(ulong features) => await ExpectToWorkUnseenAsync(features, VirtioMmioRegister.MagicValue);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_g_DoesNotCheckVersion(ulong features) => await ExpectToWorkUnseenAsync(features, VirtioMmioRegister.Version);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_h_DoesNotCheckDeviceId(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features, new NoDevice());
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.DeviceId));
        clause.ExpectTolerated(); // an id of 0 makes no register special
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_i_ReportsDeviceIdZero(ulong features)
    {
        await using var clause = new EchoClauseBench(features, new NoDevice());
        clause.Watch();
        clause.Bench.Write(VirtioMmioRegister.Status, 0x80); // "broken", it says
        clause.ExpectAndRecover((DeviceStatus)0x80, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_j_FeaturesWithoutSelector(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Bench.Write(VirtioMmioRegister.Status, 0);
        Assert.Equal(unchecked((uint)clause.Bench.Mmio.OfferedFeatures), clause.Bench.Read(VirtioMmioRegister.DeviceFeatures)); // word 0 after a reset
        clause.Watch();
        clause.ExpectAndRecover(DeviceStatus.None, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_k_DriverFeaturesWithoutSelector(ulong features)
    {
        await using var clause = new EchoClauseBench(features);
        clause.Bench.Write(VirtioMmioRegister.Status, 3);
        clause.Bench.Write(VirtioMmioRegister.DriverFeatures, unchecked((uint)features));
        clause.Bench.Write(VirtioMmioRegister.DriverFeatures, (uint)(features >> 32)); // into word 0 as well
        clause.Bench.Write(VirtioMmioRegister.Status, 11);
        clause.Watch();
        clause.ExpectAndRecover(Refused, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_l_QueueSizeAboveMax(ulong features)
    {
        foreach (var size in new[] { 9, 16, 32768, 65536, int.MaxValue })
        {
            await using var clause = new EchoClauseBench(features);
            clause.Bench.Negotiate(features);
            clause.Watch();
            clause.Bench.EnableQueue(new()
            {
                Size = size,
                DescriptorAddress = clause.Bench.Allocate(1 << 20),
                DriverAddress = clause.Bench.Allocate(1 << 20),
                DeviceAddress = clause.Bench.Allocate(1 << 20),
            });
            Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.QueueReady));
            clause.ExpectAndRecover((DeviceStatus)0x4B, None);
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_m_QueueRegistersWhileReady(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        foreach (var offset in new ulong[] { 0x038, 0x080, 0x084, 0x090, 0x094, 0x0A0, 0x0A4 })
        {
            clause.Bench.Write((VirtioMmioRegister)offset, uint.MaxValue);
        }

        clause.Bench.Write(VirtioMmioRegister.QueueReady, 1);
        clause.Bench.Run();
        clause.Expect(Live, None);
        clause.Bench.Write(VirtioMmioRegister.QueueReady, 0);
        clause.Bench.Write(VirtioMmioRegister.QueueReady, 1);
        clause.Bench.Run();
        Assert.Equal(1u, clause.Bench.Read(VirtioMmioRegister.QueueReady)); // enabled again where it was
        clause.ExpectTolerated();
    }

    [Fact]
    public async Task Spec_4_2_2_2_n_LeavesAQueueReady()
    {
        // The ring's memory is given to somebody else while the device still owns it.
        await using (var split = EchoClauseBench.Started(FeatureSets.Split))
        {
            Overwrite(split);
            split.ExpectBrokenRing(QueueFault.AvailableIndexJump);
        }

        await using var packed = EchoClauseBench.Started(FeatureSets.Packed);
        Overwrite(packed);
        packed.Bench.Notify();
        packed.ExpectAndRecover(Live, None, packed.Suppression()); // A5A5 are flags of a used descriptor

        static void Overwrite(EchoClauseBench clause)
        {
            var layout = clause.Ring.Layout;
            foreach (var (address, length) in new[] { (layout.DescriptorAddress, layout.PartSizes.Descriptor), (layout.DriverAddress, layout.PartSizes.Driver) })
            {
                clause.Ring.Write(address, Enumerable.Repeat((byte)0xA5, (int)length).ToArray());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_o_DoesNotReadQueueReadyBack(ulong features)
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(features, device);
        clause.Echo();
        device.Held[0].MarkPending();
        clause.Watch();
        var stop = clause.Bench.BeginWrite(VirtioMmioRegister.QueueReady, 0).Pending;
        Assert.NotNull(stop); // the hart that wrote it waits in any case
        clause.Ring.Write(clause.Ring.Layout.DescriptorAddress, new byte[128]);
        clause.Bench.Notify();
        Assert.False(stop.IsCompleted);
        device.Queues[0].PostCompletion(device.Held[0], 4);
        clause.Bench.Run();
        Assert.True(stop.IsCompleted);
        device.HoldsBack = false;
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_p_UndefinedInterruptBits(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Device.Host.ConfigChanged();
        clause.Echo();
        clause.Device.Host.NeedsReset("test");
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.InterruptStatus) & ~3u); // there is none to mind
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_q_DoesNotAcknowledge(ulong features) => await ExpectToHoldTheLineAsync(features);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_r_AcknowledgesUndefinedBits(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        var writes = clause.Echo();
        clause.Bench.Write(VirtioMmioRegister.InterruptAck, ~3u);
        Assert.True(clause.Bench.Line.Level);
        clause.Expect(Live, Used, writes);
        clause.Bench.Write(VirtioMmioRegister.InterruptAck, uint.MaxValue);
        Assert.False(clause.Bench.Line.Level);
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_2_s_QueueResetTakenForDone(ulong layout)
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(layout | VirtioFeature.RingReset.Mask(), device);
        clause.Echo();
        device.Held[0].MarkPending();
        clause.Watch();
        clause.Bench.Write(VirtioMmioRegister.QueueReset, 1);
        clause.Bench.SetUpQueue(0, 8, clause.Features); // another place, too early: dropped
        clause.Bench.Notify();
        Assert.Equal(1u, clause.Bench.Read(VirtioMmioRegister.QueueReset));
        device.Queues[0].PostCompletion(device.Held[0], 4);
        clause.Bench.Run();
        Assert.Equal((0u, 0u), (clause.Bench.Read(VirtioMmioRegister.QueueReset), clause.Bench.Read(VirtioMmioRegister.QueueReady)));
        device.HoldsBack = false;
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_3_1_1_a_DoesNotBeginWithMagic(ulong features) => await ExpectToWorkUnseenAsync(features, VirtioMmioRegister.Status);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_3_1_1_b_DoesNotReadDeviceId(ulong features) => await ExpectToWorkUnseenAsync(features, VirtioMmioRegister.DeviceId);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_3_1_1_c_DoesNotAbortAtDeviceIdZero(ulong features)
    {
        await using var clause = new EchoClauseBench(features, new NoDevice());
        clause.Start();
        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_3_1_1_d_UsesDeviceIdZero(ulong features)
    {
        await using var clause = new EchoClauseBench(features, new NoDevice());
        for (var offset = 0UL; offset < 0x100; offset += 4)
        {
            clause.Bench.Mmio.Read(0, offset, new byte[4]);
            if (offset != (ulong)VirtioMmioRegister.Status)
            {
                clause.Bench.Mmio.Write(0, offset, [0xFF, 0xFF, 0xFF, 0xFF]);
            }
        }

        clause.Watch();
        clause.ExpectAndRecover(DeviceStatus.None, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_3_1_1_e_UsesSharedMemoryRegisters(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        foreach (var id in new[] { 0u, 1u, 255u, uint.MaxValue })
        {
            clause.Bench.Write(VirtioMmioRegister.ShmSel, id);
            Assert.Equal(uint.MaxValue, clause.Bench.Read(VirtioMmioRegister.ShmLenLow) & clause.Bench.Read(VirtioMmioRegister.ShmBaseHigh));
        }

        ExpectNothing(clause);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_3_1_1_f_AnotherProcedure(ulong features)
    {
        // All at once: features, then every status bit in one write; the queue after it.
        await using var clause = new EchoClauseBench(features);
        clause.Bench.Write(VirtioMmioRegister.Status, 2);
        clause.Bench.WriteDriverFeatures(features);
        clause.Bench.Write(VirtioMmioRegister.Status, 15);
        clause.Bench.SetUpQueue(0, 8, features);
        clause.Bench.Run();
        clause.Expect(Live, None, clause.Suppression());
        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_3_4_1_a_DoesNotReadInterruptStatus(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        for (var i = 0; i < 3; i++)
        {
            clause.Serve();
            Assert.True(clause.Bench.Line.Level);
            clause.Bench.Write(VirtioMmioRegister.InterruptAck, 3); // whatever it was
            Assert.False(clause.Bench.Line.Level);
        }

        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_3_4_1_b_DoesNotWriteInterruptAck(ulong features) => await ExpectToHoldTheLineAsync(features);

    private static async Task ExpectToHoldTheLineAsync(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        var writes = new List<(ulong, ulong)>();
        for (var i = 0; i < 3; i++)
        {
            writes.AddRange(clause.Echo());
            Assert.True(clause.Bench.Line.Level);
            Assert.True(clause.Ring.TryGetUsed(out _));
        }

        clause.ExpectAndRecover(Live, Used, [.. writes]); // served all the same; one edge
    }

    private static async Task ExpectToWorkUnseenAsync(ulong features, VirtioMmioRegister unread)
    {
        await using var clause = EchoClauseBench.Started(features); // reads nothing but FEATURES_OK back
        clause.ExpectTolerated();
        clause.Bench.Read(unread); // nor does a late look change a thing
        clause.ExpectTolerated();
    }

    private static void ExpectNothing(EchoClauseBench clause)
    {
        clause.Expect(Live, None);
        clause.ExpectTolerated();
    }

    private sealed class NoDevice() : EchoDevice(8, 8)
    {
        public override VirtioDeviceId DeviceId => VirtioDeviceId.Invalid;
    }
}
