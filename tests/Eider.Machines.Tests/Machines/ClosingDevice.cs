using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;

namespace Eider.Machines.Tests.Machines;

/// <summary>Writes down when it is closed; or does not want to be built.</summary>
/// <param name="name">What it writes.</param>
/// <param name="log">Where.</param>
/// <param name="problem">Why it is not built; null to build it.</param>
internal sealed class ClosingDevice(string name, List<string> log, string? problem = null) : VirtioDevice, IVirtioDeviceConfig
{
    public override VirtioDeviceId DeviceId => new(42);

    public override IReadOnlyList<ushort> QueueSizes => [8];

    public VirtioDevice Build() => problem is null ? this : throw new ArgumentException(problem);

    public override void Close() => log.Add(name);

    public override void ProcessQueue(int index, VirtQueue queue)
    {
    }
}
