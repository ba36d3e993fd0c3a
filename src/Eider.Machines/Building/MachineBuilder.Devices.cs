using Eider.Devices.Ide;
using Eider.Devices.Interrupts;
using Eider.Devices.Memory;
using Eider.Devices.Pci;
using Eider.Devices.SimpleVirtio;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;

namespace Eider.Machines.Building;

/// <content>Makes the devices and puts each in its place.</content>
internal sealed partial class MachineBuilder
{
    private async Task<TDevice> AddAsync<TDevice>(PlacedDevice place, Func<DeviceResources, TDevice> make)
        where TDevice : class, IDeviceIo
    {
        var added = await _board.CreateAsync(place.Name, () => new BoardDevice<TDevice>(place, make)).ConfigureAwait(false);
        return added.Device;
    }

    // The board has no controller for messages: they are writes to RAM, or to the software interrupts of the harts.
    private async Task AddPciHostAsync(Plic plic, Clint clint)
    {
        var host = await _board.CreateAsync("pci", () => new BoardPciHost(_io, source => plic.GetLine((int)source))).ConfigureAwait(false);
        _pci = host.Bus;
        var messages = new PciMessageSink(_ram!);
        messages.Reach(clint, _plan.Clint.Base, ClintMsipBytes * (ulong)_pins.Length);
        _messages = new InterruptManager(_ => null, messages);
    }

    private async Task<VirtioTransport> AddVirtioAsync(
        Plic plic, PlacedDevice place, VirtioDeviceConfiguration settings, int index, VirtioServices services)
    {
        var options = VirtioFeatureList.Parse(settings, place.Setting);
        if (place.Pci is not { } address)
        {
            return await AddAsync(place, granted => new VirtioMmioDevice(
                MakeDevice(settings, index), services, Wire(plic, granted), place.Name, options)).ConfigureAwait(false);
        }

        var device = MakeDevice(settings, index);
        var added = await _board.CreateAsync(place.Name, () => new BoardFunction<VirtioPciDevice>(
            _pci!, address, _messages!, VirtioPciDevice.MessagesFor(device),
            messages => new VirtioPciDevice(device, services, messages, place.Name, options), made => made.Function)).ConfigureAwait(false);
        return added.Device;
    }

    private static IInterruptLine Wire(Plic plic, DeviceResources granted) => plic.GetLine((int)granted.LegacyIrq!.Value);

    private async Task AddIdeAsync(Plic plic)
    {
        var services = new IdeServices
        {
            Memory = _ram!,
            Executor = _executor,
            Clock = _configuration.Clock,
            Trace = _configuration.Trace?.Sink,
            TraceCategories = _configuration.Trace?.Categories ?? TraceCategory.None,
        };
        for (var i = 0; i < _plan.Ide.Count; i++)
        {
            var (place, controller) = (_plan.Ide[i], i);
            if (place.Pci is { } address)
            {
                var added = await _board.CreateAsync(place.Name, () => new BoardFunction<Cmd646Ide>(
                    _pci!, address, _messages!, 0,
                    _ => new Cmd646Ide(_ide.Channel(controller, 0), _ide.Channel(controller, 1), services), made => made)).ConfigureAwait(false);
                _channels.AddRange(added.Device.Channels);
                _cdDrives.AddRange(added.Device.Channels.SelectMany((channel, index) => _ide.Drives(controller, index, channel)));
                continue;
            }

            var (device0, device1) = _ide.Channel(controller, 0);
            var mapped = await AddAsync(place, granted => new IdeMmio(
                new IdeChannel(place.Name, device0, device1, services, Wire(plic, granted)),
                _configuration.Ide[controller].RegisterShift)).ConfigureAwait(false);
            _channels.Add(mapped.Channel);
            _cdDrives.AddRange(_ide.Drives(controller, 0, mapped.Channel));
        }
    }

    private async Task AddSvirtbAsync()
    {
        for (var i = 0; i < _plan.Svirtb.Count; i++)
        {
            var place = _plan.Svirtb[i];
            var disk = _svirtbDisks.Disk(i, place.Name);
            _svirtb.Add(await AddAsync(place, _ => new SimpleVirtioBlock(disk, _ram!, _executor)).ConfigureAwait(false));
        }
    }

