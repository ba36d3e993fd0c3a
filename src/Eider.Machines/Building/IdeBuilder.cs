using System.Globalization;
using Eider.Devices.Ide;
using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Machines.Building;

/// <summary>Makes the devices of IDE channels from what was opened for them.</summary>
/// <param name="configuration">The machine.</param>
/// <param name="host">Told of failures of the host.</param>
internal sealed class IdeBuilder(MachineConfiguration configuration, IMachineHost host)
{
    private readonly Dictionary<string, BlockStorage> _storages = new(StringComparer.Ordinal);

    private readonly Dictionary<string, IReadOnlyList<BlockStorage>> _discs = new(StringComparer.Ordinal);

    /// <summary>Opens what the devices have behind them.</summary>
    /// <param name="layers">What the layers of all disks of the machine share.</param>
    /// <param name="opened">Gets each storage, and whether the machine has to close it.</param>
    /// <exception cref="MachineConfigurationException">Something is missing, or a CD image on a disk.</exception>
    public async Task OpenAsync(StorageLayerContext layers, Action<BlockStorage, bool> opened)
    {
        foreach (var (device, name, setting) in IdeCheck.Devices(configuration))
        {
            if (await OpenAsync(device.AsDisk, layers, opened).ConfigureAwait(false) is { } storage)
            {
                _storages.Add(name, storage);
                if (device.Type == IdeDeviceKind.Disk)
                {
                    await IdeCheck.RefuseCdImageAsync(storage, device.Image ?? setting).ConfigureAwait(false);
                }
            }

            var discs = new List<BlockStorage>();
            foreach (var disc in device.Discs)
            {
                discs.Add((await OpenAsync(disc.AsDisk, layers, opened).ConfigureAwait(false))!);
            }

            _discs.Add(name, discs);
        }
    }

    /// <summary>The CD drives of a channel that was made.</summary>
    /// <param name="controller">Which controller.</param>
    /// <param name="index">0 or 1: which of its channels.</param>
    /// <param name="channel">The channel.</param>
    public IEnumerable<MachineCdDrive> Drives(int controller, int index, IdeChannel channel)
    {
        for (var unit = 0; unit < IdeLimits.DevicesPerChannel; unit++)
        {
            if (channel.Tray(unit) is { } tray)
            {
                var name = Name(controller, index, unit);
                var first = _storages.GetValueOrDefault(name);
                yield return new MachineCdDrive(name, tray, first is null ? _discs[name] : [first, .. _discs[name]]);
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

        IIdeDeviceConfig? Device(int unit) => unit < devices.Count ? Make(devices[unit], Name(controller, channel, unit)) : null;
    }

    private static string Name(int controller, int channel, int unit) =>
        string.Create(CultureInfo.InvariantCulture, $"ide{controller}.{channel}.{unit}");

    // What has neither an image nor a storage is an empty drive.
    private static async Task<BlockStorage?> OpenAsync(DiskConfiguration disk, StorageLayerContext layers, Action<BlockStorage, bool> opened)
    {
        var storage = disk.Storage;
        if (storage is null && disk.Image is not null)
        {
            storage = await DiskOpener.OpenAsync(disk, layers).ConfigureAwait(false);
        }

        if (storage is not null)
        {
            opened(storage, disk.Storage is null);
        }

        return storage;
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
