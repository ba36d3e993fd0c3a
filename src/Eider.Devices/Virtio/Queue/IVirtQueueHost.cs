namespace Eider.Devices.Virtio.Queue;

/// <summary>Whom a queue tells of what happens: a transport, or a vhost-user server.</summary>
public interface IVirtQueueHost
{
    /// <summary>Sends a used buffer notification. Called on the queue's worker.</summary>
    void Interrupt(VirtQueue queue);

    /// <summary>The driver broke the rules, the queue stopped. Called once, on the queue's worker.</summary>
    void QueueFailed(VirtQueue queue, QueueFault fault);

    /// <summary>Work waits for the queue's worker. Any thread; must not block.</summary>
    void WakeWorker(VirtQueue queue);
}
