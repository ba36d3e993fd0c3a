using Eider.Devices.Pci;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;

namespace Eider.Machines.Building;

/// <summary>
/// A device on the board's PCI bus: asks for its messages, makes the device once they are granted, attaches its function, and
/// takes it off the bus before the device is closed. Where its registers are is the guest's choice.
/// </summary>
/// <typeparam name="TDevice">The device; closed if it is disposable.</typeparam>
/// <param name="bus">The bus.</param>
/// <param name="address">Its place there.</param>
/// <param name="interrupts">Makes the group of its messages.</param>
/// <param name="messages">How many MSI-X messages it has; 0 for none.</param>
/// <param name="make">Makes the device; it gets its messages, or null.</param>
/// <param name="function">The function of the device.</param>
internal sealed class BoardFunction<TDevice>(
    PciBus bus, PciAddress address, InterruptManager interrupts, uint messages,
    Func<InterruptGroup?, TDevice> make, Func<TDevice, PciFunction> function) : IManagedDevice
    where TDevice : class
{
    private TDevice? _device;
    private InterruptGroup? _group;
    private bool _attached;

    /// <summary>The device, from the time on when it has its resources.</summary>
    public TDevice Device => _device ?? throw new InvalidOperationException($"the function at {address} has no resources yet");

    /// <inheritdoc/>
    public IReadOnlyList<ResourceConstraint> ResourceConstraints => messages == 0 ? [] : [new ResourceConstraint.PciMsixIrq(messages)];

    /// <inheritdoc/>
    public DeviceResources AssignedResources { get; private set; } = DeviceResources.Empty;

    /// <inheritdoc/>
    public void AssignResources(DeviceResources resources)
    {
        AssignedResources = resources;
        if (resources.FirstMsi(MsiIrqType.PciMsix) is { } granted)
        {
            _group = interrupts.CreateGroup(InterruptSourceType.PciMsix, granted.Base, granted.Size);
        }

        _device = make(_group);
        bus.Attach(function(_device), address);
        _attached = true;
    }

    /// <inheritdoc/>
    public async ValueTask RemoveAsync()
    {
        if (_attached)
        {
            await bus.Detach(function(Device)).ConfigureAwait(false);
        }

        switch (_device)
        {
            case IAsyncDisposable device:
                await device.DisposeAsync().ConfigureAwait(false);
                break;
            case IDisposable device:
                device.Dispose();
                break;
        }

        if (_group is not null)
        {
            interrupts.DestroyGroup(_group);
        }
    }
}
