using System.Globalization;
using Eider.Devices.Memory;
using Eider.Hardware.Memory;
using Eider.Storage;

namespace Eider.Machines.Building;

/// <summary>Checks, places and opens the mapped files of a configuration.</summary>
internal static class MappedFiles
{
    // Ducky's pages.
    private const ulong AlignBytes = 256;

    // As much as a machine's memory.
    private const long MaxBytes = 1L << 40;

    private static readonly string[] Accesses = ["r", "rw", "rx", "x", "rwx"];

    /// <summary>Checks the files without opening them.</summary>
    /// <param name="configuration">The machine.</param>
    /// <param name="writable">Files that something writes already, by their full names.</param>
    /// <exception cref="MachineConfigurationException">A setting is wrong.</exception>
    public static void Check(MachineConfiguration configuration, Dictionary<string, string> writable)
    {
        for (var i = 0; i < configuration.Mmap.Count; i++)
        {
            Check(configuration.Mmap[i], Invariant($"$.mmap[{i}]"), writable);
        }
    }

    /// <summary>Where a file stands.</summary>
    /// <param name="file">The file.</param>
    /// <param name="index">Its number.</param>
    public static PlacedDevice Place(MappedFileConfiguration file, int index) => new(
        Invariant($"mmap{index}"), Invariant($"$.mmap[{index}]"), file.Address!.Value, (ulong)file.Size.Bytes, null, AlignBytes: AlignBytes);

    /// <summary>Opens those that are RAM.</summary>
    /// <exception cref="MachineConfigurationException">One is missing, too short, or cannot be opened so.</exception>
    public static GuestRamFile[] OpenRam(MachineConfiguration configuration)
    {
        var opened = new List<GuestRamFile>();
        try
        {
            foreach (var file in configuration.Mmap.Where(file => file.IsRam))
            {
                opened.Add(new GuestRamFile(
                    file.Address!.Value, (ulong)file.Size.Bytes, Open(file), file.Offset.Bytes, file.Shared, IsReadOnly: !file.IsWritable));
            }
        }
        catch
        {
            opened.ForEach(file => file.File.Dispose());
            throw;
        }

        return [.. opened];
    }

    /// <summary>Opens one that is none.</summary>
    /// <exception cref="MachineConfigurationException">It is missing, too short, cannot be opened so, or cannot be mapped.</exception>
    public static FileWindow OpenWindow(MappedFileConfiguration file)
    {
        var stream = Open(file);
        try
        {
            return new FileWindow(stream, file.Offset.Bytes, file.Size.Bytes, file.IsWritable, file.Shared);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            stream.Dispose();
            throw NotMapped([file], cause);
        }
    }

    /// <summary>What is said when the host refuses to map files as RAM.</summary>
    public static MachineConfigurationException NotMapped(IEnumerable<MappedFileConfiguration> files, Exception cause) => new(
        MachineErrorKind.BadInput, string.Join(", ", files.Select(file => file.File)), $"the host cannot map it ({cause.Message})",
        "expected a plain file; map a copy of it, or less", cause);

    private static void Check(MappedFileConfiguration file, string setting, Dictionary<string, string> writable)
    {
        if (file.File is not { Length: > 0 } path || path.Contains('\0', StringComparison.Ordinal))
        {
            throw Bad(setting + ".file", "found no file, expected the name of one");
        }

        if (file.Address is null)
        {
            throw Bad(setting + ".address", "found no address, expected a multiple of 256 in device space");
        }

        if (file.Size.Bytes <= 0 || file.Size.Bytes % (long)AlignBytes != 0)
        {
            throw Bad(setting + ".size", Invariant($"found a size of {file.Size.Bytes} bytes, expected a multiple of {AlignBytes}"));
        }

        if (file.Size.Bytes > MaxBytes)
        {
            throw Bad(setting + ".size", Invariant($"found a size of {file.Size.Bytes} bytes, expected at most {MaxBytes} (1T)"));
        }

        if (file.Offset.Bytes < 0)
        {
            throw Bad(setting + ".offset", Invariant($"found an offset of {file.Offset.Bytes} bytes, expected 0 or more"));
        }

        if (!Accesses.Contains(file.Access))
        {
            throw Bad(setting + ".access", $"found '{file.Access}', expected {string.Join(", ", Accesses)}");
        }

        if (file.Access.Contains('x', StringComparison.Ordinal) && !file.IsRam)
        {
            throw Bad(setting + ".access", $"found '{file.Access}' for a part that is no whole pages, expected r or rw, or multiples of 4096");
        }

        var disk = new DiskConfiguration { Image = "file:" + path };
        if (file is { IsWritable: true, Shared: true } && DiskOpener.WrittenFile(disk, StorageLocation.Parse(disk.Image)) is { } written
            && !writable.TryAdd(written, setting))
        {
            throw new MachineConfigurationException(
                MachineErrorKind.Conflict, setting + ".file", $"{path} is written by {writable[written]} already, expected one writer",
                "make one of them read-only, or not shared");
        }
    }

    private static FileStream Open(MappedFileConfiguration file)
    {
        var stream = file is { IsWritable: true, Shared: true } ? HostFiles.OpenReadWrite(file.File!) : HostFiles.OpenRead(file.File!);
        if (file.Size.Bytes <= stream.Length - file.Offset.Bytes)
        {
            return stream;
        }

        var length = stream.Length;
        stream.Dispose();
        throw new MachineConfigurationException(
            MachineErrorKind.BadInput, file.File!,
            Invariant($"found {length} bytes, expected at least {file.Offset.Bytes} + {file.Size.Bytes}, which are to be mapped"),
            "map less, or make the file longer");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static MachineConfigurationException Bad(string setting, string message) => new(MachineErrorKind.BadSetting, setting, message);
}
