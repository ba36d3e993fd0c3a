using System.Globalization;
using Eider.Devices.Clock;
using Eider.Devices.Interrupts;
using Eider.Devices.Power;
using Eider.Devices.Serial;

namespace Eider.Machines.Building;

/// <summary>
/// Who stands where: the defaults of the board, what the configuration says otherwise, and a slot for each virtio
/// device. Overlaps and shared sources are refused, with the names of both.
/// </summary>
internal sealed class BoardPlan
{
    private const ulong PageBytes = 4096;

    // What a guest-physical address may have at most (Sv39 to Sv57: 56 bits).
    private const ulong MaxAddress = (1UL << 56) - 1;

    private readonly List<PlacedDevice> _all = [];
    private readonly List<PlacedDevice> _virtio = [];

    private BoardPlan(MachineConfiguration configuration)
    {
        var board = configuration.Board;
        Add("clint", null, BoardLayout.ClintBase, Clint.SizeBytes, 0);
        Add("plic", null, BoardLayout.PlicBase, Plic.SizeBytes, 0);
        foreach (var (start, size) in BoardLayout.RamRegions(configuration.Memory.Bytes))
        {
            Add("RAM", null, start, size, 0);
        }

        Power = Add("power", "$.board.power", board.Power, BoardLayout.PowerBase, PowerDevice.SizeBytes, 0);
        Rtc = Add("rtc", "$.board.rtc", board.Rtc, BoardLayout.RtcBase, GoldfishRtc.SizeBytes, BoardLayout.RtcSource);
        Serial = Add("serial", "$.board.serial", board.Serial, BoardLayout.SerialBase, Uart16550.SizeBytes, BoardLayout.SerialSource);
        AddVirtio(VirtioDevices(configuration).ToList());
    }

    /// <summary>The power device.</summary>
    public PlacedDevice Power { get; }

    /// <summary>The real-time clock.</summary>
    public PlacedDevice Rtc { get; }

    /// <summary>The serial port.</summary>
    public PlacedDevice Serial { get; }

    /// <summary>The virtio devices, in the order of the configuration: disks, consoles, entropy, the caller's own.</summary>
    public IReadOnlyList<PlacedDevice> Virtio => _virtio;

    /// <summary>Places everything.</summary>
    /// <exception cref="MachineConfigurationException">Two devices want the same, or a place makes no sense.</exception>
    public static BoardPlan Create(MachineConfiguration configuration) => new(configuration);

    /// <summary>The virtio devices of a configuration with their names and settings, in order.</summary>
    public static IEnumerable<(VirtioDeviceConfiguration Device, string Name, string Setting)> VirtioDevices(
        MachineConfiguration configuration)
    {
        for (var i = 0; i < configuration.Disks.Count; i++)
        {
            yield return (configuration.Disks[i], DiskName(i), Invariant($"$.disks[{i}]"));
        }

        for (var i = 0; i < configuration.Consoles.Count; i++)
        {
            yield return (configuration.Consoles[i], Invariant($"console{i}"), Invariant($"$.consoles[{i}]"));
        }

        if (configuration.Rng is { } rng)
        {
            yield return (rng, "rng", "$.rng");
        }

        for (var i = 0; i < configuration.Devices.Count; i++)
        {
            yield return (configuration.Devices[i], configuration.Devices[i].Name ?? Invariant($"virtio{i}"), Invariant($"$.devices[{i}]"));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    // As Linux names them, so that statistics and traces speak the guest's language.
    private static string DiskName(int index) =>
        index < 26 ? "vd" + (char)('a' + index) : DiskName((index / 26) - 1) + (char)('a' + (index % 26));

    private void AddVirtio(List<(VirtioDeviceConfiguration Device, string Name, string Setting)> devices)
    {
        var taken = new HashSet<int>();
        foreach (var (device, name, setting) in devices)
        {
            if (device.Slot is { } slot && (slot < 0 || slot >= BoardLayout.VirtioSlots || !taken.Add(slot)))
            {
                var problem = slot >= 0 && slot < BoardLayout.VirtioSlots ? "is taken twice" : "does not exist";
                throw Refuse(setting + ".slot", $"slot {slot} of {name} {problem}, expected a free one from 0 to {BoardLayout.VirtioSlots - 1}");
            }
        }

        foreach (var (device, name, setting) in devices)
        {
            var slot = device.Slot ?? Enumerable.Range(0, BoardLayout.VirtioSlots).Cast<int?>().FirstOrDefault(free => !taken.Contains(free!.Value));
            if (slot is not { } place)
            {
                throw Refuse(setting, $"found {devices.Count} virtio devices, expected at most {BoardLayout.VirtioSlots}");
            }

            taken.Add(place);
            var placement = new DevicePlacement { Address = device.Address, Irq = device.Irq };
            _virtio.Add(Add(
                name, setting, placement, BoardLayout.VirtioSlotBase(place), BoardLayout.VirtioSlotBytes, BoardLayout.VirtioFirstSource + place));
        }
    }

    private PlacedDevice Add(string name, string setting, DevicePlacement? placement, ulong address, ulong sizeBytes, int source)
    {
        if (placement?.Irq is { } irq && (source == 0 || irq is < 1 or > Plic.MaxSources))
        {
            throw Refuse(setting + ".irq", source == 0
                ? $"{name} does not interrupt, expected no irq"
                : Invariant($"found IRQ {irq} for {name}, expected 1 to {Plic.MaxSources}"));
        }

        if (placement?.Address is { } wished && (wished % PageBytes != 0 || wished > MaxAddress - sizeBytes))
        {
            throw Refuse(setting + ".address", Invariant($"found address 0x{wished:x} for {name}, expected a multiple of 4096 below 2^56"));
        }

        return Add(name, setting, placement?.Address ?? address, sizeBytes, placement?.Irq ?? source);
    }

    private PlacedDevice Add(string name, string? setting, ulong address, ulong sizeBytes, int source)
    {
        var device = new PlacedDevice(name, setting, address, sizeBytes, source);
        foreach (var other in _all)
        {
            if (address < other.Base + other.SizeBytes && other.Base < address + sizeBytes)
            {
                throw Refuse(
                    setting ?? name,
                    Invariant($"{name} (0x{address:x} to 0x{address + (sizeBytes - 1):x}) overlaps {other.Name} (0x{other.Base:x} to 0x{other.Base + (other.SizeBytes - 1):x}), expected addresses of its own"));
            }

            if (source != 0 && source == other.Source)
            {
                throw Refuse((setting ?? name) + ".irq", Invariant($"IRQ {source} of {name} is taken by {other.Name}, expected one of its own"));
            }
        }

        _all.Add(device);
        return device;
    }

    private static MachineConfigurationException Refuse(string setting, string message) =>
        new(MachineErrorKind.Conflict, setting, message);
}
