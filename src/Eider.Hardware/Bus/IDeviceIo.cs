using Eider.Hardware.Resources;

namespace Eider.Hardware.Bus;

/// <summary>
/// What a device stands on: the accesses that guests make to the ranges it traps. A device must be safe to
/// call from several harts at once (its own lock), must never throw whatever the guest sends, and must not
/// call back into guest memory, storage or another device while it holds that lock. The width of an access is
/// the length of <c>data</c>, 1 to 8 bytes, little-endian; the bus never hands on an access that leaves the range.
/// </summary>
/// <remarks>The shape follows the device model of dbs-device 0.2: base and offset arrive apart.</remarks>
public interface IDeviceIo
{
    /// <summary>A read from a memory-mapped range.</summary>
    /// <param name="rangeBase">Start of the range, as registered.</param>
    /// <param name="offset">Distance of the first byte from <paramref name="rangeBase"/>.</param>
    /// <param name="data">Where the bytes go; filled with ones by the bus on any status but ok.</param>
    BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) => BusStatus.InvalidRegister;

    /// <summary>A write to a memory-mapped range.</summary>
    /// <param name="rangeBase">Start of the range, as registered.</param>
    /// <param name="offset">Distance of the first byte from <paramref name="rangeBase"/>.</param>
    /// <param name="data">The bytes.</param>
    BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => BusStatus.InvalidRegister;

    /// <summary>A read from a port range.</summary>
    /// <param name="rangeBase">First port of the range, as registered.</param>
    /// <param name="offset">Distance of the first port from <paramref name="rangeBase"/>.</param>
    /// <param name="data">Where the bytes go; filled with ones by the bus on any status but ok.</param>
    BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data) => BusStatus.InvalidRegister;

    /// <summary>A write to a port range.</summary>
    /// <param name="rangeBase">First port of the range, as registered.</param>
    /// <param name="offset">Distance of the first port from <paramref name="rangeBase"/>.</param>
    /// <param name="data">The bytes.</param>
    BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data) => BusStatus.InvalidRegister;

    /// <summary>All that was assigned to this device.</summary>
    DeviceResources AssignedResources => DeviceResources.Empty;

    /// <summary>The part of it that the device traps; by default all port and memory-mapped ranges.</summary>
    DeviceResources TrappedIoResources => AssignedResources.TrappedIo;
}
