using System.Numerics;
using Eider.Devices.Pci;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Entropy;
using Eider.Devices.Virtio.Transport;
using Eider.Storage.Backends;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Device requirements of virtio 1.3, sections 4.1.1 to 4.1.4.9 but for the common configuration and interrupts: what a driver finds.</summary>
public sealed class PciLayoutClauseTests
{
    private const ulong WithData = FeatureSets.Split | (1UL << (int)VirtioFeature.NotificationData);

    [Fact]
    public async Task Spec_4_1_1_a_TheFunctionMeetsThePciSpecification()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.Equal(0u, bench.Pci.Config(bench.Function, (int)PciRegister.HeaderType, 1));
        Assert.Equal(0x10u, bench.Pci.Config(bench.Function, (int)PciRegister.Status, 2) & 0x10);
        bench.Pci.Config(bench.Function, (int)PciRegister.Bar0, uint.MaxValue, 4);
        var size = ~(bench.Pci.Config(bench.Function, (int)PciRegister.Bar0) & ~0xFU) + 1UL;
        Assert.True(BitOperations.IsPow2(size & uint.MaxValue));
    }

    [Fact]
    public async Task Spec_4_1_2_1_a_VendorIs1af4()
    {
        foreach (var device in EveryDevice())
        {
            await using var bench = new VirtioPciBench(device);
            Assert.Equal(0x1AF4u, bench.Pci.Config(bench.Function, (int)PciRegister.VendorId, 2));
        }
    }

    [Fact]
    public async Task Spec_4_1_2_1_b_DeviceIs1040AndTheType()
    {
        foreach (var device in EveryDevice())
        {
            await using var bench = new VirtioPciBench(device);
            Assert.Equal(0x1040u + device.DeviceId.Value, bench.Pci.Config(bench.Function, (int)PciRegister.DeviceId, 2));
            Assert.True(bench.Pci.Config(bench.Function, (int)PciRegister.RevisionId, 1) >= 1);
            Assert.True(bench.Pci.Config(bench.Function, (int)PciRegister.SubsystemId, 2) >= 0x40);
        }
    }

    [Fact]
    public async Task Spec_4_1_3_2_a_HalvesOfA64BitFieldAreIndependent()
    {
        await using var bench = new VirtioPciBench(new EchoDevice { Config = [1, 2, 3, 4, 5, 6, 7, 8] });
        Assert.True(bench.Negotiate(FeatureSets.Split));
        bench.Common(VirtioPciCommonRegister.QueueDriverHigh, 0x1234, 4);
        bench.Common(VirtioPciCommonRegister.QueueDriver, 0x5678_0000, 4);
        Assert.Equal(0x1234u, bench.Common(VirtioPciCommonRegister.QueueDriverHigh, 4));
        Assert.Equal(0x5678_0000u, bench.Common(VirtioPciCommonRegister.QueueDriver, 4));
        var config = bench.AddressOf(VirtioPciCapability.DeviceConfiguration);
        Assert.Equal((0x0403_0201u, 0x0807_0605u), (bench.Pci.Mmio(config), bench.Pci.Mmio(config + 4)));
    }

    [Fact]
    public async Task Spec_4_1_4_2_a_CapLenCountsEverything()
    {
        await using var bench = new VirtioPciBench(new EchoDevice { Regions = [new VirtioSharedMemory(1, 0x8000_0000, 0x1000)] });
        Assert.All(bench.Capabilities, capability => Assert.Equal(
            capability.Type switch
            {
                VirtioPciCapability.Notifications or VirtioPciCapability.PciConfigurationAccess => 20,
                VirtioPciCapability.SharedMemory => 24,
                _ => 16,
            },
            capability.CapLen));
    }

    [Fact]
    public async Task Spec_4_1_4_4_1_a_ThereIsANotificationCapability()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.Single(bench.Capabilities, capability => capability.Type == VirtioPciCapability.Notifications);
    }

    [Fact]
    public Task Spec_4_1_4_4_1_b_OffsetIsAlignedToTwo() => WithNotify(FeatureSets.Split, (notify, _) => Assert.Equal(0u, notify.Offset % 2));

    [Fact]
    public Task Spec_4_1_4_4_1_c_MultiplierIsAnEvenPowerOfTwo() =>
        WithNotify(FeatureSets.Split, (notify, _) => Assert.True(BitOperations.IsPow2(notify.Extra[0]) && BitOperations.Log2(notify.Extra[0]) % 2 == 0));

    [Fact]
    public Task Spec_4_1_4_4_1_d_LengthIsAtLeastTwo() => WithNotify(FeatureSets.Split, (notify, _) => Assert.True(notify.Length >= 2));

    [Fact]
    public Task Spec_4_1_4_4_1_e_LengthHoldsEveryQueueThereCanBe() => WithNotify(
        FeatureSets.Split, (notify, offsets) => Assert.True(notify.Length >= (offsets.Max() * notify.Extra[0]) + 2), queues: VirtioLimits.MaxQueues);

    [Fact]
    public Task Spec_4_1_4_4_1_f_EveryQueueLiesInside() => WithNotify(
        FeatureSets.Split, (notify, offsets) => Assert.All(offsets, offset => Assert.True(notify.Length >= (offset * notify.Extra[0]) + 2)));

    [Fact]
    public Task Spec_4_1_4_4_1_g_WithDataTheMultiplierIsAMultipleOfFour() =>
        WithNotify(WithData, (notify, _) => Assert.True(BitOperations.IsPow2(notify.Extra[0]) && notify.Extra[0] % 4 == 0));

    [Fact]
    public Task Spec_4_1_4_4_1_h_WithDataTheOffsetIsAlignedToFour() => WithNotify(WithData, (notify, _) => Assert.Equal(0u, notify.Offset % 4));

    [Fact]
    public Task Spec_4_1_4_4_1_i_WithDataTheLengthIsAtLeastFour() => WithNotify(WithData, (notify, _) => Assert.True(notify.Length >= 4));

    [Fact]
    public Task Spec_4_1_4_4_1_j_WithDataTheLengthHoldsEveryQueueThereCanBe() => WithNotify(
        WithData, (notify, offsets) => Assert.True(notify.Length >= (offsets.Max() * notify.Extra[0]) + 4), queues: VirtioLimits.MaxQueues);

    [Fact]
    public Task Spec_4_1_4_4_1_k_WithDataEveryQueueLiesInside() => WithNotify(
        WithData, (notify, offsets) => Assert.All(offsets, offset => Assert.True(notify.Length >= (offset * notify.Extra[0]) + 4)));

    [Fact]
    public async Task Spec_4_1_4_6_1_a_DeviceConfigurationIsAlignedToFour()
    {
        foreach (var device in EveryDevice())
        {
            await using var bench = new VirtioPciBench(device);
            var found = bench.Capabilities.Where(capability => capability.Type == VirtioPciCapability.DeviceConfiguration).ToList();
            Assert.Equal(device.ConfigSizeBytes == 0 ? 0 : 1, found.Count);
            Assert.All(found, capability => Assert.Equal((0u, (uint)device.ConfigSizeBytes), (capability.Offset % 4, capability.Length)));
        }
    }

    [Fact]
    public async Task Spec_4_1_4_7_1_a_SharedMemoryLiesInItsRegion()
    {
        await using var bench = Shared();
        bench.Pci.Config(bench.Function, (int)PciRegister.Bar0 + 8, uint.MaxValue, 4);
        bench.Pci.Config(bench.Function, (int)PciRegister.Bar0 + 12, uint.MaxValue, 4);
        var size = ~(((ulong)bench.Pci.Config(bench.Function, 0x1C) << 32) | (bench.Pci.Config(bench.Function, 0x18) & ~0xFU)) + 1;
        foreach (var region in SharedRegions(bench))
        {
            Assert.Equal(2, region.Bar);
            var offset = region.Offset | ((ulong)region.Extra[0] << 32);
            var length = region.Length | ((ulong)region.Extra[1] << 32);
            Assert.True(offset + length <= size);
        }

        bench.Pci.Config(bench.Function, 0x18, VirtioPciBench.SharedAddress, 4);
        bench.Pci.Config(bench.Function, 0x1C, 0, 4);
        var second = VirtioPciBench.SharedAddress + SharedRegions(bench)[1].Offset;
        bench.Pci.MmioWrite(second + 8, 0xCAFE_F00D);
        var data = new byte[4];
        Assert.True(bench.Ram.TryRead(VirtioPciBench.RamBase + 0x2008, data));
        Assert.Equal([0x0D, 0xF0, 0xFE, 0xCA], data);
        Assert.Equal(0xCAFE_F00Du, bench.Pci.Mmio(second + 8));
        Assert.Equal(uint.MaxValue, bench.Pci.Mmio(second + 0x3000));
    }

    [Fact]
    public async Task Spec_4_1_4_7_1_b_SharedMemoryIdsAreUnique()
    {
        await using var bench = Shared();
        Assert.Equal([1, 7], SharedRegions(bench).Select(region => (int)region.Id));
        var twice = new EchoDevice { Regions = [new VirtioSharedMemory(1, 0x8000_0000, 1), new VirtioSharedMemory(1, 0x8000_1000, 1)] };
        Assert.Throws<ArgumentException>(() => new VirtioPciBench(twice));
    }

    // No vendor data is presented; each of the three rules on it is kept that way.
    [Fact]
    public Task Spec_4_1_4_8_1_a_NoVendorDataIsVirtios() => HasNoVendorData();

    [Fact]
    public Task Spec_4_1_4_8_1_b_NoVendorDataIsUnaligned() => HasNoVendorData();

    [Fact]
    public Task Spec_4_1_4_8_1_c_NoVendorDataHasSideEffects() => HasNoVendorData();

    [Fact]
    public async Task Spec_4_1_4_9_1_a_ThereIsAnAccessCapability()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        Assert.Single(bench.Capabilities, capability => capability.Type == VirtioPciCapability.PciConfigurationAccess);
    }

    [Fact]
    public async Task Spec_4_1_4_9_1_b_WritingItsDataWritesTheRegion()
    {
        await using var bench = new VirtioPciBench(new EchoDevice { Config = new byte[16] });
        Aim(bench, VirtioPciCapability.DeviceConfiguration, 4, 2);
        bench.Pci.Config(bench.Function, AccessData(bench), 0x1234, 4);
        Assert.Equal(0x1234u, bench.Pci.Mmio(bench.AddressOf(VirtioPciCapability.DeviceConfiguration, 4), 4));

        // Also where it lasts: a reset with a request in flight ends the access when it is done.
        Aim(bench, VirtioPciCapability.CommonConfiguration, (uint)VirtioPciCommonRegister.DeviceStatus, 1);
        bench.Pci.Config(bench.Function, AccessData(bench), 3, 1);
        Assert.Equal((DeviceStatus)3, bench.Status);

        // What is no access does nothing.
        foreach (var (offset, length) in new (uint, uint)[] { (1, 2), (0, 3), (0, 8), (0x1_0000, 4), (uint.MaxValue, 1) })
        {
            Aim(bench, VirtioPciCapability.DeviceConfiguration, unchecked(offset), length);
            bench.Pci.Config(bench.Function, AccessData(bench), uint.MaxValue, 4);
        }

        Assert.Equal(0u, bench.Pci.Mmio(bench.AddressOf(VirtioPciCapability.DeviceConfiguration), 4));
    }

    [Fact]
    public async Task Spec_4_1_4_9_1_c_ReadingItsDataReadsTheRegion()
    {
        await using var bench = new VirtioPciBench(new EchoDevice(16, 16, 16));
        Aim(bench, VirtioPciCapability.CommonConfiguration, (uint)VirtioPciCommonRegister.NumQueues, 2);
        Assert.Equal(3u, bench.Pci.Config(bench.Function, AccessData(bench), 2));
        bench.Pci.Config(bench.Function, (int)PciRegister.Command, (uint)PciCommand.BusMaster, 2); // not by memory any more
        Aim(bench, VirtioPciCapability.CommonConfiguration, (uint)VirtioPciCommonRegister.DeviceStatus, 1);
        Assert.Equal(0u, bench.Pci.Config(bench.Function, AccessData(bench), 1));
    }

    [Fact]
    public async Task Every_device_works_with_its_structures_found_by_capability()
    {
        await using var bench = new VirtioPciBench(new EchoDevice());
        bench.Start(FeatureSets.Split);
        Assert.Equal([2, 3, 4], bench.Echo(0, 1, 2, 3));
        Assert.Equal(0, bench.Transport.DriverErrors);
    }

    private static IEnumerable<VirtioDevice> EveryDevice() =>
    [
        new EchoDevice(),
        new BlockDevice { Storage = new MemoryStorage(1 << 20), Queues = 4 }.Build(),
        new ConsoleDevice().Build(),
        new EntropyDevice().Build(),
    ];

    private static VirtioPciBench Shared() => new(new EchoDevice
    {
        Regions = [new VirtioSharedMemory(1, VirtioPciBench.RamBase, 0x1800), new VirtioSharedMemory(7, VirtioPciBench.RamBase + 0x2000, 0x3000)],
    });

    private static List<VirtioPciStructure> SharedRegions(VirtioPciBench bench) =>
        [.. bench.Capabilities.Where(capability => capability.Type == VirtioPciCapability.SharedMemory)];

    private static int AccessData(VirtioPciBench bench) => bench[VirtioPciCapability.PciConfigurationAccess].At + 16;

    private static void Aim(VirtioPciBench bench, VirtioPciCapability type, uint offset, uint length)
    {
        var at = bench[VirtioPciCapability.PciConfigurationAccess].At;
        bench.Pci.Config(bench.Function, at + 4, bench[type].Bar, 1);
        bench.Pci.Config(bench.Function, at + 8, unchecked(bench[type].Offset + offset), 4);
        bench.Pci.Config(bench.Function, at + 12, length, 4);
    }

    private static async Task WithNotify(ulong offered, Action<VirtioPciStructure, IReadOnlyList<uint>> check, int queues = 5)
    {
        var device = new EchoDevice([.. Enumerable.Repeat((ushort)8, queues)]);
        await using var bench = new VirtioPciBench(device, new VirtioTransportOptions { Offered = offered });
        check(
            bench[VirtioPciCapability.Notifications],
            [.. Enumerable.Range(0, queues).Select(queue => bench.Queue(queue, VirtioPciCommonRegister.QueueNotifyOff))]);
    }

    private static async Task HasNoVendorData()
    {
        foreach (var device in EveryDevice())
        {
            await using var bench = new VirtioPciBench(device);
            Assert.DoesNotContain(bench.Capabilities, capability => (int)capability.Type == 9);
        }
    }
}
