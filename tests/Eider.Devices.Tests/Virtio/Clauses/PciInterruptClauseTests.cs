using Eider.Devices.Pci;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Device requirements of virtio 1.3, sections 4.1.4.5.1, 4.1.5.1.2.1, 4.1.5.3.1 and 4.1.5.4.1: ISR status and MSI-X.</summary>
public sealed class PciInterruptClauseTests
{
    private const uint NoVector = 0xFFFF;

    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    [Fact]
    public async Task Spec_4_1_4_5_1_a_ThereIsAnIsrCapability()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.Single(bench.Capabilities, capability => capability.Type == VirtioPciCapability.IsrStatus);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Spec_4_1_4_5_1_b_ConfigurationBitIsSetBeforeTheNotification(bool byMessage)
    {
        var device = new EchoDevice();
        await using var bench = Started(device, FeatureSets.Split, byMessage);
        device.Host.ConfigChanged();
        Assert.Equal(!byMessage, bench.Line.Level);
        Assert.Equal(byMessage ? [0x100U] : [], Sent(bench));
        Assert.Equal(2u, bench.ReadIsr());
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_1_4_5_1_c_QueueBitIsSetBeforeTheNotification(ulong features)
    {
        await using var bench = Started(new EchoDevice(), features, byMessage: false);
        bench.Echo(0, 1);
        Assert.True(bench.Line.Level);
        Assert.Equal(1u, bench.ReadIsr());
    }

    [Fact]
    public async Task Spec_4_1_4_5_1_d_InterruptStatusIsTheOrOfAllBits()
    {
        var device = new EchoDevice();
        await using var bench = Started(device, FeatureSets.Split, byMessage: false);
        Assert.False(Status());
        bench.Echo(0, 1);
        Assert.True(Status());
        bench.ReadIsr();
        Assert.False(Status());
        device.Host.ConfigChanged();
        Assert.True(Status());
        bench.Pci.Config(bench.Function, (int)PciRegister.Command, 0x406, 2); // masked: the status still tells
        Assert.Equal((true, false), (Status(), bench.Line.Level));
        bench.ReadIsr();
        Assert.False(Status());

        bool Status() => (bench.Pci.Config(bench.Function, (int)PciRegister.Status, 2) & 8) != 0;
    }

    [Fact]
    public async Task Spec_4_1_4_5_1_e_ReadingResetsIt()
    {
        var device = new EchoDevice();
        await using var bench = Started(device, FeatureSets.Split, byMessage: false);
        bench.Echo(0, 1);
        device.Host.ConfigChanged();
        Assert.Equal((3u, 0u), (bench.ReadIsr(), bench.ReadIsr()));
        Assert.False(bench.Line.Level);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(5, 6)]
    [InlineData(1024, 1025)]
    public async Task Spec_4_1_5_1_2_1_a_TableSizeIsTheNumberOfVectors(int queues, int vectors)
    {
        await using var bench = new VirtioPciBench(new EchoDevice([.. Enumerable.Repeat((ushort)2, queues)]));
        var control = bench.Pci.Config(bench.Function, bench.Pci.FindCapability(bench.Function, PciCapabilityId.MsiX) + 2, 2);
        Assert.Equal((uint)vectors, (control & 0x7FF) + 1);
    }

    [Fact]
    public async Task Spec_4_1_5_1_2_1_b_AnyEventMapsToAnyVector()
    {
        var device = new EchoDevice(8, 8);
        for (var config = 0U; config < 3; config++)
        {
            for (var first = 0U; first < 3; first++)
            {
                await using var bench = Started(device = new EchoDevice(8, 8), FeatureSets.Split, byMessage: true, queues: 2);
                Map(bench, config, first, 2);
                device.Host.ConfigChanged();
                bench.Echo(0, 1);
                bench.Echo(1, 1);
                Assert.Equal([0x100 + config, 0x100 + first, 0x102], Sent(bench));
            }
        }
    }

    [Fact]
    public async Task Spec_4_1_5_1_2_1_c_AnyEventCanBeUnmapped()
    {
        var device = new EchoDevice();
        await using var bench = Started(device, FeatureSets.Split, byMessage: true);
        Map(bench, NoVector, NoVector);
        device.Host.ConfigChanged();
        bench.Echo(0, 1);
        Assert.Empty(Sent(bench));
        Map(bench, NoVector, 1);
        bench.Echo(0, 1);
        Assert.Equal([0x101U], Sent(bench));
    }

    [Fact]
    public async Task Spec_4_1_5_1_2_1_d_TheVectorOfAnEventReadsBack()
    {
        await using var bench = new VirtioPciBench(new EchoDevice(8, 8));
        Assert.Equal((NoVector, NoVector), (Config(bench), bench.Queue(0, VirtioPciCommonRegister.QueueMsixVector)));
        Map(bench, 2, 1, 0);
        Assert.Equal((2u, 1u, 0u), (Config(bench), bench.Queue(0, VirtioPciCommonRegister.QueueMsixVector), bench.Queue(1, VirtioPciCommonRegister.QueueMsixVector)));
        Assert.Equal(NoVector, bench.Queue(2, VirtioPciCommonRegister.QueueMsixVector)); // there is no such queue
    }

    [Fact]
    public async Task Spec_4_1_5_1_2_1_e_AllAreUnmappedOnReset()
    {
        await using var bench = Started(new EchoDevice(), FeatureSets.Split, byMessage: true);
        bench.WriteStatus(0);
        Assert.Equal((NoVector, NoVector), (Config(bench), bench.Queue(0, VirtioPciCommonRegister.QueueMsixVector)));
    }

    [Fact]
    public async Task Spec_4_1_5_1_2_1_f_AMappingThatFailsReadsNoVector()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Map(bench, 0, 1);
        Map(bench, 2, 0xFFFE);
        Assert.Equal((NoVector, NoVector), (Config(bench), bench.Queue(0, VirtioPciCommonRegister.QueueMsixVector)));
        await using var bare = new VirtioPciBench(new EchoDevice(), hasMessages: false);
        Map(bare, 0, 0);
        Assert.Equal((NoVector, NoVector), (Config(bare), bare.Queue(0, VirtioPciCommonRegister.QueueMsixVector)));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_1_5_3_1_a_AnUnmappedQueueDoesNotInterrupt(ulong features)
    {
        await using var bench = Started(new EchoDevice(8, 8), features, byMessage: true, queues: 2);
        Map(bench, 0, NoVector, 1);
        Assert.Equal([2], bench.Echo(0, 1));
        Assert.Empty(Sent(bench));
        Assert.False(bench.Line.Level);
        bench.Echo(1, 1);
        Assert.Equal([0x101U], Sent(bench));
    }

    [Fact]
    public async Task Spec_4_1_5_4_1_a_AnUnmappedConfigurationChangeDoesNotInterrupt()
    {
        var device = new EchoDevice();
        await using var bench = Started(device, FeatureSets.Split, byMessage: true);
        Map(bench, NoVector, 1);
        device.Host.ConfigChanged();
        Assert.Empty(Sent(bench));
        Assert.False(bench.Line.Level);
    }

    [Fact]
    public async Task Masked_vectors_become_pending_and_come_once_also_when_the_table_has_moved()
    {
        await using var bench = Started(new EchoDevice(), FeatureSets.Split, byMessage: true);
        bench.ProgramVector(1, 0x9000, 0x101, isMasked: true);
        bench.Echo(0, 1);
        bench.Echo(0, 1);
        Assert.Equal(2u, bench.PendingVectors());
        bench.Pci.Config(bench.Function, (int)PciRegister.Bar0, 0x6000_0000, 4);
        Assert.Equal(2u, bench.PendingVectors());
        bench.ProgramVector(1, 0xA000, 0x201);
        Assert.Equal([new MsiMessage(0xA000, 0x201)], bench.Pci.Messages.Select(sent => sent.Message));
        Assert.Equal(0u, bench.PendingVectors());
        bench.ControlMessages(0xC000);
        bench.Echo(0, 1);
        Assert.Single(bench.Pci.Messages);
        bench.ControlMessages(0x8000);
        Assert.Equal(2, bench.Pci.Messages.Count);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Notifications_call_a_queue_what_was_negotiated(bool named, bool withData)
    {
        var features = FeatureSets.Split | (named ? VirtioFeature.NotifConfigData.Mask() : 0) | (withData ? VirtioFeature.NotificationData.Mask() : 0);
        await using var bench = new VirtioPciBench(
            new EchoDevice(8, 8, 8), new VirtioTransportOptions { Offered = VirtioFeatures.DefaultOffered | features });
        bench.Start(features, 8, 3);
        for (var queue = 0; queue < 3; queue++)
        {
            Assert.Equal([10], bench.Echo(queue, 9));
            Assert.NotEqual(named ? (uint)queue : 0x8000u, bench.Queue(queue, VirtioPciCommonRegister.QueueNotifConfigData));
        }

        Assert.Equal(0, bench.Transport.DriverErrors);

        // The other width, the other name, a queue that is not there: none of them wakes a queue.
        Assert.NotEqual(Eider.Hardware.Bus.BusStatus.Ok, bench.Pci.MmioWrite(bench.NotifyAddress(0), 0, withData ? 2 : 4).Status);
        bench.Pci.MmioWrite(bench.NotifyAddress(0), named ? 1u : 0x8001u, withData ? 4 : 2);
        bench.Pci.MmioWrite(bench.NotifyAddress(0), named ? 0x8007u : 7u, withData ? 4 : 2);
        Assert.Equal(3, bench.Transport.DriverErrors);
    }

    [Fact]
    public async Task Without_bus_master_a_device_leaves_memory_alone_until_it_is_back()
    {
        var device = new EchoDevice();
        await using var bench = Started(device, FeatureSets.Split, byMessage: false);
        bench.Pci.Config(bench.Function, (int)PciRegister.Command, (uint)PciCommand.MemorySpace, 2);
        Assert.Empty(bench.Echo(0, 1));
        Assert.Equal(0, device.Taken);
        bench.Pci.Config(bench.Function, (int)PciRegister.Command, (uint)(PciCommand.MemorySpace | PciCommand.BusMaster), 2);
        bench.Run();
        Assert.Equal(1, device.Taken);
        Assert.True(bench.Rings[0].TryGetUsed(out _));
    }

    [Fact]
    public async Task The_buss_reset_is_over_when_nothing_is_in_flight()
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = Started(device, FeatureSets.Split, byMessage: false);
        bench.Echo(0, 1);
        var chain = Assert.Single(device.Held);
        chain.MarkPending();
        var reset = bench.Pci.Bus.Reset();
        bench.Run();
        Assert.False(reset.Pending!.IsCompleted);
        chain.Queue.PostCompletion(chain, 0);
        bench.Run();
        Assert.True(reset.Pending.IsCompleted);
        Assert.Equal(BusStatus.Ok, bench.Pci.Bus.Reset().Status);
    }

    [Fact]
    public async Task The_buss_reset_ends_the_drivers_life()
    {
        var device = new EchoDevice();
        await using var bench = Started(device, FeatureSets.Split, byMessage: false);
        bench.Echo(0, 1);
        bench.Pci.Bus.Reset();
        bench.Run();
        Assert.False(bench.Line.Level);
        Assert.Contains("reset", device.Calls);
        Assert.Equal(0u, bench.Pci.Config(bench.Function, (int)PciRegister.Command, 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_notification_and_an_interrupt_allocate_nothing(bool byMessage)
    {
        var device = new EchoDevice();
        await using var bench = Started(device, FeatureSets.Split, byMessage);
        var (address, isr) = (bench.NotifyAddress(0), bench.AddressOf(VirtioPciCapability.IsrStatus));
        bench.ProgramVector(1, 0x9000, 0x101, isMasked: true); // the bench's list of messages would grow
        var data = new byte[2];
        RunRounds(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        RunRounds(1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void RunRounds(int count)
        {
            for (var i = 0; i < count; i++)
            {
                data.AsSpan().Clear();
                bench.Pci.Io.MmioWrite(address, data);
                bench.Transport.RaiseUsed(0);
                bench.Pci.Io.MmioRead(isr, data.AsSpan(0, 1));
            }
        }
    }

    private static VirtioPciBench Started(EchoDevice device, ulong features, bool byMessage, int queues = 1)
    {
        var bench = new VirtioPciBench(device);
        if (byMessage)
        {
            bench.ControlMessages(0x8000);
            for (var vector = 0U; vector <= device.QueueSizes.Count; vector++)
            {
                bench.ProgramVector(vector, 0x9000, 0x100 + vector);
            }
        }

        Assert.True(bench.Negotiate(features));
        Map(bench, byMessage ? 0 : NoVector, byMessage ? [.. Enumerable.Range(1, queues).Select(vector => (uint)vector)] : []);
        for (var i = 0; i < queues; i++)
        {
            bench.SetUpQueue(i, 8, features);
        }

        bench.WriteStatus(15);
        bench.Run();
        return bench;
    }

    private static void Map(VirtioPciBench bench, uint config, params uint[] queues)
    {
        bench.Common(VirtioPciCommonRegister.ConfigMsixVector, config, 2);
        for (var i = 0; i < queues.Length; i++)
        {
            bench.Select(i);
            bench.Common(VirtioPciCommonRegister.QueueMsixVector, queues[i], 2);
        }
    }

    private static uint Config(VirtioPciBench bench) => bench.Common(VirtioPciCommonRegister.ConfigMsixVector, 2);

    private static IEnumerable<uint> Sent(VirtioPciBench bench) => bench.Pci.Messages.Select(sent => sent.Message.Data);
}
