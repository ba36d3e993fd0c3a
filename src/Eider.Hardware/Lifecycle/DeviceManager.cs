using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Hardware.Lifecycle;

/// <summary>
/// Makes devices and takes them away: create, ask for constraints, allocate, assign, register; and all of it
/// backwards, also when a step fails. Callable from any thread, and by a device from inside an access.
/// </summary>
/// <param name="resources">Where resources come from.</param>
/// <param name="bus">Where devices are registered.</param>
public sealed class DeviceManager(ResourceManager resources, IoManager bus)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry?> _devices = []; // null while a device comes or goes
    private long _made;

    /// <summary>Names and devices, in the order in which they were made.</summary>
    public IReadOnlyList<(string Name, IManagedDevice Device)> Devices
    {
        get
        {
            lock (_gate)
            {
                return [.. _devices.Where(pair => pair.Value is not null)
                    .OrderBy(pair => pair.Value!.Number).Select(pair => (pair.Key, pair.Value!.Device))];
            }
        }
    }

    /// <summary>Makes a device and puts it on the bus.</summary>
    /// <param name="name">Name of it in this machine, such as <c>vda</c>.</param>
    /// <param name="factory">Makes it.</param>
    /// <param name="shareIrq">True to give it the shared wire for every wire that it asks for.</param>
    /// <returns>The device.</returns>
    /// <exception cref="ArgumentException">There is a device with this name.</exception>
    /// <exception cref="ResourceUnavailableException">What it asks for is not there.</exception>
    /// <exception cref="BusOverlapException">A range of its is taken on the bus.</exception>
    /// <remarks>
    /// Whatever goes wrong, also in the factory or in the device: every step that was done is undone. If nothing goes
    /// wrong, it all happens before the method returns.
    /// </remarks>
    public async Task<TDevice> CreateAsync<TDevice>(string name, Func<TDevice> factory, bool shareIrq = false)
        where TDevice : IManagedDevice
    {
        ArgumentNullException.ThrowIfNull(factory);
        Reserve(name);
        Entry? entry = null;
        try
        {
            var device = factory();
            entry = await StartAsync(device, shareIrq).ConfigureAwait(false);
            return device;
        }
        finally
        {
            Settle(name, entry);
        }
    }

    /// <summary>Takes a device off the bus, ends its life and gives back its resources.</summary>
    /// <returns>
    /// Completes when all is done and the name is free again; fails with what the device threw, after everything was
    /// given back. Called from inside an access (a hart ejects a device), the rest happens on the thread whose call
    /// leaves the device last.
    /// </returns>
    /// <exception cref="KeyNotFoundException">There is no such device, or it is coming or going.</exception>
    public Task DestroyAsync(string name)
    {
        Entry entry;
        lock (_gate)
        {
            entry = _devices.GetValueOrDefault(name) ?? throw new KeyNotFoundException($"there is no device '{name}'");
            _devices[name] = null;
        }

        var left = bus.Unregister(entry.Device, entry.Trapped);
        return left.IsCompleted
            ? FinishAsync(name, entry)
            : left.ContinueWith(
                _ => FinishAsync(name, entry), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Unwrap();
    }

    private async Task<Entry> StartAsync(IManagedDevice device, bool shareIrq)
    {
        DeviceResources? granted = null;
        try
        {
            granted = resources.Allocate(device.ResourceConstraints, shareIrq);
            device.AssignResources(granted);
            var trapped = new DeviceResources(device.TrappedIoResources);
            bus.Register(device, trapped);
            return new Entry(device, granted, trapped, Interlocked.Increment(ref _made));
        }
        catch
        {
            try
            {
                await device.RemoveAsync().ConfigureAwait(false);
            }
            finally
            {
                resources.Release(granted ?? DeviceResources.Empty);
            }

            throw;
        }
    }

    private async Task FinishAsync(string name, Entry entry)
    {
        try
        {
            await entry.Device.RemoveAsync().ConfigureAwait(false);
        }
        finally
        {
            resources.Release(entry.Granted);
            Settle(name, null);
        }
    }

    private void Reserve(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        lock (_gate)
        {
            if (!_devices.TryAdd(name, null))
            {
                throw new ArgumentException($"there is a device '{name}' already", nameof(name));
            }
        }
    }

    private void Settle(string name, Entry? entry)
    {
        lock (_gate)
        {
            if (entry is null)
            {
                _devices.Remove(name);
            }
            else
            {
                _devices[name] = entry;
            }
        }
    }

    private sealed record Entry(IManagedDevice Device, DeviceResources Granted, DeviceResources Trapped, long Number);
}
