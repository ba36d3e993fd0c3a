using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Eider.Devices.Clock;
using Eider.Devices.Ide;
using Eider.Devices.Memory;
using Eider.Devices.Pci;
using Eider.Devices.Power;
using Eider.Devices.Serial;
using Eider.Devices.SimpleVirtio;
using Eider.Hardware.Resources;

namespace Eider.Machines.Building;

/// <summary>
/// Who stands where: the defaults of the board, what the configuration says otherwise, and a slot for each virtio
/// device. A rehearsal: a <see cref="ResourceManager"/> of the board's grants everything once before anything is made,
/// so that a conflict is refused with the names of both. The devices then ask for what was granted here.
/// </summary>
internal sealed class BoardPlan
{
    private static readonly ResourcePools Pools = ResourcePools.ForBoard();

    private readonly ResourceManager _resources = new(Pools);
    private readonly Dictionary<Resource, string> _owners = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _pciDevices = [];
    private readonly PlacedDevice[] _virtio;
    private readonly PlacedDevice[] _ide;
    private readonly PlacedDevice[] _svirtb;

    private BoardPlan(MachineConfiguration configuration)
    {
        var board = configuration.Board;
        Clint = Place(new PlacedDevice("clint", "clint", BoardLayout.ClintBase, Devices.Interrupts.Clint.SizeBytes, null));
        Plic = Place(new PlacedDevice("plic", "plic", BoardLayout.PlicBase, Devices.Interrupts.Plic.SizeBytes, null));
        var ram = new List<ResourceConstraint>();
        foreach (var (start, size) in BoardLayout.RamRegions(configuration.Memory.Bytes))
        {
            ram.Add(new ResourceConstraint.MemAddress(size, new AddressRange(start, start + (size - 1))));
        }

        Ram = ram;
        Own("RAM", _resources.Allocate(Ram));
        Power = Place(board.Power, new PlacedDevice("power", "$.board.power", BoardLayout.PowerBase, PowerDevice.SizeBytes, null));
        Rtc = Place(board.Rtc, new PlacedDevice("rtc", "$.board.rtc", BoardLayout.RtcBase, GoldfishRtc.SizeBytes, BoardLayout.RtcSource));
        Serial = Place(board.Serial, new PlacedDevice("serial", "$.board.serial", BoardLayout.SerialBase, Uart16550.SizeBytes, BoardLayout.SerialSource));
        var virtio = VirtioDevices(configuration);
        HasPci = virtio.Any(entry => entry.Device.Transport == VirtioTransportKind.Pci)
            || configuration.Ide.Any(controller => controller.Controller == IdeControllerKind.Cmd646);
        if (HasPci)
        {
            PlacePciHost();
        }

        HardwareTable = HasHardwareTable(configuration)
            ? Place(new PlacedDevice("hdt", "$.hdt", BoardLayout.HardwareTablePageBase, RomPage.SizeBytes, null))
            : null;
        MappedFiles = [.. configuration.Mmap.Select((file, i) => Place(Building.MappedFiles.Place(file, i)))];
        Bio = [.. configuration.Bio.Select((bio, i) => Place(BioCheck.Place(bio, i)))];

        _ide = new PlacedDevice[configuration.Ide.Count];
        PlaceIde(configuration, named: true);
        _svirtb = [.. configuration.Svirtb.Select((device, i) => Place(new PlacedDevice(
            Invariant($"svirtb{i}"), Invariant($"$.svirtb[{i}]"),
            device.Address ?? BoardLayout.SvirtbBase + ((ulong)i * SvirtbLimits.WindowBytes), SvirtbLimits.WindowBytes, null)))];
        Custom = [.. configuration.BoardDevices.Select((device, i) => Place(new PlacedDevice(
            device.Name, Invariant($"$.boardDevices[{i}]"), device.Address, device.SizeBytes, device.Irq)))];
        _virtio = PlaceVirtio(virtio);
        PlaceIde(configuration, named: false);
    }

