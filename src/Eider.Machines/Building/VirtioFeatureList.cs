using System.Globalization;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;

namespace Eider.Machines.Building;

/// <summary>Turns feature names of a configuration into the options of a transport.</summary>
internal static class VirtioFeatureList
{
    /// <summary>Reads ring, features and required features of a device.</summary>
    /// <exception cref="MachineConfigurationException">A name is unknown or a bit is not implemented.</exception>
    public static VirtioTransportOptions Parse(VirtioDeviceConfiguration device, string setting)
    {
        var offered = VirtioFeatures.DefaultOffered;
        var supported = device.Transport == VirtioTransportKind.Pci ? VirtioFeatures.SupportedOverPci : VirtioFeatures.Supported;
        var withheld = 0UL;
        if (device.Ring == VirtioRing.Split)
        {
            offered &= ~VirtioFeature.RingPacked.Mask();
        }

        for (var i = 0; i < device.Features.Count; i++)
        {
            var where = Where(setting, "features", i);
            var text = device.Features[i];
            var off = text.StartsWith('-');
            var bits = ParseBits(off || text.StartsWith('+') ? text[1..] : text, where, supported);
            var transport = bits & VirtioFeatures.Reserved;
            if (!off && (bits & ~supported) is var unknown and not 0 && transport != 0)
            {
                throw Bad(where, string.Create(CultureInfo.InvariantCulture, $"feature bits 0x{unknown:x} of '{text}' are not implemented"));
            }

            offered = off ? offered & ~transport : offered | transport;
            withheld = off ? withheld | (bits & ~VirtioFeatures.Reserved) : withheld & ~bits;
        }

        var required = 0UL;
        for (var i = 0; i < device.Required.Count; i++)
        {
            required |= ParseBits(device.Required[i], Where(setting, "required", i), supported);
        }

        return new VirtioTransportOptions
        {
            Offered = offered,
            Withheld = withheld,
            Required = required,
            DmaTranslation = device.DmaTranslation ?? IdentityDmaTranslation.Instance,
        };
    }

    private static string Where(string setting, string list, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{setting}.{list}[{index}]");

    private static ulong ParseBits(string text, string where, ulong supported)
    {
        if (text.Equals("hype", StringComparison.OrdinalIgnoreCase))
        {
            return VirtioFeatures.HypeRequired;
        }

        if (VirtioFeatures.TryParse(text, out var feature))
        {
            return feature.Mask();
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bit) && bit < 64)
        {
            return 1UL << bit;
        }

        var names = Enum.GetValues<VirtioFeature>()
            .Where(known => supported.Has(known))
            .Select(known => VirtioFeatures.NameOf(known)["VIRTIO_F_".Length..]);
        throw Bad(where, $"found feature '{text}', expected a bit number or one of {string.Join(", ", names).ToLowerInvariant()}");
    }

    private static MachineConfigurationException Bad(string where, string message) =>
        new(MachineErrorKind.BadSetting, where, message);
}
