using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;

namespace Eider.Machines.Tests.Machines;

/// <summary>A device whose configuration space throws.</summary>
internal sealed class BrokenDevice : VirtioDevice, IVirtioDeviceConfig
{
    public override VirtioDeviceId DeviceId => new(42);

    public override IReadOnlyList<ushort> QueueSizes => [8];

    public override int ConfigSizeBytes => 4;

    public VirtioDevice Build() => this;

    public override bool ReadConfig(int offset, Span<byte> data) => throw new InvalidTimeZoneException("a bug");

    public override void ProcessQueue(int index, VirtQueue queue)
    {
    }
}
