using System.Globalization;
using System.Text.Json;
using Eider.Machines.Building;

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
        if (message.StartsWith("The JSON property '", StringComparison.Ordinal))
        {
            message = $"unknown property '{message.Split('\'')[1]}', expected one of the schema's";
        }

        return new MachineConfigurationException(
            MachineErrorKind.BadSetting,
            string.Create(CultureInfo.InvariantCulture, $"{name}:{(error.LineNumber ?? 0) + 1}"),
            $"{error.Path ?? "$"}: {message}",
            innerException: error);
    }

    private static void RebasePaths(MachineConfiguration configuration, string directory)
    {
        configuration.Kernel = Rebase(configuration.Kernel, directory);
        configuration.Initrd = Rebase(configuration.Initrd, directory);
        configuration.Firmware = Rebase(configuration.Firmware, directory);
        foreach (var disk in configuration.Disks)
        {
            disk.Image = disk.Image is { } image ? DiskOpener.Rebase(image, directory) : null;
        }

        foreach (var port in configuration.Consoles.SelectMany(console => console.Ports))
        {
            port.Input = Rebase(port.Input, directory);
            port.Output = Rebase(port.Output, directory);
        }
    }

    private static string? Rebase(string? path, string directory) => path is null ? null : Path.Combine(directory, path);
}