    /// <summary>True if there is a PCI bus: something is to stand on it.</summary>
    public bool HasPci { get; }

    /// <summary>The core-local interruptor.</summary>
    public PlacedDevice Clint { get; }

    /// <summary>The interrupt controller.</summary>
    public PlacedDevice Plic { get; }

    /// <summary>What RAM asks for; no device stands on it.</summary>
    public IReadOnlyList<ResourceConstraint> Ram { get; }

    /// <summary>The power device.</summary>
    public PlacedDevice Power { get; }

    /// <summary>The real-time clock.</summary>
    public PlacedDevice Rtc { get; }

    /// <summary>The serial port.</summary>
    public PlacedDevice Serial { get; }

    /// <summary>The ROM page with ducky's hardware table; null without one.</summary>
    public PlacedDevice? HardwareTable { get; }

    /// <summary>The mapped files, in the order of the configuration.</summary>
    public IReadOnlyList<PlacedDevice> MappedFiles { get; }

    /// <summary>The BIO devices, in the order of the configuration.</summary>
    public IReadOnlyList<PlacedDevice> Bio { get; }

    /// <summary>The virtio devices, in the order of the configuration: disks, consoles, entropy, the caller's own.</summary>
    public IReadOnlyList<PlacedDevice> Virtio => _virtio;

    /// <summary>The IDE controllers, in the order of the configuration.</summary>
    public IReadOnlyList<PlacedDevice> Ide => _ide;

    /// <summary>The Simple VirtIO Block devices, in the order of the configuration.</summary>
    public IReadOnlyList<PlacedDevice> Svirtb => _svirtb;

    /// <summary>The caller's own memory-mapped devices, in the order of the configuration.</summary>
    public IReadOnlyList<PlacedDevice> Custom { get; }

    /// <summary>Places everything.</summary>
    /// <exception cref="MachineConfigurationException">Two devices want the same, or a place makes no sense.</exception>
    public static BoardPlan Create(MachineConfiguration configuration) => new(configuration);

    /// <summary>The virtio devices of a configuration with their names and settings, in order.</summary>
    public static IReadOnlyList<VirtioEntry> VirtioDevices(MachineConfiguration configuration)
    {
        var entries = new List<VirtioEntry>();
        for (var i = 0; i < configuration.Disks.Count; i++)
        {
            entries.Add(new VirtioEntry(configuration.Disks[i], DiskName(i), Invariant($"$.disks[{i}]")));
        }

        for (var i = 0; i < configuration.Consoles.Count; i++)
        {
            entries.Add(new VirtioEntry(configuration.Consoles[i], Invariant($"console{i}"), Invariant($"$.consoles[{i}]")));
        }

        if (configuration.Rng is { } rng)
        {
            entries.Add(new VirtioEntry(rng, "rng", "$.rng"));
        }

        for (var i = 0; i < configuration.Devices.Count; i++)
        {
            var device = configuration.Devices[i];
            entries.Add(new VirtioEntry(device, device.Name ?? Invariant($"virtio{i}"), Invariant($"$.devices[{i}]")));
        }

        return entries;
    }

    // Ducky's programs look for it, others do not.
    private static bool HasHardwareTable(MachineConfiguration configuration) => configuration.Hdt is not null || configuration.Bio.Count != 0;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    // As Linux names them, so that statistics and traces speak the guest's language.
    private static string DiskName(int index) =>
        index < 26 ? "vd" + (char)('a' + index) : DiskName((index / 26) - 1) + (char)('a' + (index % 26));

    // A device that names its slot has it; the others take the lowest ones that are left, in their order.
    private PlacedDevice[] PlaceVirtio(IReadOnlyList<VirtioEntry> devices)
    {
        var placed = new PlacedDevice[devices.Count];
        foreach (var named in new[] { true, false })
        {
            for (var i = 0; i < devices.Count; i++)
            {
                var (device, name, setting) = devices[i];
                if (device.Slot.HasValue == named)
                {
                    placed[i] = device.Transport == VirtioTransportKind.Pci ? PlaceOnPci(device, name, setting) : device.Slot is { } slot
                        ? PlaceInSlot(device, name, setting, slot)
                        : PlaceInFreeSlot(device, name, setting, devices.Count);
                }
            }
        }

        return placed;
    }

