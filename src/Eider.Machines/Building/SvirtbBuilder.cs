using Eider.Devices.SimpleVirtio;
using Eider.Hardware.Lifecycle;
using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Machines.Building;

/// <summary>Makes the settings of Simple VirtIO Block devices from what was opened for them.</summary>
/// <param name="configuration">The machine.</param>
/// <param name="host">Told of failures of the host.</param>
internal sealed class SvirtbBuilder(MachineConfiguration configuration, IMachineHost host)
{
    private readonly List<BlockStorage> _storages = [];

    /// <summary>Opens what the devices have behind them.</summary>
    /// <param name="layers">What the layers of all disks of the machine share.</param>
    /// <param name="opened">Gets each storage, and whether the machine has to close it.</param>
    /// <exception cref="MachineConfigurationException">Something is missing.</exception>
    public async Task OpenAsync(StorageLayerContext layers, Action<BlockStorage, bool> opened)
    {
        foreach (var device in configuration.Svirtb)
        {
            var storage = device.Storage ?? await DiskOpener.OpenAsync(device.AsDisk, layers, anySize: true).ConfigureAwait(false);
            opened(storage, device.Storage is null);
            _storages.Add(storage);
        }
    }

    /// <summary>The settings of a device.</summary>
    /// <param name="index">Which device.</param>
    /// <param name="name">Its name.</param>
    public SvirtbDisk Disk(int index, string name) => new()
    {
        Storage = _storages[index],
        ReadOnly = configuration.Svirtb[index].ReadOnly,
        StrideBytes = configuration.Svirtb[index].Stride,
        Name = name,
        Clock = configuration.Clock,
        Trace = configuration.Trace is { } trace && (trace.Categories & TraceCategory.Block) != 0 ? trace.Sink : null,
        HostFailed = failure => host.HostFailed(failure.Message),
    };
}
