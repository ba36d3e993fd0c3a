namespace Eider.Devices.Virtio.Transport;

/// <summary>All that a guest sees of a virtio device's transport, but for the queues and the interrupt latch: a reset assigns it.</summary>
internal struct TransportState
{
    public DeviceStatus Status;
    public uint DeviceFeaturesSel;
    public uint DriverFeaturesSel;
    public ulong DriverFeatures;
    public bool DriverFeaturesBeyond; // the driver accepted a bit above 63, which nobody offered
    public uint QueueSel;
    public uint ShmSel;
}
