using System.Globalization;
using System.Text.Json;
using Eider.Machines.Building;
using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Machines;

/// <summary>
/// A machine's configuration as a JSON file (<c>schemas/machine.schema.json</c>): comments and trailing commas are
/// allowed, unknown properties are refused, relative paths start from the file's directory.
/// </summary>
public static class MachineFile
{
    private const int MaxBytes = 1 << 20;

    /// <summary>Reads and checks a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="MachineConfigurationException">
    /// It is missing, no JSON, or says something impossible: the message has file, line and JSON path.
    /// </exception>
    public static MachineConfiguration Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Parse(ReadAll(path), path, Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Reads and checks the content of a file.</summary>
    /// <param name="json">The content, UTF-8.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <param name="directory">Where relative paths start.</param>
    /// <exception cref="MachineConfigurationException">It is no JSON, or says something impossible.</exception>
    public static MachineConfiguration Parse(ReadOnlySpan<byte> json, string name, string directory)
    {
        json = json.StartsWith("\uFEFF"u8) ? json["\uFEFF"u8.Length..] : json;
        try
        {
            var configuration = JsonSerializer.Deserialize(json, MachineJsonContext.Default.MachineConfiguration)
                ?? throw new JsonException("found null, expected an object", "$", 0, 0);
            RefuseNulls(configuration);
            RebasePaths(configuration, directory);
            ConfigurationCheck.Check(configuration);
            return configuration;
        }
        catch (JsonException error)
        {
            throw Describe(error, name);
        }
        catch (MachineConfigurationException error) when (error.Where.StartsWith('$'))
        {
            var line = JsonLines.Find(json, error.Where);
            throw new MachineConfigurationException(
                error.Kind, string.Create(CultureInfo.InvariantCulture, $"{name}:{line}"), error.Message, innerException: error);
        }
    }

    /// <summary>The files of the host that a machine is made of.</summary>
    /// <param name="configuration">The machine, whose images were checked.</param>
    internal static IEnumerable<string> FilesOf(MachineConfiguration configuration) =>
        new[] { configuration.Kernel, configuration.BootImage, configuration.Initrd, configuration.Firmware }
            .Concat(configuration.Mmap.Select(file => file.File))
            .Concat(ImagesOf(configuration).Select(image => image.Image is { } name && StorageLocation.Parse(name) is { Kind: StorageKind.File } file ? file.Path : null))
            .Where(path => path is { Length: > 0 } && !path.Contains('\0', StringComparison.Ordinal)).OfType<string>();

    private static byte[] ReadAll(string path)
    {
        using var file = HostFiles.OpenRead(path);
        if (file.Length > MaxBytes)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadInput,
                path,
                string.Create(CultureInfo.InvariantCulture, $"found a file of {file.Length} bytes, expected a machine file of at most {MaxBytes}"));
        }

