using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>Counts what a queue tells.</summary>
internal sealed class RecordingHost : IVirtQueueHost
{
    public int Interrupts { get; set; }

    public int Failures { get; set; }

    public void Interrupt(VirtQueue queue) => Interrupts++;

    public void QueueFailed(VirtQueue queue, QueueFault fault) => Failures++;

    public void WakeWorker(VirtQueue queue)
    {
    }
}
