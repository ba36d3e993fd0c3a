namespace Eider.Devices.Virtio.Transport;

/// <summary>The registers of one queue.</summary>
internal struct QueueRegisters
{
    public uint Size;
    public bool Ready;
    public bool Resetting;
    public ulong Descriptors;
    public ulong Driver;
    public ulong Device;
}
