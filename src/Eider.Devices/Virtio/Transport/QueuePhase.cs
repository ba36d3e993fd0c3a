namespace Eider.Devices.Virtio.Transport;

/// <summary>What the worker of a queue is to do.</summary>
internal enum QueuePhase
{
    /// <summary>Nothing: the queue is not ready, or the driver is not.</summary>
    Idle,

    /// <summary>Process it.</summary>
    Running,

    /// <summary>Stop it, and say when that is done.</summary>
    Stopping,
}
