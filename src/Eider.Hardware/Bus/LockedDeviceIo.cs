using Eider.Hardware.Resources;

namespace Eider.Hardware.Bus;

/// <summary>Puts a lock around a device that has none, so that several harts may call it.</summary>
/// <param name="device">The device; nobody else calls it any more.</param>
public sealed class LockedDeviceIo(IDeviceIoMut device) : IDeviceIo
{
    private readonly Lock _gate = new();

    /// <inheritdoc/>
    public DeviceResources AssignedResources
    {
        get
        {
            lock (_gate)
            {
                return device.AssignedResources;
            }
        }
    }

    /// <inheritdoc/>
    public DeviceResources TrappedIoResources
    {
        get
        {
            lock (_gate)
            {
                return device.TrappedIoResources;
            }
        }
    }

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        lock (_gate)
        {
            return device.Read(rangeBase, offset, data);
        }
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            return device.Write(rangeBase, offset, data);
        }
    }

    /// <inheritdoc/>
    public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data)
    {
        lock (_gate)
        {
            return device.PioRead(rangeBase, offset, data);
        }
    }

    /// <inheritdoc/>
    public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            return device.PioWrite(rangeBase, offset, data);
        }
    }
}
