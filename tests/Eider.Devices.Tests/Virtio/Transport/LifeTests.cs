using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>Status, queues, interrupts and resets (virtio 1.3, sections 2.1, 2.4, 2.6, 4.2).</summary>
public sealed class LifeTests
{
    private static readonly VirtioTransportOptions AllFeatures = new() { Offered = FeatureSets.All };

    [Fact]
    public async Task The_device_is_called_in_the_documented_order()
    {
        var device = new EchoDevice(8, 8);
        await using (var bench = new VirtioTestBench(device))
        {
            bench.Start(FeatureSets.Split, 8, 2);
            bench.Write(VirtioMmioRegister.Status, 0);
        }

        Assert.Equal(["reset", "ready", "queue 0", "queue 1", "stopping 0", "stopping 1", "reset", "reset", "close"], device.Calls);
    }

    [Fact]
    public async Task Spec_2_1_2_nothing_is_used_before_driver_ok_and_everything_after()
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        bench.Negotiate(FeatureSets.Split);
        var ring = bench.SetUpQueue(0, 8, FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.False(ring.TryGetUsed(out _));
        Assert.False(bench.Line.Level);
        bench.Write(VirtioMmioRegister.Status, 15);
        bench.Run();
        Assert.True(ring.TryGetUsed(out _));
        Assert.True(bench.Line.Level);
    }