    // What stands in the way of the host bridge is one of the board's own devices that was moved.
    private void PlacePciHost()
    {
        if (!_resources.TryAllocate(BoardPciHost.Constraints, out var granted, out var refusal))
        {
            var holder = refusal.Holder is { } known ? _owners[known] : "another device";
            throw Refuse(
                $"$.board.{holder}",
                $"{holder} stands where the PCI host bridge is ({refusal.Constraint}), expected another place");
        }

        Own("pci", granted);
    }

    private PlacedDevice PlaceOnPci(VirtioDeviceConfiguration device, string name, string setting)
    {
        if (device.Address is not null || device.Irq is not null)
        {
            throw Refuse(
                setting + (device.Address is not null ? ".address" : ".irq"),
                $"{name} stands on the PCI bus, where the guest gives out addresses and the bus has the wires, expected none");
        }

        return PlaceOnPci(device.Slot, name, setting);
    }

    // A controller that names its place has it before others are given the free ones.
    private void PlaceIde(MachineConfiguration configuration, bool named)
    {
        for (var i = 0; i < _ide.Length; i++)
        {
            var controller = configuration.Ide[i];
            var isNamed = controller.Slot is not null || controller.Controller == IdeControllerKind.AtaGeneric;
            if (isNamed == named)
            {
                var (name, setting) = (Invariant($"ide{i}"), Invariant($"$.ide[{i}]"));
                _ide[i] = controller.Controller == IdeControllerKind.Cmd646
                    ? PlaceOnPci(controller.Slot, name, setting)
                    : Place(new PlacedDevice(
                        name, setting, controller.Address ?? BoardLayout.IdeBase + ((ulong)i * IdeMmio.SizeBytes), IdeMmio.SizeBytes,
                        controller.Irq ?? BoardLayout.IdeFirstSource + i));
            }
        }
    }

    private PlacedDevice PlaceOnPci(int? wish, string name, string setting)
    {
        var last = PciAddress.DeviceCount - 1;
        if (wish is { } slot && (slot < 0 || slot > last || _pciDevices.ContainsKey(slot)))
        {
            var what = _pciDevices.TryGetValue(slot, out var holder) ? $"is taken by {holder}" : "does not exist";
            throw Refuse(setting + ".slot", $"device number {slot} of {name} on the PCI bus {what}, expected a free one from 0 to {last}");
        }

        // Number 0 is the host bridge's by custom, so it is given to nobody who does not ask for it.
        var number = wish ?? Enumerable.Range(1, last).FirstOrDefault(free => !_pciDevices.ContainsKey(free), -1);
        if (number < 0)
        {
            throw Refuse(setting, $"no device number is left on the PCI bus for {name}, expected at most {last} devices there");
        }

        _pciDevices.Add(number, name);
        return Place(new PlacedDevice(name, setting, 0, 0, null, new PciAddress(number)));
    }

    private PlacedDevice PlaceInSlot(VirtioDeviceConfiguration device, string name, string setting, int slot)
    {
        if (slot is < 0 or >= BoardLayout.VirtioSlots)
        {
            throw Refuse(setting + ".slot", $"slot {slot} of {name} does not exist, expected a free one from 0 to {BoardLayout.VirtioSlots - 1}");
        }

        var place = InSlot(device, name, setting, slot);
        if (TryPlace(place, out var refusal))
        {
            return place;
        }

        throw device.Address is null && refusal is { Constraint: ResourceConstraint.MmioAddress, Holder: { } holder }
            ? Refuse(
                setting + ".slot",
                $"slot {slot} of {name} is taken by {_owners[holder]}, expected a free one from 0 to {BoardLayout.VirtioSlots - 1}")
            : Explain(place, refusal);
    }

