using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Time;

namespace Eider.Devices.Virtio.Transport;

/// <summary>
/// The worker of one queue. It alone touches the queue: it processes it, and it stops it when asked. The phase is
/// changed under the transport's lock only.
/// </summary>
internal sealed class QueueRunner(VirtioTransport owner, VirtioDevice device, int index) : IVirtQueueHost
{
    private IWorker? _worker;
    private VirtQueue? _queue;
    private bool _quiesced;
    private int _phase;

    /// <summary>The queue's index.</summary>
    public int Index { get; } = index;

    /// <summary>What the worker is to do.</summary>
    public QueuePhase Phase
    {
        get => (QueuePhase)Volatile.Read(ref _phase);
        set
        {
            Volatile.Write(ref _phase, (int)value);
            if (value == QueuePhase.Stopping)
            {
                _queue?.RequestStop(); // a run in progress takes no further chain
            }
        }
    }

    /// <summary>Readies a stopped runner; <see cref="Signal"/> starts it once the phase is running.</summary>
    public void Prepare(VirtQueue queue, IExecutor executor, string name)
    {
        _queue = queue;
        _quiesced = false;
        _worker ??= executor.CreateWorker(name, Run);
    }

    /// <summary>Runs the worker once more.</summary>
    public void Signal() => _worker?.Signal();

    /// <summary>Ends the worker.</summary>
    public void DisposeWorker() => _worker?.Dispose();

    /// <inheritdoc/>
    public void Interrupt(VirtQueue queue) => owner.RaiseUsed(Index);

    /// <inheritdoc/>
    public void QueueFailed(VirtQueue queue, QueueFault fault) => owner.QueueFailed(Index, fault);

    /// <inheritdoc/>
    public void WakeWorker(VirtQueue queue) => Signal();

    private void Run()
    {
        // The phase is stored last when a queue starts, so it is looked at first.
        if (Phase == QueuePhase.Idle || _queue is not { } queue)
        {
            return;
        }

        if (Phase == QueuePhase.Running && !owner.IsBroken && owner.MayReachMemory)
        {
            Guard(Process, queue);
        }

        if (Phase != QueuePhase.Stopping && !owner.IsBroken)
        {
            return;
        }

        if (!_quiesced)
        {
            _quiesced = true;
            Guard(static (_, queue) => queue.Stop(), queue); // runs what listens to the cancellation
            Guard(static (runner, queue) => runner.StopDevice(queue), queue);
        }

        Guard(static (_, queue) => queue.BeginRun(), queue);
        if (Phase == QueuePhase.Stopping && queue.PendingCount == 0)
        {
            queue.Dispose();
            _queue = null;
            owner.QueueStopped(this);
        }
    }

    private static void Process(QueueRunner runner, VirtQueue queue)
    {
        queue.BeginRun();
        queue.DisableNotifications();
        int before;
        do
        {
            before = queue.TakenInRun;
            queue.FoundNone = false;
            runner.CallDevice(queue);
        }
        while (queue.EnableNotifications() && WouldTake(queue, before) && runner.Phase == QueuePhase.Running);
        queue.Flush();
        if (queue.HasUsedShare)
        {
            runner.Signal(); // there may be more; others get their turn first
        }
    }

    /// <summary>A device that left what there was has no use for it now; it asks for its turn when it has.</summary>
    private static bool WouldTake(VirtQueue queue, int before) =>
        (queue.TakenInRun != before || queue.FoundNone) && !queue.IsThrottled;

    private void CallDevice(VirtQueue queue) => device.ProcessQueue(Index, queue);

    private void StopDevice(VirtQueue queue) => device.QueueStopping(Index, queue);

    /// <summary>The one place where a bug of a device ends: the driver must reset it, the machine goes on.</summary>
    private void Guard(Action<QueueRunner, VirtQueue> action, VirtQueue queue)
    {
        try
        {
            action(this, queue);
        }
        catch (Exception exception)
        {
            owner.ReportFault(exception);
        }
    }
}
