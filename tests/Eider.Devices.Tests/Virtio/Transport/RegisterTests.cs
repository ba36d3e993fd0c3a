using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>The register layout of virtio 1.3, section 4.2.2, access by access.</summary>
public sealed class RegisterTests
{
    private static readonly VirtioMmioRegister[] Readable =
    [
        VirtioMmioRegister.MagicValue, VirtioMmioRegister.Version, VirtioMmioRegister.DeviceId, VirtioMmioRegister.VendorId,
        VirtioMmioRegister.DeviceFeatures, VirtioMmioRegister.QueueSizeMax, VirtioMmioRegister.QueueReady,
        VirtioMmioRegister.InterruptStatus, VirtioMmioRegister.Status, VirtioMmioRegister.ShmLenLow,
        VirtioMmioRegister.ShmLenHigh, VirtioMmioRegister.ShmBaseLow, VirtioMmioRegister.ShmBaseHigh,
        VirtioMmioRegister.QueueReset, VirtioMmioRegister.ConfigGeneration,
    ];

    private static readonly VirtioMmioRegister[] Writable =
    [
        VirtioMmioRegister.DeviceFeaturesSel, VirtioMmioRegister.DriverFeatures, VirtioMmioRegister.DriverFeaturesSel,
        VirtioMmioRegister.QueueSel, VirtioMmioRegister.QueueSize, VirtioMmioRegister.QueueReady,
        VirtioMmioRegister.QueueNotify, VirtioMmioRegister.InterruptAck, VirtioMmioRegister.Status,
        VirtioMmioRegister.QueueDescLow, VirtioMmioRegister.QueueDescHigh, VirtioMmioRegister.QueueDriverLow,
        VirtioMmioRegister.QueueDriverHigh, VirtioMmioRegister.QueueDeviceLow, VirtioMmioRegister.QueueDeviceHigh,
        VirtioMmioRegister.ShmSel, VirtioMmioRegister.QueueReset,
    ];

