using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bounds;

/// <summary>What a driver finds out about the queues of a device on the bench.</summary>
internal static class BenchQueues
{
    /// <summary>How many there are: up to the first that is absent.</summary>
    public static int QueueCount(this VirtioTestBench bench)
    {
        for (var queue = 0U; ; queue++)
        {
            bench.Write(VirtioMmioRegister.QueueSel, queue);
            if (bench.Read(VirtioMmioRegister.QueueSizeMax) == 0)
            {
                return (int)queue;
            }
        }
    }
}