        var content = new byte[file.Length];
        return content[..file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)];
    }

    private static MachineConfigurationException Describe(JsonException error, string name)
    {
        var message = error.Message;
        var suffix = message.IndexOf(" Path: ", StringComparison.Ordinal);
        message = suffix < 0 ? message : message[..suffix];
        suffix = message.IndexOf(" LineNumber: ", StringComparison.Ordinal);
        message = (suffix < 0 ? message : message[..suffix]).ReplaceLineEndings(" ").TrimEnd('.', ' ');
        return new MachineConfigurationException(
            MachineErrorKind.BadSetting,
            string.Create(CultureInfo.InvariantCulture, $"{name}:{(error.LineNumber ?? 0) + 1}"),
            $"{error.Path ?? "$"}: {Reword(message)}",
            innerException: error);
    }

    // The serializer speaks of .NET's types; the user wrote JSON.
    private static string Reword(string message)
    {
        if (message.StartsWith("The JSON property '", StringComparison.Ordinal))
        {
            return $"unknown property '{message.Split('\'')[1]}', expected one of the schema's";
        }

        if (message.StartsWith("The property or field '", StringComparison.Ordinal))
        {
            return "found null, expected a value; leave the property out for its default";
        }

        if (message.StartsWith("Duplicate property '", StringComparison.Ordinal))
        {
            return $"the property '{message.Split('\'')[1]}' stands there twice, expected once";
        }

        if (message.StartsWith("The input does not contain any JSON tokens", StringComparison.Ordinal))
        {
            return "found nothing, expected an object";
        }

        const string Conversion = "The JSON value could not be converted to ";
        return message.StartsWith(Conversion, StringComparison.Ordinal)
            ? $"found another kind of value, or one out of range; expected {InWords(message[Conversion.Length..])}"
            : message;
    }

    private static string InWords(string type) => type switch
    {
        "System.String" => "text",
        "System.Boolean" => "true or false",
        _ when type.Contains("IReadOnlyList", StringComparison.Ordinal) => "a list",
        _ when type.Contains("System.UInt", StringComparison.Ordinal) => "a whole number from 0 on",
        _ when type.Contains("System.Int", StringComparison.Ordinal) => "a whole number",
        _ when type.EndsWith(nameof(VirtioRing), StringComparison.Ordinal) => "\"packed\" or \"split\"",
        _ when type.EndsWith(nameof(VirtioTransportKind), StringComparison.Ordinal) => "\"virtio-mmio\" or \"virtio-pci\"",
        _ when type.EndsWith(nameof(DiskOverlay), StringComparison.Ordinal) => "\"none\" or \"mem\"",
        _ when type.EndsWith(nameof(IdeControllerKind), StringComparison.Ordinal) => "\"cmd646\" or \"ata-generic\"",
        _ when type.EndsWith(nameof(IdeDeviceKind), StringComparison.Ordinal) => "\"disk\" or \"cdrom\"",
        _ => "an object",
    };

    // The serializer refuses null for a property, not for what stands in a list.
    private static void RefuseNulls(MachineConfiguration configuration)
    {
        RefuseNulls(configuration.Disks, "$.disks");
        RefuseNulls(configuration.Consoles, "$.consoles");
        for (var i = 0; i < configuration.Consoles.Count; i++)
        {
            RefuseNulls(configuration.Consoles[i].Ports, string.Create(CultureInfo.InvariantCulture, $"$.consoles[{i}].ports"));
        }

        RefuseNulls(configuration.Ide, "$.ide");
        for (var i = 0; i < configuration.Ide.Count; i++)
        {
            RefuseNulls(configuration.Ide[i].Primary, string.Create(CultureInfo.InvariantCulture, $"$.ide[{i}].primary"));
            RefuseNulls(configuration.Ide[i].Secondary, string.Create(CultureInfo.InvariantCulture, $"$.ide[{i}].secondary"));
        }

        RefuseNulls(configuration.Svirtb, "$.svirtb");
        for (var i = 0; i < configuration.Svirtb.Count; i++)
        {
            RefuseNulls(configuration.Svirtb[i].Layers, string.Create(CultureInfo.InvariantCulture, $"$.svirtb[{i}].layers"));
        }

        for (var i = 0; i < configuration.Disks.Count; i++)
        {
            RefuseNulls(configuration.Disks[i].Layers, string.Create(CultureInfo.InvariantCulture, $"$.disks[{i}].layers"));
        }

        foreach (var (device, _, setting) in IdeCheck.Devices(configuration))
        {
            RefuseNulls(device.Layers, setting + ".layers");
            RefuseNulls(device.Discs, setting + ".discs");
            for (var i = 0; i < device.Discs.Count; i++)
            {
                RefuseNulls(device.Discs[i].Layers, string.Create(CultureInfo.InvariantCulture, $"{setting}.discs[{i}].layers"));
            }
        }

        RefuseNulls(configuration.Bio, "$.bio");
        RefuseNulls(configuration.Mmap, "$.mmap");
        RefuseNulls(configuration.Hdt?.Arguments ?? [], "$.hdt.arguments");
        for (var i = 0; i < configuration.Bio.Count; i++)
        {
            RefuseNulls(configuration.Bio[i].Storages, string.Create(CultureInfo.InvariantCulture, $"$.bio[{i}].storages"));
        }

        foreach (var (storage, setting) in BioCheck.Storages(configuration))
        {
            RefuseNulls(storage.Layers, setting + ".layers");
        }

        foreach (var (device, _, setting) in BoardPlan.VirtioDevices(configuration))
        {
            RefuseNulls(device.Features, setting + ".features");
            RefuseNulls(device.Required, setting + ".required");
        }
    }

    private static void RefuseNulls<T>(IReadOnlyList<T?> list, string setting)
        where T : class
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is null)
            {
                throw new MachineConfigurationException(
                    MachineErrorKind.BadSetting,
                    string.Create(CultureInfo.InvariantCulture, $"{setting}[{i}]"),
                    "found null, expected a value");
            }
        }
    }

    private static IEnumerable<IImageConfiguration> ImagesOf(MachineConfiguration configuration)
    {
        var devices = IdeCheck.Devices(configuration).Select(place => place.Device).ToList();
        return configuration.Disks.Concat<IImageConfiguration>(devices).Concat(devices.SelectMany(device => device.Discs))
            .Concat(BioCheck.Storages(configuration).Select(place => place.Storage)).Concat(configuration.Svirtb);
    }

    private static void RebasePaths(MachineConfiguration configuration, string directory)
    {
        configuration.Kernel = Rebase(configuration.Kernel, directory);
        configuration.BootImage = Rebase(configuration.BootImage, directory);
        configuration.Initrd = Rebase(configuration.Initrd, directory);
        configuration.Firmware = Rebase(configuration.Firmware, directory);
        foreach (var image in ImagesOf(configuration))
        {
            RebaseImage(image, directory);
        }

        foreach (var file in configuration.Mmap)
        {
            file.File = Rebase(file.File, directory);
        }

        foreach (var port in configuration.Consoles.SelectMany(console => console.Ports))
        {
            port.Input = Rebase(port.Input, directory);
            port.Output = Rebase(port.Output, directory);
        }
    }

    private static void RebaseImage(IImageConfiguration image, string directory)
    {
        image.Image = image.Image is { } location ? DiskOpener.Rebase(location, directory) : null;
        image.KeyFile = Rebase(image.KeyFile, directory);
        image.Cache = Rebase(image.Cache, directory);
        image.Chain = image.Chain is "none" or "any" ? image.Chain : Path.Combine(directory, image.Chain);
        image.Layers = [.. image.Layers.Select(layer => StorageLayers.Rebase(layer, directory))];
    }

    private static string? Rebase(string? path, string directory) => path is null ? null : Path.Combine(directory, path);
}