    [Fact]
    public async Task Spec_4_2_2_1_a_b_identity_reads_as_specified()
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        Assert.Equal(0x74726976u, bench.Read(VirtioMmioRegister.MagicValue));
        Assert.Equal(2u, bench.Read(VirtioMmioRegister.Version));
        Assert.Equal(42u, bench.Read(VirtioMmioRegister.DeviceId));
        Assert.Equal(0xFFFFu, bench.Read(VirtioMmioRegister.VendorId));
    }

    [Fact]
    public async Task The_vendor_is_an_option()
    {
        await using var bench = new VirtioTestBench(new EchoDevice(), new() { VendorId = 0x554d4551 });
        Assert.Equal(0x554d4551u, bench.Read(VirtioMmioRegister.VendorId));
    }

    [Fact]
    public async Task Only_registers_of_the_table_answer_and_only_in_their_direction()
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        for (var offset = 0; offset < 0x100; offset += 4)
        {
            var register = (VirtioMmioRegister)offset;
            var data = new byte[4];
            Assert.Equal(
                Readable.Contains(register) ? BusStatus.Ok : BusStatus.InvalidRegister, bench.Mmio.Read(0, (ulong)offset, data).Status);
            Assert.Equal(
                Writable.Contains(register) ? BusStatus.Ok : BusStatus.InvalidRegister, bench.Mmio.Write(0, (ulong)offset, data).Status);
        }
    }

    [Theory]
    [InlineData(1, BusStatus.InvalidSize)]
    [InlineData(2, BusStatus.InvalidSize)]
    [InlineData(8, BusStatus.InvalidSize)]
    public async Task Spec_4_2_2_2_control_registers_take_32_bit_accesses_only(int width, BusStatus expected)
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        foreach (var register in Readable)
        {
            Assert.Equal(expected, bench.Mmio.Read(0, (ulong)register, new byte[width]).Status);
        }

        foreach (var register in Writable)
        {
            Assert.Equal(expected, bench.Mmio.Write(0, (ulong)register, new byte[width]).Status);
        }

        Assert.Equal(BusStatus.Unaligned, bench.Mmio.Read(0, 0x71, new byte[4]).Status);
        Assert.Equal(BusStatus.Unaligned, bench.Mmio.Write(0, 0x72, new byte[4]).Status);
        Assert.Equal(DeviceStatus.None, bench.Status);
    }

    [Fact]
    public async Task A_queue_that_is_absent_has_size_0()
    {
        await using var bench = new VirtioTestBench(new EchoDevice(64, 0, 128));
        foreach (var (queue, size) in new[] { (0u, 64u), (1u, 0u), (2u, 128u), (3u, 0u), (16u, 0u), (uint.MaxValue, 0u) })
        {
            bench.Write(VirtioMmioRegister.QueueSel, queue);
            Assert.Equal(size, bench.Read(VirtioMmioRegister.QueueSizeMax));
            Assert.Equal(0u, bench.Read(VirtioMmioRegister.QueueReady));
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(16u)]
    [InlineData(0x8000_0000u)]
    [InlineData(uint.MaxValue)]
    public async Task A_wild_selector_harms_nobody(uint selector)
    {
        await using var bench = new VirtioTestBench(new EchoDevice(64, 0));
        bench.Negotiate(FeatureSets.Split);
        bench.Write(VirtioMmioRegister.DeviceFeaturesSel, selector);
        bench.Write(VirtioMmioRegister.DriverFeaturesSel, selector);
        bench.Write(VirtioMmioRegister.ShmSel, selector);
        bench.Write(VirtioMmioRegister.QueueSel, selector);
        foreach (var register in Writable.Where(register => register != VirtioMmioRegister.Status && register != VirtioMmioRegister.QueueSel))
        {
            bench.Write(register, 0xFFFF_FFFF);
        }

        bench.Write(VirtioMmioRegister.QueueNotify, selector);
        bench.Run();
        Assert.Equal(0, bench.Mmio.Faults);
        bench.Start(FeatureSets.Split);
    }

    [Fact]
    public async Task Spec_2_10_an_absent_shared_memory_region_is_all_ones_and_a_present_one_is_shown()
    {
        var device = new EchoDevice { Regions = [new VirtioSharedMemory(7, 0x1_2345_6000, 0x2_0000_1000)] };
        await using var bench = new VirtioTestBench(device);
        bench.Write(VirtioMmioRegister.ShmSel, 0);
        foreach (var register in new[] { VirtioMmioRegister.ShmLenLow, VirtioMmioRegister.ShmLenHigh, VirtioMmioRegister.ShmBaseLow, VirtioMmioRegister.ShmBaseHigh })
        {
            Assert.Equal(uint.MaxValue, bench.Read(register));
        }

        bench.Write(VirtioMmioRegister.ShmSel, 7);
        Assert.Equal(0x0000_1000u, bench.Read(VirtioMmioRegister.ShmLenLow));
        Assert.Equal(2u, bench.Read(VirtioMmioRegister.ShmLenHigh));
        Assert.Equal(0x2345_6000u, bench.Read(VirtioMmioRegister.ShmBaseLow));
        Assert.Equal(1u, bench.Read(VirtioMmioRegister.ShmBaseHigh));
    }

    [Fact]
    public async Task Configuration_space_takes_1_2_4_and_8_bytes_aligned_and_inside()
    {
        var device = new EchoDevice { Config = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] };
        await using var bench = new VirtioTestBench(device);
        foreach (var width in new[] { 1, 2, 4, 8 })
        {
            for (var offset = 0; offset < 16; offset++)
            {
                var data = new byte[width];
                var good = offset % width == 0 && offset + width <= 10;
                Assert.Equal(good ? BusStatus.Ok : BusStatus.InvalidRegister, bench.Mmio.Read(0, 0x100ul + (ulong)offset, data).Status);
                Assert.Equal(good ? device.Config[offset..(offset + width)] : new byte[width], data);
                Assert.Equal(good ? BusStatus.Ok : BusStatus.InvalidRegister, bench.Mmio.Write(0, 0x100ul + (ulong)offset, data).Status);
            }
        }

        Assert.Equal(BusStatus.InvalidRegister, bench.Mmio.Read(0, 0xFFC, new byte[4]).Status);
        Assert.Equal(BusStatus.InvalidRegister, bench.Mmio.Read(0, ulong.MaxValue, new byte[1]).Status);
        Assert.Equal(BusStatus.InvalidRegister, bench.Mmio.Read(0, 0x100, new byte[3]).Status);
    }

    [Fact]
    public async Task Spec_2_5_2_configuration_is_readable_before_features_ok()
    {
        await using var bench = new VirtioTestBench(new EchoDevice { Config = [0xAB, 0, 0, 0] });
        var data = new byte[4];
        Assert.Equal(BusStatus.Ok, bench.Mmio.Read(0, 0x100, data).Status);
        Assert.Equal(0xAB, data[0]);
    }

    [Fact]
    public async Task A_device_that_throws_harms_no_register_access()
    {
        var device = new EchoDevice { Config = [1, 2] };
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split);
        device.Config = [];
        Assert.Equal(BusStatus.InvalidRegister, bench.Mmio.Read(0, 0x100, new byte[2]).Status);
        Assert.Equal(1, bench.Mmio.Faults);
        Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset));
        Assert.IsAssignableFrom<ArgumentException>(bench.Mmio.LastFault);
    }

    [Fact]
    public async Task Any_sequence_of_accesses_neither_throws_nor_hangs()
    {
        var random = new Random(11);
        var device = new EchoDevice(64, 0, 8);
        await using var bench = new VirtioTestBench(device, new() { Offered = FeatureSets.All });
        var interesting = new uint[] { 0, 1, 2, 3, 4, 8, 11, 15, 64, 128, 255, 256, 0x8000_0000, 0x8010_0000, uint.MaxValue };
        for (var i = 0; i < 60_000; i++)
        {
            var width = random.Next(10) == 0 ? random.Next(1, 9) : 4;
            var offset = random.Next(10) == 0 ? (ulong)random.Next(0x200) : (ulong)(random.Next(0x48) * 4);
            var data = new byte[width];
            BitConverter.TryWriteBytes(data, interesting[random.Next(interesting.Length)]);
            _ = random.Next(3) == 0 ? bench.Mmio.Read(0, offset, data) : bench.Mmio.Write(0, offset, data);
            if (random.Next(4) == 0)
            {
                bench.Run();
            }
        }

        Assert.Equal(0, bench.Mmio.Faults);
        bench.Start(FeatureSets.Split);
    }
}
