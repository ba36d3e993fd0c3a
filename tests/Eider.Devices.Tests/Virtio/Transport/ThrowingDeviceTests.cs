using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>A device with a bug in any of its methods: nothing comes out at the bus, the fault is counted, a reset brings the device back.</summary>
public sealed class ThrowingDeviceTests
{
    private static readonly byte[] Nothing = new byte[4];

    [Theory]
    [InlineData(nameof(VirtioDevice.AcceptsFeatures), 0x43u)]
    [InlineData(nameof(VirtioDevice.Ready), 0x4Bu)]
    [InlineData(nameof(VirtioDevice.QueueReady), 0x4Fu)]
    [InlineData(nameof(VirtioDevice.ProcessQueue), 0x4Fu)]
    public async Task A_fault_on_the_way_up_needs_a_reset(string method, uint status)
    {
        var device = new Buggy { Throws = method };
        await using var bench = new VirtioTestBench(device);
        bench.Negotiate(FeatureSets.Split);
        bench.SetUpQueue(0, 8, FeatureSets.Split);
        bench.Write(VirtioMmioRegister.Status, 15);
        bench.Run();
        if (method == nameof(VirtioDevice.AcceptsFeatures))
        {
            Assert.False(bench.Status.HasFlag(DeviceStatus.FeaturesOk));
        }

        Assert.Equal(status, (uint)bench.Status & status);
        Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset));
        Assert.Equal(1, bench.Mmio.Faults);
        Assert.Equal(method, bench.Mmio.LastFault!.Message);
        ExpectWell(bench, device);
    }

    [Theory]
    [InlineData(nameof(VirtioDevice.QueueStopping))]
    [InlineData(nameof(VirtioDevice.Reset))]
    public async Task A_fault_on_the_way_down_does_not_hold_the_reset_up(string method)
    {
        var device = new Buggy();
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split);
        device.Throws = method;
        bench.Write(VirtioMmioRegister.Status, 0);
        Assert.Equal(DeviceStatus.None, bench.Status);
        Assert.Equal(1, bench.Mmio.Faults);
        ExpectWell(bench, device);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_fault_in_the_configuration_space_is_an_invalid_access(bool isWrite)
    {
        var device = new Buggy();
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split);
        device.Throws = isWrite ? nameof(VirtioDevice.WriteConfig) : nameof(VirtioDevice.ReadConfig);
        var errors = bench.Mmio.DriverErrors;
        Assert.Equal(
            BusStatus.InvalidRegister,
            (isWrite ? bench.Mmio.Write(0, 0x100, Nothing) : bench.Mmio.Read(0, 0x100, new byte[4])).Status);
        Assert.Equal((1, errors + 1), (bench.Mmio.Faults, bench.Mmio.DriverErrors));
        Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset));
        ExpectWell(bench, device);
    }

    [Fact]
    public async Task A_fault_at_the_end_does_not_keep_the_device_on_the_bus()
    {
        var device = new Buggy();
        var seen = new List<Exception>();
        await using var bench = new VirtioTestBench(device);
        bench.Mmio.Faulted = seen.Add;
        bench.Start(FeatureSets.Split);
        bench.Write(VirtioMmioRegister.Status, 0); // no worker runs by itself here: nothing may be left to wait for
        device.Throws = nameof(VirtioDevice.Close);
        await bench.Mmio.DisposeAsync();
        Assert.Equal(nameof(VirtioDevice.Close), Assert.Single(seen).Message);
        foreach (var offset in new ulong[] { 0, 0x70, 0x100 })
        {
            Assert.Equal(BusStatus.NoDevice, bench.Mmio.Read(0, offset, new byte[4]).Status);
            Assert.Equal(BusStatus.NoDevice, bench.Mmio.Write(0, offset, Nothing).Status);
        }

        await bench.Mmio.DisposeAsync(); // once more does nothing
        Assert.Single(seen);
    }

    [Fact]
    public async Task A_second_hart_that_stops_a_stopping_queue_need_not_wait()
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split).Add([new(bench.Allocate(8), 8, true)]);
        bench.Notify();
        device.Held[0].MarkPending();
        var first = bench.BeginWrite(VirtioMmioRegister.QueueReady, 0).Pending;
        Assert.NotNull(first);
        var errors = bench.Mmio.DriverErrors;
        Assert.Null(bench.BeginWrite(VirtioMmioRegister.QueueReady, 0).Pending);
        Assert.Equal(errors + 1, bench.Mmio.DriverErrors);
        bench.Run();
        Assert.False(first.IsCompleted);
        device.Queues[0].PostCompletion(device.Held[0], 0);
        bench.Run();
        Assert.True(first.IsCompleted);
        Assert.Equal(0U, bench.Read(VirtioMmioRegister.QueueReady));
    }

    [Fact]
    public async Task A_configuration_change_whose_store_throws_ends_all_the_same()
    {
        var device = new Buggy();
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split);
        Assert.Throws<InvalidOperationException>(() => device.Host.ConfigChanged(() => throw new InvalidOperationException("bug")));
        var generation = bench.Read(VirtioMmioRegister.ConfigGeneration);
        Assert.Equal(generation, bench.Read(VirtioMmioRegister.ConfigGeneration)); // the change is over
        Assert.Equal(2U, bench.Acknowledge());
    }

    private static void ExpectWell(VirtioTestBench bench, Buggy device)
    {
        device.Throws = null;
        bench.FreeAll();
        var ring = bench.Start(FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, true)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
        Assert.Equal((DeviceStatus)15, bench.Status);
    }

    private sealed class Buggy : VirtioDevice
    {
        public string? Throws { get; set; }

        public VirtioDeviceContext Host => Context;

        public override VirtioDeviceId DeviceId => new(42);

        public override IReadOnlyList<ushort> QueueSizes => [16];

        public override int ConfigSizeBytes => 16;

        public override bool AcceptsFeatures(ulong features) => Perhaps(nameof(AcceptsFeatures));

        public override void Ready(ulong negotiatedFeatures) => Perhaps(nameof(Ready));

        public override void QueueReady(int index, VirtQueue queue) => Perhaps(nameof(QueueReady));

        public override void ProcessQueue(int index, VirtQueue queue)
        {
            Perhaps(nameof(ProcessQueue));
            while (queue.TryTake(out var chain))
            {
                queue.Complete(chain, 0);
            }
        }

        public override void QueueStopping(int index, VirtQueue queue) => Perhaps(nameof(QueueStopping));

        public override bool ReadConfig(int offset, Span<byte> data) => Perhaps(nameof(ReadConfig));

        public override bool WriteConfig(int offset, ReadOnlySpan<byte> data) => Perhaps(nameof(WriteConfig));

        public override void Reset() => Perhaps(nameof(Reset));

        public override void Close() => Perhaps(nameof(Close));

        private bool Perhaps(string method) => Throws == method ? throw new InvalidOperationException(method) : true;
    }
}
