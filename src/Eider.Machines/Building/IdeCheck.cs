using System.Globalization;
using System.Text;
using Eider.Devices.Ide;
using Eider.Storage;

namespace Eider.Machines.Building;

/// <summary>Checks the IDE controllers of a configuration, and that no CD image lies on a disk.</summary>
internal static class IdeCheck
{
    private const int DescriptorOffset = 16 * 2048;
    private const int BootSignatureOffset = 510;

    /// <summary>The devices of all controllers with their places and settings, in order.</summary>
    public static IEnumerable<(IdeDeviceConfiguration Device, string Name, string Setting)> Devices(MachineConfiguration configuration)
    {
        for (var i = 0; i < configuration.Ide.Count; i++)
        {
            var controller = configuration.Ide[i];
            foreach (var (list, key, channel) in new[] { (controller.Primary, "primary", 0), (controller.Secondary, "secondary", 1) })
            {
                for (var unit = 0; unit < list.Count; unit++)
                {
                    yield return (list[unit], Invariant($"ide{i}.{channel}.{unit}"), Invariant($"$.ide[{i}].{key}[{unit}]"));
                }
            }
        }
    }

    /// <summary>Checks the controllers; <paramref name="checkImage"/> checks what each device has behind it.</summary>
    /// <exception cref="MachineConfigurationException">A setting is wrong.</exception>
    public static void Check(MachineConfiguration configuration, Action<DiskConfiguration, string> checkImage)
    {
        for (var i = 0; i < configuration.Ide.Count; i++)
        {
            CheckController(configuration.Ide[i], Invariant($"$.ide[{i}]"));
        }

        foreach (var (device, name, setting) in Devices(configuration))
        {
            CheckDevice(device, name, setting, checkImage);
        }
    }

    /// <summary>Refuses a CD image where a disk is to be: it has a volume descriptor and nothing that a disk begins with.</summary>
    /// <exception cref="MachineConfigurationException">It is one.</exception>
    public static async Task RefuseCdImageAsync(BlockStorage storage, string where)
    {
        if (storage.SizeBytes < DescriptorOffset + 2048)
        {
            return;
        }

        var start = new byte[IdeLimits.SectorBytes];
        var descriptor = new byte[IdeLimits.SectorBytes];
        await storage.ReadAsync(0, start).ConfigureAwait(false);
        await storage.ReadAsync(DescriptorOffset, descriptor).ConfigureAwait(false);
        var isBootable = start[BootSignatureOffset] == 0x55 && start[BootSignatureOffset + 1] == 0xAA;
        if (!isBootable && Encoding.ASCII.GetString(descriptor, 1, 5) == "CD001")
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadInput, where, "found a CD image (ISO 9660) on a disk, expected a disk image", "give its device the type cdrom");
        }
    }

    private static void CheckController(IdeConfiguration controller, string setting)
    {
        if (!Enum.IsDefined(controller.Controller))
        {
            throw Bad(setting + ".controller", $"found '{controller.Controller}', expected cmd646 or ata-generic");
        }

        CheckChannel(controller.Primary, setting + ".primary");
        CheckChannel(controller.Secondary, setting + ".secondary");
        if (controller.Controller == IdeControllerKind.Cmd646)
        {
            if (controller.Address is not null || controller.Irq is not null || controller.RegisterShift != 0)
            {
                var what = controller.Address is not null ? "address" : controller.Irq is not null ? "irq" : "registerShift";
                throw Bad($"{setting}.{what}", $"a cmd646 stands on the PCI bus, where the guest gives out addresses, expected no {what}");
            }

            return;
        }

        if (controller.Slot is not null)
        {
            throw Bad(setting + ".slot", "an ata-generic controller is not on the PCI bus, expected no slot");
        }

        if (controller.Secondary.Count != 0)
        {
            throw Bad(setting + ".secondary", Invariant($"found {controller.Secondary.Count} devices, expected none: an ata-generic controller has one channel"));
        }

        if (controller.RegisterShift is < 0 or > IdeMmio.MaxRegisterShift)
        {
            throw Bad(setting + ".registerShift", Invariant($"found {controller.RegisterShift}, expected 0 to {IdeMmio.MaxRegisterShift}"));
        }
    }

    private static void CheckChannel(IReadOnlyList<IdeDeviceConfiguration> devices, string setting)
    {
        if (devices.Count > IdeLimits.DevicesPerChannel)
        {
            throw Bad(
                Invariant($"{setting}[{IdeLimits.DevicesPerChannel}]"),
                Invariant($"found {devices.Count} devices on a channel, expected at most {IdeLimits.DevicesPerChannel}"));
        }
    }

    private static void CheckDevice(IdeDeviceConfiguration device, string name, string setting, Action<DiskConfiguration, string> checkImage)
    {
        if (!Enum.IsDefined(device.Type))
        {
            throw Bad(setting + ".type", $"found '{device.Type}', expected disk or cdrom");
        }

        if (device.Model is { } model && (model.Length > IdeLimits.ModelLength || model.AsSpan().ContainsAnyExceptInRange(' ', '~')))
        {
            throw Bad(
                setting + ".model",
                Invariant($"found model '{model}' of {model.Length} characters, expected at most {IdeLimits.ModelLength}, printable ASCII"));
        }

        CheckDiscs(device, setting, checkImage);
        if (device.Type == IdeDeviceKind.Disk || device.Image is not null || device.Storage is not null)
        {
            checkImage(device.AsDisk, setting);
        }
        else if (device.Serial is { } serial && (serial.Length > IdeLimits.SerialLength || serial.AsSpan().ContainsAnyExceptInRange(' ', '~')))
        {
            throw Bad(
                setting + ".serial",
                Invariant($"found serial '{serial}' of {name} with {serial.Length} characters, expected at most {IdeLimits.SerialLength}, printable ASCII"));
        }
    }

    private static void CheckDiscs(IdeDeviceConfiguration device, string setting, Action<DiskConfiguration, string> checkImage)
    {
        if (device.Type != IdeDeviceKind.Cdrom && device.Discs.Count != 0)
        {
            throw Bad(setting + ".discs", Invariant($"found {device.Discs.Count} further discs of a disk, expected none: only a CD drive changes its medium"));
        }

        for (var i = 0; i < device.Discs.Count; i++)
        {
            checkImage(device.Discs[i].AsDisk, Invariant($"{setting}.discs[{i}]"));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static MachineConfigurationException Bad(string setting, string message) => new(MachineErrorKind.BadSetting, setting, message);
}