    [Fact]
    public async Task Spec_2_1_1_status_bits_cannot_be_cleared_one_by_one()
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        bench.Start(FeatureSets.Split);
        bench.Write(VirtioMmioRegister.Status, 1);
        Assert.Equal((DeviceStatus)15, bench.Status);
        bench.Write(VirtioMmioRegister.Status, 0x40); // NEEDS_RESET is the device's
        Assert.Equal((DeviceStatus)15, bench.Status);
        bench.Write(VirtioMmioRegister.Status, 0x8F);
        Assert.Equal((DeviceStatus)0x8F, bench.Status);
        bench.Write(VirtioMmioRegister.Status, 0);
        Assert.Equal(DeviceStatus.None, bench.Status);
    }

    [Fact]
    public async Task Driver_ok_without_features_ok_needs_a_reset()
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        bench.Write(VirtioMmioRegister.Status, 7);
        Assert.Equal(DeviceStatus.Acknowledge | DeviceStatus.Driver | DeviceStatus.NeedsReset, bench.Status);
        bench.Start(FeatureSets.Split);
    }

    [Fact]
    public async Task Spec_2_1_2_needs_reset_sends_a_configuration_interrupt_once_the_driver_is_up()
    {
        var device = new EchoDevice();
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split);
        var generation = bench.Read(VirtioMmioRegister.ConfigGeneration);
        device.Host.NeedsReset("test");
        device.Host.NeedsReset("test again");
        Assert.Equal((DeviceStatus)0x4F, bench.Status);
        Assert.NotEqual(generation, bench.Read(VirtioMmioRegister.ConfigGeneration));
        Assert.Equal(2u, bench.Acknowledge());
        Assert.Equal(1, bench.Line.Rises);
        Assert.False(bench.Line.Level);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task A_broken_ring_needs_a_reset_stops_the_other_queues_and_a_reset_mends_it(ulong features)
    {
        var device = new EchoDevice(8, 8);
        await using var bench = new VirtioTestBench(device);
        var ring = bench.Start(features, 8, 2);
        ring.Add([new(0x1000, 8, false)]);
        bench.Notify();
        Assert.Equal((DeviceStatus)0x4F, bench.Status);
        Assert.Equal(2u, bench.Acknowledge());
        bench.Rings[1].Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify(1);
        Assert.False(bench.Rings[1].TryGetUsed(out _));
        Assert.Equal((0u, 0L), (bench.Acknowledge(), bench.Mmio.Faults));

        ring = bench.Start(features, 8, 2);
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
        Assert.Equal((DeviceStatus)15, bench.Status);
    }

    [Fact]
    public async Task A_device_that_throws_in_its_worker_needs_a_reset_and_the_worker_lives()
    {
        var device = new EchoDevice { OnProcess = () => throw new InvalidOperationException("bug") };
        await using var bench = new VirtioTestBench(device);
        var seen = new List<Exception>();
        bench.Mmio.Faulted = seen.Add;
        bench.Start(FeatureSets.Split);
        Assert.Equal((DeviceStatus)0x4F, bench.Status);
        Assert.Equal(1, bench.Mmio.Faults);
        Assert.Equal("bug", Assert.Single(seen).Message);
        device.OnProcess = null;
        var ring = bench.Start(FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
    }

    [Theory]
    [InlineData(FeatureSets.Split, 0u)]
    [InlineData(FeatureSets.Split, 3u)]
    [InlineData(FeatureSets.Split, 512u)]
    [InlineData(FeatureSets.Split, 0x1000_0001u)] // 16 times this wraps around 32 bits
    [InlineData(FeatureSets.Split, uint.MaxValue)]
    [InlineData(FeatureSets.Packed, 0u)]
    [InlineData(FeatureSets.Packed, 257u)]
    [InlineData(FeatureSets.Packed, 0x1000_0001u)]
    public async Task A_queue_size_that_is_none_needs_a_reset(ulong features, uint size)
    {
        await using var bench = new VirtioTestBench(new EchoDevice(256));
        bench.Negotiate(features);
        bench.Write(VirtioMmioRegister.QueueSel, 0);
        bench.Write(VirtioMmioRegister.QueueSize, size);
        bench.WriteAddress(VirtioMmioRegister.QueueDescLow, bench.Allocate(65536));
        bench.WriteAddress(VirtioMmioRegister.QueueDriverLow, bench.Allocate(65536));
        bench.WriteAddress(VirtioMmioRegister.QueueDeviceLow, bench.Allocate(65536));
        bench.Write(VirtioMmioRegister.QueueReady, 1);
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.QueueReady));
        Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset));
    }

    [Theory]
    [InlineData(FeatureSets.Split, 8ul, 0ul, 0ul)]
    [InlineData(FeatureSets.Split, 0ul, 1ul, 0ul)]
    [InlineData(FeatureSets.Split, 0ul, 0ul, 2ul)]
    [InlineData(FeatureSets.Packed, 8ul, 0ul, 0ul)]
    [InlineData(FeatureSets.Packed, 0ul, 2ul, 0ul)]
    [InlineData(FeatureSets.Packed, 0ul, 0ul, 2ul)]
    [InlineData(FeatureSets.Split, VirtioTestBench.RamBytes, 0ul, 0ul)]
    [InlineData(FeatureSets.Split, 0ul, VirtioTestBench.RamBytes, 0ul)]
    [InlineData(FeatureSets.Packed, 0ul, 0ul, VirtioTestBench.RamBytes)]
    public async Task Spec_2_7_1_2_8_11_unaligned_parts_and_parts_outside_of_RAM_need_a_reset(ulong features, ulong desc, ulong driver, ulong device)
    {
        await using var bench = new VirtioTestBench(new EchoDevice(256));
        bench.Negotiate(features);
        bench.EnableQueue(new()
        {
            Size = 16,
            DescriptorAddress = bench.Allocate(4096) + desc,
            DriverAddress = bench.Allocate(4096) + driver,
            DeviceAddress = bench.Allocate(4096) + device,
        });
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.QueueReady));
        Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset));
    }

    [Fact]
    public async Task A_rewritten_address_half_replaces_the_former_one()
    {
        await using var bench = new VirtioTestBench(new EchoDevice(256));
        bench.Negotiate(FeatureSets.Split);
        bench.Write(VirtioMmioRegister.QueueSel, 0);
        foreach (var register in new[] { VirtioMmioRegister.QueueDescLow, VirtioMmioRegister.QueueDriverLow, VirtioMmioRegister.QueueDeviceLow })
        {
            bench.WriteAddress(register, 0xFFFF_FFFF_FFFF_FFF0);
        }

        bench.SetUpQueue(0, 8, FeatureSets.Split);
        Assert.Equal(1u, bench.Read(VirtioMmioRegister.QueueReady));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Spec_4_2_2_2_queue_registers_written_while_ready_change_nothing(ulong features)
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        var ring = bench.Start(features, 8);
        bench.Write(VirtioMmioRegister.QueueSize, 3);
        bench.WriteAddress(VirtioMmioRegister.QueueDescLow, 0);
        bench.WriteAddress(VirtioMmioRegister.QueueDriverLow, 1);
        bench.WriteAddress(VirtioMmioRegister.QueueDeviceLow, 2);
        bench.Write(VirtioMmioRegister.QueueReady, 1);
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
        Assert.Equal((DeviceStatus)15, bench.Status);
    }

    [Fact]
    public async Task Unbinding_as_linux_does_it_is_silent()
    {
        // vm_reset, then vm_del_vq: queue registers at status 0.
        await using var bench = new VirtioTestBench(new EchoDevice());
        bench.Start(FeatureSets.Split, 8);
        bench.Write(VirtioMmioRegister.Status, 0);
        var errors = bench.Mmio.DriverErrors;
        bench.Write(VirtioMmioRegister.QueueSel, 0);
        bench.Write(VirtioMmioRegister.QueueReady, 0);
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.QueueReady));
        Assert.Equal(errors, bench.Mmio.DriverErrors);
        Assert.Equal(DeviceStatus.None, bench.Status);
    }

    [Fact]
    public async Task Spec_4_2_2_1_c_d_e_interrupt_bits_stay_until_acknowledged_and_a_reset_clears_them()
    {
        var device = new EchoDevice();
        await using var bench = new VirtioTestBench(device);
        var ring = bench.Start(FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        device.Host.ConfigChanged();
        Assert.Equal(3u, bench.Read(VirtioMmioRegister.InterruptStatus));
        bench.Write(VirtioMmioRegister.InterruptAck, 1);
        Assert.Equal((2u, true), (bench.Read(VirtioMmioRegister.InterruptStatus), bench.Line.Level));
        bench.Write(VirtioMmioRegister.InterruptAck, 0xFFFF_FFFD);
        Assert.Equal((2u, true), (bench.Read(VirtioMmioRegister.InterruptStatus), bench.Line.Level));
        bench.Write(VirtioMmioRegister.Status, 0);
        Assert.Equal((0u, false), (bench.Read(VirtioMmioRegister.InterruptStatus), bench.Line.Level));
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.QueueReady));
        device.Host.ConfigChanged();
        Assert.Equal((0u, false), (bench.Read(VirtioMmioRegister.InterruptStatus), bench.Line.Level)); // no driver
    }

    [Fact]
    public async Task Spec_4_2_2_1_f_a_reader_that_falls_into_a_change_reads_again()
    {
        var device = new EchoDevice { Config = new byte[8] };
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split);
        var before = bench.Read(VirtioMmioRegister.ConfigGeneration);
        Assert.Equal(before, bench.Read(VirtioMmioRegister.ConfigGeneration));
        device.Host.ConfigChanged(() =>
        {
            device.Config[0] = 1;
            var first = bench.Read(VirtioMmioRegister.ConfigGeneration);
            Assert.NotEqual(before, first);
            Assert.NotEqual(first, bench.Read(VirtioMmioRegister.ConfigGeneration));
            before = first;
        });
        Assert.NotEqual(before, bench.Read(VirtioMmioRegister.ConfigGeneration));
        Assert.Equal(2u, bench.Acknowledge());
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Spec_2_6_1_a_queue_reset_forgets_the_queue_and_the_others_go_on(ulong layout)
    {
        var features = layout | VirtioFeature.RingReset.Mask();
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var bench = new VirtioTestBench(device, AllFeatures);
        bench.Start(features, 8, 2);
        bench.Rings[0].Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        var held = device.Held[0];
        held.MarkPending();
        bench.Write(VirtioMmioRegister.QueueSel, 0);
        bench.Write(VirtioMmioRegister.QueueReset, 1);
        Assert.Equal(1u, bench.Read(VirtioMmioRegister.QueueReset)); // k: the request is still at work
        bench.Run();
        Assert.Equal(1u, bench.Read(VirtioMmioRegister.QueueReset));
        Assert.True(device.Queues[0].Cancellation.IsCancellationRequested);
        device.Queues[0].PostCompletion(held, 0);
        bench.Run();
        Assert.Equal((0u, 0u), (bench.Read(VirtioMmioRegister.QueueReset), bench.Read(VirtioMmioRegister.QueueReady))); // l
        Assert.False(bench.Rings[0].TryGetUsed(out _));
        Assert.Equal(0u, bench.Acknowledge());

        device.HoldsBack = false;
        bench.Rings[1].Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify(1);
        Assert.True(bench.Rings[1].TryGetUsed(out _));

        var ring = bench.SetUpQueue(0, 4, features); // another size, another place
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.QueueReset)); // i
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
    }

    [Fact]
    public async Task A_queue_reset_that_was_not_negotiated_does_nothing()
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        var ring = bench.Start(FeatureSets.Split);
        bench.Write(VirtioMmioRegister.QueueReset, 1);
        bench.Run();
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
    }

    [Fact]
    public async Task Spec_4_2_2_1_g_a_queue_that_is_not_ready_is_not_touched()
    {
        WatchedMemory? watched = null;
        await using var bench = new VirtioTestBench(new EchoDevice(), null, ram => watched = new WatchedMemory(ram));
        var ring = bench.Start(FeatureSets.Split);
        bench.Write(VirtioMmioRegister.QueueReady, 0);
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.QueueReady));
        var accesses = watched!.Accesses;
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.Equal(accesses, watched.Accesses);
        bench.Write(VirtioMmioRegister.QueueReady, 1); // the registers are still there
        bench.Run();
        Assert.True(watched.Accesses > accesses);
    }

    [Fact]
    public async Task Notification_data_names_the_queue_in_its_lower_half()
    {
        var features = FeatureSets.Split | VirtioFeature.NotificationData.Mask();
        await using var bench = new VirtioTestBench(new EchoDevice(8, 8), AllFeatures);
        bench.Start(features, 8, 2);
        bench.Rings[1].Add([new(bench.Allocate(8), 8, false)]);
        bench.Write(VirtioMmioRegister.QueueNotify, 0x0001_0001);
        bench.Run();
        Assert.True(bench.Rings[1].TryGetUsed(out _));
    }

    [Fact]
    public async Task Without_notification_data_the_whole_value_is_the_queue()
    {
        await using var bench = new VirtioTestBench(new EchoDevice(8, 8));
        bench.Start(FeatureSets.Split, 8, 2);
        bench.Rings[1].Add([new(bench.Allocate(8), 8, false)]);
        bench.Write(VirtioMmioRegister.QueueNotify, 0x0001_0001);
        bench.Run();
        Assert.False(bench.Rings[1].TryGetUsed(out _));
        Assert.Equal(1, bench.Mmio.DriverErrors);
    }

    [Fact]
    public async Task Spurious_kicks_are_harmless()
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        var ring = bench.Start(FeatureSets.Split);
        for (var i = 0; i < 10; i++)
        {
            bench.Notify();
        }

        Assert.False(ring.TryGetUsed(out _));
        Assert.Equal(0, bench.Line.Rises);
    }

    [Fact]
    public async Task After_close_nothing_answers()
    {
        var device = new EchoDevice();
        var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split);
        await bench.DisposeAsync();
        Assert.Equal(BusStatus.NoDevice, bench.Mmio.Read(0, 0, new byte[4]).Status);
        Assert.Equal("close", device.Calls[^1]);
        await bench.Mmio.DisposeAsync();
        Assert.Single(device.Calls, "close");
    }
}
