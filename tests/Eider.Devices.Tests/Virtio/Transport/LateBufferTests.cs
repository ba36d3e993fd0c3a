using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>A buffer that arrives between a device's look at an empty ring and its request for notifications: no kick tells of it.</summary>
public sealed class LateBufferTests
{
    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    [InlineData(FeatureSets.Split | FeatureSets.EventIdx)]
    [InlineData(FeatureSets.Packed | FeatureSets.EventIdx)]
    public async Task A_buffer_that_comes_right_after_the_device_found_none_is_served(ulong features)
    {
        var device = new LookingDevice();
        await using var bench = new VirtioTestBench(device);
        var ring = bench.Start(features);
        device.OnFoundNone = () =>
        {
            device.OnFoundNone = null;
            ring.Add([new(bench.Allocate(8), 8, true)]);
            if (ring.NeedsKick())
            {
                bench.Write(VirtioMmioRegister.QueueNotify, 0);
            }
        };

        device.Host.Wake(0); // the host has something for the guest
        bench.Run();

        Assert.Equal(1, device.Taken);
        Assert.True(ring.TryGetUsed(out _));
    }

    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    public async Task A_device_that_does_not_look_is_not_asked_again(ulong features)
    {
        var device = new LookingDevice();
        await using var bench = new VirtioTestBench(device);
        var ring = bench.Start(features);
        device.OnFoundNone = () =>
        {
            device.IsIdle = true; // such as a port that the host has just closed
            ring.Add([new(bench.Allocate(8), 8, true)]);
        };

        var before = device.Runs;
        device.Host.Wake(0);
        bench.Run();

        Assert.Equal(2, device.Runs - before);
        Assert.Equal(0, device.Taken);
    }

    private sealed class LookingDevice : EchoDevice
    {
        public Action? OnFoundNone { get; set; }

        public int Runs { get; private set; }

        public override void ProcessQueue(int index, VirtQueue queue)
        {
            Runs++;
            base.ProcessQueue(index, queue);
            if (!IsIdle)
            {
                OnFoundNone?.Invoke();
            }
        }
    }
}
