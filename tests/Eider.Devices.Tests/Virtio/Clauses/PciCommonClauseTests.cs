using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Device requirements of virtio 1.3, section 4.1.4.3.1: the common configuration structure.</summary>
public sealed class PciCommonClauseTests
{
    private const ulong Resettable = FeatureSets.Split | (1UL << (int)VirtioFeature.RingReset);

    [Fact]
    public async Task Spec_4_1_4_3_1_a_OffsetIsAlignedToFour()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.Equal(0u, bench[VirtioPciCapability.CommonConfiguration].Offset % 4);
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_b_ThereIsACommonConfiguration()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.True(Assert.Single(bench.Capabilities, entry => entry.Type == VirtioPciCapability.CommonConfiguration).Length >= 0x40);
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_c_OfferedBitsShowByWord()
    {
        await using var bench = new VirtioPciBench(new EchoDevice { OwnFeatures = 0x5 });
        Assert.Equal(VirtioFeatures.DefaultOffered | 5, bench.ReadOfferedFeatures());
        foreach (var word in new[] { 2u, 3u, uint.MaxValue })
        {
            bench.Common(VirtioPciCommonRegister.DeviceFeatureSelect, word, 4);
            Assert.Equal(word, bench.Common(VirtioPciCommonRegister.DeviceFeatureSelect, 4));
            Assert.Equal(0u, bench.Common(VirtioPciCommonRegister.DeviceFeature, 4));
        }
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_d_AcceptedBitsReadBack()
    {
        await using var bench = new VirtioPciBench(new EchoDevice { OwnFeatures = 0x5 });
        bench.WriteStatus(3);
        foreach (var (word, value, shown) in new (uint, uint, uint)[] { (0, 0x3000_0001, 0x3000_0001), (1, 0x0000_0001, 0x0000_0001), (0, 0x0000_0006, 0x0000_0004), (2, 1, 0) })
        {
            bench.Common(VirtioPciCommonRegister.DriverFeatureSelect, word, 4);
            bench.Common(VirtioPciCommonRegister.DriverFeature, value, 4);
            Assert.Equal(shown, bench.Common(VirtioPciCommonRegister.DriverFeature, 4));
        }
    }

    // 256 changes at once would bring a counter of 8 bits back to where it was.
    [Fact]
    public async Task Spec_4_1_4_3_1_e_GenerationMovesWhenAReaderSawAChange()
    {
        var device = new EchoDevice { Config = new byte[8] };
        await using var bench = new VirtioPciBench(device);
        var config = bench.AddressOf(VirtioPciCapability.DeviceConfiguration);
        foreach (var changes in new[] { 1, 255, 256, 512 })
        {
            _ = bench.Pci.Mmio(config);
            var before = bench.Common(VirtioPciCommonRegister.ConfigGeneration, 1);
            for (var i = 0; i < changes; i++)
            {
                device.Host.ConfigChanged(() => device.Config[0] ^= 1);
            }

            _ = bench.Pci.Mmio(config + 4);
            Assert.NotEqual(before, bench.Common(VirtioPciCommonRegister.ConfigGeneration, 1));
        }

        var still = bench.Common(VirtioPciCommonRegister.ConfigGeneration, 1);
        _ = bench.Pci.Mmio(config);
        Assert.Equal(still, bench.Common(VirtioPciCommonRegister.ConfigGeneration, 1));
        device.Host.ConfigChanged(() =>
        {
            var first = bench.Common(VirtioPciCommonRegister.ConfigGeneration, 1);
            _ = bench.Pci.Mmio(config);
            Assert.NotEqual(first, bench.Common(VirtioPciCommonRegister.ConfigGeneration, 1));
        });
    }

    // Between the two halves of one field: a driver that reads the same generation before and after takes both for one value.
    [Fact]
    public async Task The_generation_moves_when_the_change_falls_into_the_read_itself()
    {
        var device = new EchoDevice { Config = new byte[8] };
        await using var bench = new VirtioPciBench(device);
        var config = bench.AddressOf(VirtioPciCapability.DeviceConfiguration);
        var before = bench.Common(VirtioPciCommonRegister.ConfigGeneration, 1);
        var low = bench.Pci.Mmio(config);
        device.BeforeConfigRead = () => device.Host.ConfigChanged(() => Array.Fill(device.Config, (byte)0xFF));
        var high = bench.Pci.Mmio(config + 4);
        device.BeforeConfigRead = null;

        Assert.Equal((0U, uint.MaxValue), (low, high));
        Assert.NotEqual(before, bench.Common(VirtioPciCommonRegister.ConfigGeneration, 1));
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_f_WritingZeroResetsAndReadsZeroWhenDone()
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = new VirtioPciBench(device);
        bench.Start(FeatureSets.Split);
        bench.Echo(0, 1);
        var chain = Assert.Single(device.Held);
        chain.MarkPending();
        var address = bench.AddressOf(VirtioPciCapability.CommonConfiguration, (ulong)VirtioPciCommonRegister.DeviceStatus);
        var reset = bench.Pci.MmioWrite(address, 0, 1);
        bench.Run();
        Assert.False(reset.Pending!.IsCompleted);
        Assert.NotEqual(DeviceStatus.None, bench.Status);
        chain.Queue.PostCompletion(chain, 0);
        bench.Run();
        Assert.True(reset.Pending.IsCompleted);
        Assert.Equal(DeviceStatus.None, bench.Status);
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_g_QueueEnableIsZeroOnReset()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.Equal(0u, bench.Queue(0, VirtioPciCommonRegister.QueueEnable));
        bench.Start(FeatureSets.Split);
        Assert.Equal(1u, bench.Queue(0, VirtioPciCommonRegister.QueueEnable));
        bench.WriteStatus(0);
        Assert.Equal(0u, bench.Queue(0, VirtioPciCommonRegister.QueueEnable));
        Assert.Equal(256u, bench.Queue(0, VirtioPciCommonRegister.QueueSize));
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_h_QueueResetIsZeroOnReset()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        bench.Start(Resettable);
        BeginQueueReset(bench);
        bench.WriteStatus(0);
        Assert.Equal(0u, bench.Queue(0, VirtioPciCommonRegister.QueueReset));
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_i_QueueResetIsZeroOnceEnabled()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        bench.Start(Resettable);
        BeginQueueReset(bench);
        bench.Run();
        bench.SetUpQueue(0, 8, Resettable);
        Assert.Equal((0u, 1u), (bench.Queue(0, VirtioPciCommonRegister.QueueReset), bench.Queue(0, VirtioPciCommonRegister.QueueEnable)));
        bench.Run();
        Assert.Equal([6], bench.Echo(0, 5));
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_j_WritingOneResetsTheQueue()
    {
        await using var bench = new VirtioPciBench(new EchoDevice(16, 16));
        bench.Start(Resettable, queues: 2);
        BeginQueueReset(bench);
        bench.Run();
        Assert.Equal(0u, bench.Queue(0, VirtioPciCommonRegister.QueueEnable));
        Assert.Equal(0u, bench.Common(VirtioPciCommonRegister.QueueDesc, 4));
        Assert.Equal([8], bench.Echo(1, 7)); // the other one goes on
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_k_QueueResetIsOneWhileItGoesOn()
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = new VirtioPciBench(device);
        bench.Start(Resettable);
        bench.Echo(0, 1);
        var chain = Assert.Single(device.Held);
        chain.MarkPending();
        BeginQueueReset(bench);
        bench.Run();
        Assert.Equal(1u, bench.Queue(0, VirtioPciCommonRegister.QueueReset));
        chain.Queue.PostCompletion(chain, 0);
        bench.Run();
        Assert.Equal(0u, bench.Queue(0, VirtioPciCommonRegister.QueueReset));
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_l_BothAreZeroWhenDone()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        bench.Start(Resettable);
        BeginQueueReset(bench);
        bench.Run();
        Assert.Equal((0u, 0u), (bench.Queue(0, VirtioPciCommonRegister.QueueReset), bench.Queue(0, VirtioPciCommonRegister.QueueEnable)));
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_m_QueueSizeOfAnAbsentQueueIsZero()
    {
        await using var bench = new VirtioPciBench(new EchoDevice(16, 0, 32));
        Assert.Equal([16u, 0u, 32u, 0u], Enumerable.Range(0, 4).Select(queue => bench.Queue(queue, VirtioPciCommonRegister.QueueSize)));
        Assert.Equal(0u, bench.Queue(0xFFFF, VirtioPciCommonRegister.QueueSize));
        Assert.Equal(3u, bench.Common(VirtioPciCommonRegister.NumQueues, 2));
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_n_WithoutPackedQueuesASizeIsAPowerOfTwo()
    {
        var split = new VirtioTransportOptions { Offered = FeatureSets.Split };
        Assert.Throws<ArgumentException>(() => new VirtioPciBench(new EchoDevice(24), split));
        await using var bench = new VirtioPciBench(new EchoDevice(1, 32768), split);
        Assert.Equal([1u, 32768u], Enumerable.Range(0, 2).Select(queue => bench.Queue(queue, VirtioPciCommonRegister.QueueSize)));
    }

    // There are no administration queues: the bit is not offered, and cannot be.
    [Fact]
    public async Task Spec_4_1_4_3_1_o_NoAdministrationQueueHasAnIndex()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.Equal(0UL, bench.ReadOfferedFeatures() & (1UL << 41));
        Assert.Equal(0u, bench.Common(VirtioPciCommonRegister.AdminQueueIndex, 2));
    }

    [Fact]
    public async Task Spec_4_1_4_3_1_p_ThereAreNoAdministrationQueues()
    {
        Assert.Throws<ArgumentException>(() => new VirtioPciBench(
            new EchoDevice(), new VirtioTransportOptions { Offered = VirtioFeatures.DefaultOffered | (1UL << 41) }));
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.Equal(0u, bench.Common(VirtioPciCommonRegister.AdminQueueNum, 2));
    }

    private static void BeginQueueReset(VirtioPciBench bench)
    {
        bench.Select(0);
        bench.Common(VirtioPciCommonRegister.QueueReset, 1, 2);
    }
}