    // The lowest slot that has free what the device does not name itself.
    private PlacedDevice PlaceInFreeSlot(VirtioDeviceConfiguration device, string name, string setting, int deviceCount)
    {
        for (var slot = 0; slot < BoardLayout.VirtioSlots; slot++)
        {
            var place = InSlot(device, name, setting, slot);
            if (TryPlace(place, out var refusal))
            {
                return place;
            }

            if (refusal.Constraint is ResourceConstraint.MmioAddress ? device.Address is not null : device.Irq is not null)
            {
                throw Explain(place, refusal);
            }
        }

        throw Refuse(setting, $"found {deviceCount} virtio devices, expected at most {BoardLayout.VirtioSlots}");
    }

    private static PlacedDevice InSlot(VirtioDeviceConfiguration device, string name, string setting, int slot) => new(
        name,
        setting,
        device.Address ?? BoardLayout.VirtioSlotBase(slot),
        BoardLayout.VirtioSlotBytes,
        device.Irq ?? BoardLayout.VirtioFirstSource + slot);

    private PlacedDevice Place(DevicePlacement? wish, PlacedDevice standard)
    {
        if (wish?.Irq is not null && standard.Source is null)
        {
            throw Refuse(standard.Setting + ".irq", $"{standard.Name} does not interrupt, expected no irq");
        }

        return Place(standard with { Base = wish?.Address ?? standard.Base, Source = wish?.Irq ?? standard.Source });
    }

    private PlacedDevice Place(PlacedDevice place) => TryPlace(place, out var refusal) ? place : throw Explain(place, refusal);

    private bool TryPlace(PlacedDevice place, [NotNullWhen(false)] out ResourceRefusal? refusal)
    {
        if (!_resources.TryAllocate(place.Constraints, out var granted, out refusal))
        {
            return false;
        }

        if (!_names.Add(place.Name))
        {
            throw Refuse(place.Setting + ".name", $"found '{place.Name}' for a second device, expected a name of its own");
        }

        Own(place.Name, granted);
        return true;
    }

    private void Own(string name, DeviceResources granted)
    {
        foreach (var resource in granted)
        {
            _owners.Add(resource, name);
        }
    }

    private MachineConfigurationException Explain(PlacedDevice place, ResourceRefusal refusal) => refusal switch
    {
        { Constraint: ResourceConstraint.LegacyIrq, Holder: { } holder } => Refuse(
            place.Setting + ".irq", Invariant($"IRQ {place.Source} of {place.Name} is taken by {_owners[holder]}, expected one of its own")),
        { Constraint: ResourceConstraint.LegacyIrq } => Refuse(
            place.Setting + ".irq", Invariant($"found IRQ {place.Source} for {place.Name}, expected {Pools.LegacyIrqs?.First} to {Pools.LegacyIrqs?.Last}")),
        { Holder: { } holder } => Refuse(
            place.Setting,
            Invariant($"{place.Name} ({Range(place.Base, place.SizeBytes)}) overlaps {_owners[holder]} ({Range(holder)}), expected addresses of its own")),
        _ => Refuse(
            place.Setting + ".address",
            Invariant($"found address 0x{place.Base:x} for {place.Name}, expected a multiple of {place.AlignBytes} in {string.Join(" or ", Pools.Mmio.Select(Range))}")),
    };

    private static string Range(Resource holder) => holder switch
    {
        Resource.MmioAddressRange registers => Range(registers.Base.Value, registers.Size),
        Resource.MemAddressRange memory => Range(memory.Base, memory.Size),
        _ => holder.ToString(),
    };

    private static string Range(AddressRange range) => Invariant($"0x{range.First.Value:x} to 0x{range.Last.Value:x}");

    private static string Range(ulong address, ulong sizeBytes) => Invariant($"0x{address:x} to 0x{address + (sizeBytes - 1):x}");

    private static MachineConfigurationException Refuse(string setting, string message) =>
        new(MachineErrorKind.Conflict, setting, message);
}
