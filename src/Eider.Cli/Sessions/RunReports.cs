using Eider.Cli.Errors;
using Eider.Hardware.Lifecycle;
using Eider.Machines;
using Eider.Storage;
using Eider.Storage.Backends;

namespace Eider.Cli.Sessions;

/// <summary>What a run reports besides the guest's own output.</summary>
/// <param name="StatisticsFile">Takes the statistics as JSON; null for none.</param>
/// <param name="Trace">What is traced.</param>
/// <param name="TraceFile">Takes the trace; null for standard error.</param>
internal sealed record RunReports(string? StatisticsFile, TraceCategory Trace, string? TraceFile)
{
    private const int BufferBytes = 64 << 10;

    /// <summary>Refuses files that cannot be made, before the machine starts; makes nothing.</summary>
    /// <param name="inputs">Files that the machine reads or writes: a report must not replace one of them.</param>
    /// <exception cref="CliException">A folder is missing or not to be written, or the file is one of the machine's.</exception>
    public void Check(IReadOnlyList<string> inputs)
    {
        CheckFile("--stats", StatisticsFile, inputs);
        CheckFile("--trace-file", TraceFile, inputs);
    }

    /// <summary>The files that a machine reads or writes, for <see cref="Check"/>.</summary>
    public static IReadOnlyList<string> InputsOf(MachineConfiguration machine) =>
        [.. new[] { machine.Kernel, machine.BootImage, machine.Initrd, machine.Firmware }
            .Concat(machine.Mmap.Select(file => file.File))
            .Concat(machine.Disks.Select(disk => disk.Image).Concat(IdeImagesOf(machine))
                .Concat(machine.Svirtb.Select(device => device.Image))
                .Concat(machine.Bio.SelectMany(device => device.Storages).Select(storage => storage.Image)).Select(PathOf)).OfType<string>()];

    /// <summary>The trace's writer, whose file is made with the first line; null if nothing is traced.</summary>
    public TraceWriter? PrepareTrace() => Trace == TraceCategory.None ? null : new TraceWriter(Open);

    /// <summary>Refuses a file that cannot be made, before anything is; makes nothing.</summary>
    /// <param name="option">The option that names it, for the message.</param>
    /// <param name="file">Its path; null for none.</param>
    /// <param name="inputs">Files that the machine reads or writes: it must not be one of them, by whatever name.</param>
    /// <exception cref="CliException">Its folder is missing, it is a folder, or one of the machine's files.</exception>
    public static void CheckFile(string option, string? file, IReadOnlyList<string> inputs)
    {
        if (file == null)
        {
            return;
        }

        if (file.Length == 0 || file.Contains('\0', StringComparison.Ordinal))
        {
            throw new CliException(ExitCode.Usage, $"{option}: names no file; expected a path");
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(file));
        if (Directory.Exists(file) || !Directory.Exists(folder))
        {
            throw new CliException(
                ExitCode.CannotCreate, $"{option} {file}: {(Directory.Exists(file) ? "is a folder" : "its folder does not exist")}");
        }

        if (inputs.FirstOrDefault(input => HostFile.AreSame(file, input)) is { } taken)
        {
            throw new CliException(
                ExitCode.CannotCreate, $"{option} {file}: is {taken}, which the machine uses; name another file, nothing was changed");
        }
    }

    /// <summary>Makes the statistics' file; null if there is to be none.</summary>
    /// <exception cref="CliException">It cannot be made.</exception>
    public FileStream? CreateStatistics() => StatisticsFile is { } file ? Create("--stats", file) : null;

    /// <summary>Makes or empties a file.</summary>
    /// <param name="option">The option that names it, for the message.</param>
    /// <param name="file">Its path.</param>
    /// <exception cref="CliException">It cannot be made.</exception>
    public static FileStream Create(string option, string file)
    {
        try
        {
            return File.Create(file);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.CannotCreate, $"{option} {file}: cannot be made ({cause.Message}); name another file", cause);
        }
    }

    private static IEnumerable<string?> IdeImagesOf(MachineConfiguration machine) =>
        machine.Ide.SelectMany(controller => controller.Primary.Concat(controller.Secondary))
            .SelectMany(device => device.Discs.Select(disc => disc.Image).Prepend(device.Image));

    private static string? PathOf(string? image)
    {
        try
        {
            return image is null ? null : StorageLocation.Parse(image).Path;
        }
        catch (BlockStorageException)
        {
            return null; // the machine refuses it, and says why
        }
    }

    private StreamWriter Open() =>
        new(TraceFile is { } file ? Create("--trace-file", file) : Console.OpenStandardError(), bufferSize: BufferBytes);
}
