using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Virtio;

/// <summary>
/// A virtio device without its transport: what the author of a device writes, as one class. The transport calls
/// it; it answers through its <see cref="VirtioDeviceContext"/>.
/// </summary>
/// <remarks>
/// Order of the calls: <see cref="Attach"/> once; then for each life of the driver <see cref="Ready"/>,
/// <see cref="QueueReady"/> for each queue, <see cref="ProcessQueue"/> any number of times,
/// <see cref="QueueStopping"/> for each queue and <see cref="Reset"/>; <see cref="Close"/> at the end. Ready,
/// QueueReady and Reset are never called at the same time as each other. The calls that name a queue are never
/// made twice at the same time for one queue; different queues run on different workers. No call is made with a lock of the transport
/// held. What a call throws is a bug: the device then needs a reset, and the fault is counted.
/// </remarks>
public abstract class VirtioDevice
{
    /// <summary>The type.</summary>
    public abstract VirtioDeviceId DeviceId { get; }

    /// <summary>
    /// The offered bits of this device type (0 to 23 and 42 to 63). The bits of transport and rings are the
    /// transport's.
    /// </summary>
    public virtual ulong Features => 0;

    /// <summary>The largest size of each queue, at most <see cref="VirtioLimits.MaxQueueSize"/>; 0 for one that is absent.</summary>
    public abstract IReadOnlyList<ushort> QueueSizes { get; }

    /// <summary>Size of the device configuration space in bytes.</summary>
    public virtual int ConfigSizeBytes => 0;

    /// <summary>Shared memory regions (section 2.10); none unless overridden.</summary>
    public virtual IReadOnlyList<VirtioSharedMemory> SharedMemory => [];

    /// <summary>What the device stands on; valid from <see cref="Attach"/> on.</summary>
    protected VirtioDeviceContext Context { get; private set; } = null!;

    /// <summary>Gives the device what it stands on. Called once, by the transport.</summary>
    public virtual void Attach(VirtioDeviceContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Context = context;
    }

    /// <summary>
    /// Asked before FEATURES_OK is granted, with a subset of the offered bits: false refuses it (section 2.2.2).
    /// </summary>
    /// <param name="features">What the driver accepted.</param>
    public virtual bool AcceptsFeatures(ulong features) => true;

    /// <summary>Feature negotiation is complete; no queue is ready yet.</summary>
    /// <param name="negotiatedFeatures">All bits that both sides agreed on.</param>
    public virtual void Ready(ulong negotiatedFeatures)
    {
    }

    /// <summary>A queue can be used from now on; the first <see cref="ProcessQueue"/> follows.</summary>
    public virtual void QueueReady(int index, VirtQueue queue)
    {
    }

    /// <summary>
    /// The driver made buffers available, or somebody called <see cref="VirtioDeviceContext.Wake"/>: take chains
    /// until <see cref="VirtQueue.TryTake"/> has no more, or as many as the device has use for. Runs on the worker
    /// that owns the queue. Spurious calls happen.
    /// </summary>
    public abstract void ProcessQueue(int index, VirtQueue queue);

    /// <summary>
    /// A queue goes away (device reset, queue reset, close): chains that the device holds are dead. Runs on the
    /// queue's worker. Chains with leases or marked pending must still be completed, which writes nothing any more.
    /// </summary>
    public virtual void QueueStopping(int index, VirtQueue queue)
    {
    }

    /// <summary>Reads the configuration space; the range lies inside <see cref="ConfigSizeBytes"/>. Any thread.</summary>
    /// <returns>False if there is nothing at this offset.</returns>
    public virtual bool ReadConfig(int offset, Span<byte> data) => false;

    /// <summary>Writes the configuration space; the range lies inside <see cref="ConfigSizeBytes"/>. Any thread.</summary>
    /// <returns>False if nothing can be written at this offset.</returns>
    public virtual bool WriteConfig(int offset, ReadOnlySpan<byte> data) => false;

    /// <summary>The driver reset the device, and every queue has stopped: back to the state after <see cref="Attach"/>.</summary>
    public virtual void Reset()
    {
    }

    /// <summary>The machine goes away; called once, every queue has stopped.</summary>
    public virtual void Close()
    {
    }
}
