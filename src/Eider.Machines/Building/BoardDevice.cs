using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;

namespace Eider.Machines.Building;

/// <summary>
/// A device at its place on the board: asks for it, makes the device once it is granted, and closes it when it is
/// removed. The device itself knows its registers and its wire, not where they are.
/// </summary>
/// <typeparam name="TDevice">The device; closed if it is disposable.</typeparam>
/// <param name="place">Where it stands.</param>
/// <param name="make">Makes it from what was granted.</param>
internal sealed class BoardDevice<TDevice>(PlacedDevice place, Func<DeviceResources, TDevice> make) : IManagedDevice
    where TDevice : class, IDeviceIo
{
    private TDevice? _device;

    /// <summary>The device, from the time on when it has its resources.</summary>
    public TDevice Device => _device ?? throw new InvalidOperationException($"{place.Name} has no resources yet");

    /// <inheritdoc/>
    public IReadOnlyList<ResourceConstraint> ResourceConstraints => place.Constraints;

    /// <inheritdoc/>
    public DeviceResources AssignedResources { get; private set; } = DeviceResources.Empty;

    /// <inheritdoc/>
    public void AssignResources(DeviceResources resources)
    {
        AssignedResources = resources;
        _device = make(resources);
    }

    /// <inheritdoc/>
    public ValueTask RemoveAsync()
    {
        switch (_device)
        {
            case IAsyncDisposable device:
                return device.DisposeAsync();
            case IDisposable device:
                device.Dispose();
                break;
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) => _device!.Read(rangeBase, offset, data);

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => _device!.Write(rangeBase, offset, data);
}