    private async Task AddBoardDevicesAsync(Plic plic)
    {
        for (var i = 0; i < _plan.Custom.Count; i++)
        {
            var (place, settings) = (_plan.Custom[i], _configuration.BoardDevices[i]);
            try
            {
                await AddAsync(place, granted => settings.Make(new BoardDeviceServices(
                    _ram!, place.Source is null ? new OpenLine() : Wire(plic, granted), _executor, _timebase, _random))).ConfigureAwait(false);
            }
            catch (ArgumentException cause)
            {
                throw new MachineConfigurationException(MachineErrorKind.BadSetting, place.Setting, cause.Message, innerException: cause);
            }
        }
    }

    private async Task AddDuckyAsync(Plic plic, PlacedDevice table)
    {
        const int Offset = (int)(BoardLayout.HardwareTableBase - BoardLayout.HardwareTablePageBase);
        await AddAsync(table, _ => new RomPage(_bioBuilder.MakeTable(_plan.Bio), Offset)).ConfigureAwait(false);
        for (var i = 0; i < _plan.Bio.Count; i++)
        {
            var (place, index) = (_plan.Bio[i], i);
            _bio.Add(await AddAsync(place, granted => _bioBuilder.Make(
                index, place, _ram!, _executor, place.Source is null ? null : Wire(plic, granted))).ConfigureAwait(false));
        }
    }

    private async Task AddVirtioDevicesAsync(Plic plic)
    {
        var services = new VirtioServices
        {
            Memory = _ram!,
            Executor = _executor,
            Timebase = _timebase,
            Random = _random,
            Clock = _configuration.Clock,
            Trace = _configuration.Trace?.Sink,
            TraceCategories = _configuration.Trace?.Categories ?? TraceCategory.None,
        };
        var devices = BoardPlan.VirtioDevices(_configuration);
        for (var i = 0; i < devices.Count; i++)
        {
            var (settings, name, where) = devices[i];
            try
            {
                var transport = await AddVirtioAsync(plic, _plan.Virtio[i], settings, i, services).ConfigureAwait(false);
                transport.Faulted = exception => _host.Fault(name, exception);
                _virtio.Add(transport);
            }
            catch (ArgumentException cause)
            {
                var image = (settings as DiskConfiguration)?.Image;
                throw new MachineConfigurationException(
                    image is null ? MachineErrorKind.BadSetting : MachineErrorKind.BadInput, image ?? where, cause.Message, innerException: cause);
            }
        }
    }

    private VirtioDevice MakeDevice(VirtioDeviceConfiguration settings, int index) => settings switch
    {
        DiskConfiguration disk => new BlockDevice
        {
            Storage = _disks[index],
            ReadOnly = disk.ReadOnly,
            Serial = disk.Serial,
            Queues = disk.Queues,
            HostFailed = failure => _host.HostFailed(failure.Message),
        }.Build(),
        ConsoleConfiguration console => MakeConsole(console).Build(),
        EntropyConfiguration entropy => MakeEntropy(entropy),
        CustomDeviceConfiguration custom => custom.Device.Build(),
        _ => throw new ArgumentException($"no virtio device is made from {settings.GetType().Name}"),
    };

    private IVirtioDeviceConfig MakeConsole(ConsoleConfiguration console)
    {
        if (console.Device is { } own)
        {
            return own;
        }

        var terminal = new MachineConsole(_configuration.Clock);
        _consoles.Add(terminal);
        return new ConsoleDevice
        {
            Backend = terminal,
            Ports = [.. console.Ports.Select(port => new ConsolePort(port.Name, Open(port.Input, write: false), Open(port.Output, write: true)))],
            HostFailed = failure => _host.HostFailed(failure.Message),
        };
    }

    private FileStream? Open(string? path, bool write)
    {
        if (path is null)
        {
            return null;
        }

        var file = write ? HostFiles.Create(path) : HostFiles.OpenRead(path);
        _files.Add(file);
        return file;
    }
}
