using Eider.Devices.Ide;
using Eider.Storage;

namespace Eider.Machines.Building;

/// <summary>Makes the devices of IDE channels from what was opened for them.</summary>
/// <param name="configuration">The machine.</param>
/// <param name="host">Told of failures of the host.</param>
internal sealed class IdeBuilder(MachineConfiguration configuration, IMachineHost host)
{
    private readonly Dictionary<string, BlockStorage> _storages = new(StringComparer.Ordinal);

    /// <summary>Opens what the devices have behind them.</summary>
    /// <param name="opened">Gets each storage, and whether the machine has to close it.</param>
    /// <exception cref="MachineConfigurationException">Something is missing, or a CD image on a disk.</exception>
    public async Task OpenAsync(Action<BlockStorage, bool> opened)
    {
        foreach (var (device, name, setting) in IdeCheck.Devices(configuration))
        {
            var storage = device.Storage;
            if (storage is null && device.Image is not null)
            {
                storage = await DiskOpener.OpenAsync(device.AsDisk).ConfigureAwait(false);
            }

            if (storage is null)
            {
                continue;
            }

            opened(storage, device.Storage is null);
            _storages.Add(name, storage);
            if (device.Type == IdeDeviceKind.Disk)
            {
                await IdeCheck.RefuseCdImageAsync(storage, device.Image ?? setting).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The devices of a channel.</summary>
    /// <param name="controller">Which controller.</param>
    /// <param name="channel">0 or 1.</param>
    public IdeChannelDevices Channel(int controller, int channel)
    {
        var settings = configuration.Ide[controller];
        var devices = channel == 0 ? settings.Primary : settings.Secondary;
        return new IdeChannelDevices(Device(0), Device(1));

        IIdeDeviceConfig? Device(int unit) => unit < devices.Count ? Make(devices[unit], $"ide{controller}.{channel}.{unit}") : null;
    }

    private IIdeDeviceConfig Make(IdeDeviceConfiguration device, string name)
    {
        var storage = _storages.GetValueOrDefault(name);
        var serial = device.Serial ?? name.ToUpperInvariant();
        void Failed(BlockStorageException failure) => host.HostFailed(failure.Message);
        if (device.Type == IdeDeviceKind.Cdrom)
        {
            var drive = new IdeCdrom { Medium = storage, Serial = serial, Name = name, HostFailed = Failed };
            return device.Model is null ? drive : drive with { Model = device.Model };
        }

        var disk = new IdeDisk { Storage = storage!, ReadOnly = device.ReadOnly, Serial = serial, Name = name, HostFailed = Failed };
        return device.Model is null ? disk : disk with { Model = device.Model };
    }
}
