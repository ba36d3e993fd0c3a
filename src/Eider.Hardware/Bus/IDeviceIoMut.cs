using Eider.Hardware.Resources;

namespace Eider.Hardware.Bus;

/// <summary>
/// A device without a lock of its own: one access at a time reaches it, through <see cref="LockedDeviceIo"/>. The
/// calls are those of <see cref="IDeviceIo"/>, and so are the rules: never throw, hold nothing but state, no
/// calls into guest memory, storage, interrupt lines or other devices from inside.
/// </summary>
public interface IDeviceIoMut
{
    /// <summary>A read from a memory-mapped range.</summary>
    /// <inheritdoc cref="IDeviceIo.Read" path="/param"/>
    BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) => BusStatus.InvalidRegister;

    /// <summary>A write to a memory-mapped range.</summary>
    /// <inheritdoc cref="IDeviceIo.Write" path="/param"/>
    BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => BusStatus.InvalidRegister;

    /// <summary>A read from a port range.</summary>
    /// <inheritdoc cref="IDeviceIo.PioRead" path="/param"/>
    BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data) => BusStatus.InvalidRegister;

    /// <summary>A write to a port range.</summary>
    /// <inheritdoc cref="IDeviceIo.PioWrite" path="/param"/>
    BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data) => BusStatus.InvalidRegister;

    /// <summary>All that was assigned to this device.</summary>
    DeviceResources AssignedResources => DeviceResources.Empty;

    /// <summary>The part of it that the device traps; by default all port and memory-mapped ranges.</summary>
    DeviceResources TrappedIoResources => AssignedResources.TrappedIo;
}
