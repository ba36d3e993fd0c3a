using System.Globalization;
using Eider.Devices.SimpleVirtio;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Layers;

namespace Eider.Machines.Building;

/// <summary>Checks a configuration without touching the host: what can be said from the settings alone.</summary>
internal static class ConfigurationCheck
{
    /// <summary>Least memory that holds a device tree and a small program.</summary>
    private const long MinMemoryBytes = 1 << 20;

    /// <summary>Characters of a node's name (Devicetree Specification 0.4, section 2.2.1).</summary>
    private const int MaxNodeName = 31;

    /// <summary>Most memory; a typing error should not try to map more.</summary>
    private const long MaxMemoryBytes = 1L << 40;

    /// <summary>Checks everything and says where the devices stand.</summary>
    /// <exception cref="MachineConfigurationException">A setting is wrong, or two do not fit together.</exception>
    public static BoardPlan Check(MachineConfiguration configuration)
    {
        var memory = configuration.Memory;
        if (memory.Bytes < MinMemoryBytes || memory.Bytes > MaxMemoryBytes || memory.Bytes % 4096 != 0)
        {
            throw Bad("$.memory", $"found {memory}, expected a multiple of 4096 bytes from 1M to 1T");
        }

        if (configuration.Harts is < 1 or > BoardLayout.MaxHarts)
        {
            throw Bad("$.harts", string.Create(CultureInfo.InvariantCulture, $"found {configuration.Harts} harts, expected 1 to {BoardLayout.MaxHarts}"));
        }

        if (configuration.Kernel is not null && configuration.BootImage is not null)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.Conflict, "$.bootImage", "found a kernel and a boot image, expected one of them", "a loader reads its boot image through a BIO");
        }

        if (configuration.Kernel is null && configuration.Firmware is null && configuration.BootImage is null)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadSetting, "$.kernel", "found neither kernel nor firmware, expected one of them", "give a kernel");
        }

        var writable = new Dictionary<string, string>(StringComparer.Ordinal);
        CheckDisks(configuration, writable);
        if (configuration.Ide.Count != 0)
        {
            IdeCheck.Check(configuration, (disk, setting) => CheckDisk(configuration, disk, setting, writable));
        }

        CheckSvirtb(configuration, writable);
        BioCheck.Check(configuration, (disk, setting) => CheckDisk(configuration, disk, setting, writable));
        CheckBoardDevices(configuration);
        MappedFiles.Check(configuration, writable);
        CheckPorts(configuration);
        CheckOutputs(configuration);
        CheckDevice("$.rng.bytesPerSecond", () => MachineBuilder.MakeEntropy(configuration.Rng ?? new EntropyConfiguration()));
        foreach (var (device, _, setting) in BoardPlan.VirtioDevices(configuration))
        {
            VirtioFeatureList.Parse(device, setting);
        }

        return BoardPlan.Create(configuration);
    }

    private static void CheckDisks(MachineConfiguration configuration, Dictionary<string, string> writable)
    {
        for (var i = 0; i < configuration.Disks.Count; i++)
        {
            CheckDisk(configuration, configuration.Disks[i], string.Create(CultureInfo.InvariantCulture, $"$.disks[{i}]"), writable);
        }
    }

    private static void CheckBoardDevices(MachineConfiguration configuration)
    {
        for (var i = 0; i < configuration.BoardDevices.Count; i++)
        {
            var (device, setting) = (configuration.BoardDevices[i], string.Create(CultureInfo.InvariantCulture, $"$.boardDevices[{i}]"));
            if (device.Name.Length is 0 or > MaxNodeName || device.Name.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter != '-'))
            {
                throw Bad(setting + ".name", $"found '{device.Name}', expected 1 to {MaxNodeName} letters, digits and hyphens");
            }

            if (device.SizeBytes == 0)
            {
                throw Bad(setting + ".sizeBytes", $"found 0 for {device.Name}, expected the size of its registers");
            }
        }
    }

    private static void CheckSvirtb(MachineConfiguration configuration, Dictionary<string, string> writable)
    {
        for (var i = 0; i < configuration.Svirtb.Count; i++)
        {
            var (device, setting) = (configuration.Svirtb[i], string.Create(CultureInfo.InvariantCulture, $"$.svirtb[{i}]"));
            CheckDisk(configuration, device.AsDisk, setting, writable);
            if (device.Stride is not (SvirtbLimits.CompiledStrideBytes or SvirtbLimits.WrittenStrideBytes))
            {
                throw Bad(setting + ".stride", string.Create(
                    CultureInfo.InvariantCulture,
                    $"found {device.Stride}, expected {SvirtbLimits.CompiledStrideBytes} or {SvirtbLimits.WrittenStrideBytes}"));
            }
        }
    }

    private static void CheckDisk(
        MachineConfiguration configuration, DiskConfiguration disk, string setting, Dictionary<string, string> writable)
    {
        if ((disk.Image is null) == (disk.Storage is null))
        {
            throw Bad(setting + ".image", "found neither an image nor a storage, or both, expected one of them");
        }

        CheckStack(configuration, disk, setting);
        if (disk.Queues is < 1 or > BlockLimits.MaxQueues)
        {
            throw Bad(setting + ".queues", string.Create(CultureInfo.InvariantCulture, $"found {disk.Queues} queues, expected 1 to {BlockLimits.MaxQueues}"));
        }

        if (disk.Serial.Length > BlockLimits.SerialBytes || disk.Serial.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw Bad(setting + ".serial", string.Create(
                CultureInfo.InvariantCulture,
                $"found serial '{disk.Serial}' of {disk.Serial.Length} characters, expected at most {BlockLimits.SerialBytes}, printable ASCII"));
        }

        if (disk.Image is { } image)
        {
            CheckImage(configuration, disk, DiskOpener.Parse(image, setting + ".image"), setting, writable);
        }
    }

    /// <summary>Format, chain, cache and layers: what stands between the image and the device.</summary>
    private static void CheckStack(MachineConfiguration configuration, DiskConfiguration disk, string setting)
    {
        if (ImageFormats.Find(disk.Format) is null)
        {
            throw Bad(setting + ".format", $"found '{disk.Format}', expected {string.Join(" or ", ImageFormats.All.Select(format => $"'{format.Name}'"))}");
        }

        if (disk.Chain.Length == 0)
        {
            throw Bad(setting + ".chain", "found '', expected none, any or a directory");
        }

        if (disk.CacheSize.Bytes < CacheStorage.BlockBytes)
        {
            throw Bad(setting + ".cacheSize", $"found {disk.CacheSize}, expected at least {CacheStorage.BlockBytes}");
        }

        for (var i = 0; i < disk.Layers.Count; i++)
        {
            var place = string.Create(CultureInfo.InvariantCulture, $"{setting}.layers[{i}]");
            try
            {
                StorageLayers.Check(disk.Layers[i]);
            }
            catch (BlockStorageException cause)
            {
                throw new MachineConfigurationException(MachineErrorKind.BadSetting, place, cause.Message, innerException: cause);
            }

            if (configuration.Seed is not null && StorageLayers.WaitsOnClock(disk.Layers[i]))
            {
                throw new MachineConfigurationException(
                    MachineErrorKind.Conflict, place, $"found '{disk.Layers[i]}' in a deterministic machine, expected none that waits",
                    "take the seed or the layer away");
            }
        }
    }

    private static void CheckPorts(MachineConfiguration configuration)
    {
        for (var i = 0; i < configuration.Consoles.Count; i++)
        {
            var ports = configuration.Consoles[i].Ports;
            CheckDevice(
                string.Create(CultureInfo.InvariantCulture, $"$.consoles[{i}].ports"),
                () => new ConsoleDevice { Ports = [.. ports.Select(port => new ConsolePort(port.Name, null, null))] }.Build());
        }
    }

    // An output is emptied when the machine is made: an image would be lost, and what is mapped be gone beneath the guest.
    private static void CheckOutputs(MachineConfiguration configuration)
    {
        var used = new Lazy<HashSet<string>>(() => MachineFile.FilesOf(configuration).Select(HostFile.FinalPath).ToHashSet(StringComparer.Ordinal));
        for (var i = 0; i < configuration.Consoles.Count; i++)
        {
            var ports = configuration.Consoles[i].Ports;
            for (var k = 0; k < ports.Count; k++)
            {
                if (ports[k].Output is { Length: > 0 } output && !output.Contains('\0', StringComparison.Ordinal)
                    && used.Value.Contains(HostFile.FinalPath(output)))
                {
                    throw new MachineConfigurationException(
                        MachineErrorKind.Conflict, string.Create(CultureInfo.InvariantCulture, $"$.consoles[{i}].ports[{k}].output"),
                        $"found {output}, which the machine uses, expected a file of its own", "name another file: this one would be emptied");
                }
            }
        }
    }

    // What a device says of its settings when it is made, before there are files behind it.
    private static void CheckDevice(string setting, Func<VirtioDevice> make)
    {
        try
        {
            _ = make();
        }
        catch (ArgumentException cause)
        {
            throw new MachineConfigurationException(MachineErrorKind.BadSetting, setting, cause.Message, innerException: cause);
        }
    }

    private static void CheckImage(
        MachineConfiguration configuration, DiskConfiguration disk, StorageLocation location, string setting, Dictionary<string, string> writable)
    {
        if (configuration.Seed is not null && location.Kind == StorageKind.Http)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.Conflict,
                setting + ".image",
                $"found {location} in a deterministic machine, expected a file or memory",
                "a server answers when it likes: take the seed away or fetch the image");
        }

        if (DiskOpener.WrittenFile(disk, location) is { } file && !writable.TryAdd(file, setting))
        {
            throw new MachineConfigurationException(
                MachineErrorKind.Conflict,
                setting + ".image",
                $"{location} is written by {writable[file]} already, expected one writer",
                "make one of them read-only, or give it an overlay");
        }
    }

    private static MachineConfigurationException Bad(string setting, string message) =>
        new(MachineErrorKind.BadSetting, setting, message);
}
