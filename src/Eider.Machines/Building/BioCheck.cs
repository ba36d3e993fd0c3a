using System.Globalization;
using Eider.Devices.BlockIo;
using Eider.Machines.Hdt;

namespace Eider.Machines.Building;

/// <summary>Checks the BIO devices of a configuration and the hardware table that tells of them.</summary>
internal static class BioCheck
{
    /// <summary>The storages of all devices with their settings, in order.</summary>
    public static IEnumerable<(BioStorageConfiguration Storage, string Setting)> Storages(MachineConfiguration configuration)
    {
        for (var i = 0; i < configuration.Bio.Count; i++)
        {
            var storages = configuration.Bio[i].Storages;
            for (var k = 0; k < storages.Count; k++)
            {
                yield return (storages[k], Invariant($"$.bio[{i}].storages[{k}]"));
            }
        }
    }

    /// <summary>Where a device stands.</summary>
    /// <param name="bio">The device.</param>
    /// <param name="index">Its number.</param>
    public static PlacedDevice Place(BioConfiguration bio, int index) => new(
        Invariant($"bio{index}"), Invariant($"$.bio[{index}]"),
        bio.Address ?? BoardLayout.BioBase + ((ulong)index * BioDevice.SizeBytes), BioDevice.SizeBytes,
        bio.Interrupt ? bio.Irq ?? BoardLayout.BioFirstSource + index : null,
        AlignBytes: BioDevice.SizeBytes);

    /// <summary>Checks the devices; <paramref name="checkImage"/> checks what each storage has behind it.</summary>
    /// <exception cref="MachineConfigurationException">A setting is wrong.</exception>
    public static void Check(MachineConfiguration configuration, Action<DiskConfiguration, string> checkImage)
    {
        for (var i = 0; i < configuration.Bio.Count; i++)
        {
            if (configuration.Bio[i] is { Interrupt: false, Irq: { } irq })
            {
                throw Bad(Invariant($"$.bio[{i}].irq"), Invariant($"found IRQ {irq} for a BIO that does not interrupt, expected none, or \"interrupt\": true"));
            }
        }

        for (var i = 0; i < configuration.Bio.Count; i++)
        {
            if (configuration.Bio[i].Address is { } address && address > uint.MaxValue)
            {
                throw Bad(Invariant($"$.bio[{i}].address"), Invariant($"found address 0x{address:x}, expected one of 32 bits, as the hardware table tells it"));
            }
        }

        var sids = new Dictionary<uint, string>();
        foreach (var (storage, setting) in Storages(configuration))
        {
            CheckStorage(storage, setting, checkImage);
            var sid = (storage.Sid ?? storage.Blocks?.Sid)!.Value;
            if (!sids.TryAdd(sid, setting))
            {
                throw new MachineConfigurationException(
                    MachineErrorKind.Conflict, setting + ".sid", Invariant($"found sid {sid}, which {sids[sid]} has already, expected an id of its own"));
            }
        }

        CheckTable(configuration);
    }

    private static void CheckStorage(BioStorageConfiguration storage, string setting, Action<DiskConfiguration, string> checkImage)
    {
        if (storage.Blocks is { } blocks)
        {
            if (storage.Image is not null || storage.Storage is not null || (storage.Sid is { } sid && sid != blocks.Sid))
            {
                throw Bad(setting, Invariant($"found blocks with sid {blocks.Sid} and an image, a storage or another sid beside them, expected one of them"));
            }

            return;
        }

        if (storage.Sid is null)
        {
            throw Bad(setting + ".sid", "found no sid, expected a number from 0 to 4294967295, by which the guest selects the storage");
        }

        if (!BioStorage.IsBlockSize(storage.BlockSize))
        {
            throw Bad(setting + ".blockSize", Invariant($"found blocks of {storage.BlockSize} bytes, expected a multiple of 4 from 4 to {BioLimits.MaxBlockBytes}"));
        }

        checkImage(storage.AsDisk, setting);
    }

    private static void CheckTable(MachineConfiguration configuration)
    {
        var arguments = configuration.Hdt?.Arguments ?? [];
        for (var i = 0; i < arguments.Count; i++)
        {
            var (argument, setting) = (arguments[i], Invariant($"$.hdt.arguments[{i}]"));
            CheckText(setting + ".name", argument.Name, least: 1);
            CheckText(setting + ".text", argument.Text ?? "", least: 0);
            if (argument.Text is null == argument.Number is null)
            {
                throw Bad(setting, "found neither a text nor a number, or both, expected one of them");
            }
        }

        var bytes = HardwareTable.SizeOf(arguments.Count, configuration.Bio.Count, Storages(configuration).Count());
        if (bytes > HardwareTable.MaxBytes)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.Conflict, "$.bio", Invariant($"their hardware table takes {bytes} bytes, expected at most {HardwareTable.MaxBytes}"),
                "give the machine fewer storages or arguments");
        }
    }

    private static void CheckText(string setting, string text, int least)
    {
        if (text.Length < least || text.Length > HardwareTable.MaxArgumentLength || text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw Bad(setting, Invariant(
                $"found '{text}' of {text.Length} characters, expected {least} to {HardwareTable.MaxArgumentLength}, printable ASCII"));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static MachineConfigurationException Bad(string setting, string message) => new(MachineErrorKind.BadSetting, setting, message);
}
