using Eider.Devices.BlockIo;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Machines.Hdt;
using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Machines.Building;

/// <summary>Makes the BIO devices of a machine and the hardware table from what was opened for them.</summary>
/// <param name="configuration">The machine.</param>
/// <param name="host">Told of failures of the host.</param>
internal sealed class BioBuilder(MachineConfiguration configuration, IMachineHost host)
{
    private readonly List<IReadOnlyList<BioStorage>> _storages = [];

    /// <summary>Opens what the storages have behind them.</summary>
    /// <param name="layers">What the layers of all disks of the machine share.</param>
    /// <param name="opened">Gets each storage of the stack, and whether the machine has to close it.</param>
    /// <exception cref="MachineConfigurationException">Something is missing.</exception>
    public async Task OpenAsync(StorageLayerContext layers, Action<BlockStorage, bool> opened)
    {
        foreach (var bio in configuration.Bio)
        {
            var storages = new List<BioStorage>();
            foreach (var settings in bio.Storages)
            {
                if (settings.Blocks is { } blocks)
                {
                    storages.Add(blocks);
                    continue;
                }

                var storage = settings.Storage ?? await DiskOpener.OpenAsync(settings.AsDisk, layers, anySize: true).ConfigureAwait(false);
                opened(storage, settings.Storage is null);
                storages.Add(new BioDisk(settings.Sid!.Value, storage, settings.BlockSize, settings.ReadOnly));
            }

            _storages.Add(storages);
        }
    }

    /// <summary>Makes a device.</summary>
    /// <param name="index">Its number.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="ram">The guest's RAM.</param>
    /// <param name="executor">Runs its worker.</param>
    /// <param name="interrupt">Its wire; null if it does not interrupt.</param>
    public BioDevice Make(int index, PlacedDevice place, GuestMemory ram, IExecutor executor, IInterruptLine? interrupt) => new(
        new BioOptions
        {
            Storages = _storages[index],
            Name = place.Name,
            WriteBack = configuration.Bio[index].WriteBack,
            HostFailed = failure => host.HostFailed(failure.Message),
        },
        new BioServices
        {
            Memory = ram,
            Executor = executor,
            Clock = configuration.Clock,
            Trace = configuration.Trace?.Sink,
            TraceCategories = configuration.Trace?.Categories ?? TraceCategory.None,
        },
        interrupt);

    /// <summary>Makes the hardware table.</summary>
    /// <param name="places">Where the devices stand.</param>
    public byte[] MakeTable(IReadOnlyList<PlacedDevice> places) => HardwareTable.Build(
        configuration.Memory.Bytes, configuration.Harts, configuration.Hdt?.Arguments ?? [],
        [.. places.Select((place, index) => (place.Name, place.Base, place.Source ?? 0, _storages[index]))]);
}
