using System.Diagnostics;
using System.Text;
using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>A program of the host: found on the PATH or in the system folders, run without a shell.</summary>
internal sealed class HostTool
{
    private const int LastErrorLines = 6;

    private HostTool(string name, string path)
    {
        Name = name;
        Path = path;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>Finds one.</summary>
    /// <param name="name">Its file name.</param>
    /// <param name="package">The Debian package that has it, for the message.</param>
    /// <exception cref="CliException">It is not installed.</exception>
    public static HostTool Find(string name, string package) =>
        Locate(name) is { } path
            ? new HostTool(name, path)
            : throw new CliException(
                ExitCode.Unavailable, $"{name}: not found on this machine; install it: apt-get install {package}");

    /// <summary>Where a program lies, or null. The folders of root's programs are looked at for everybody.</summary>
    public static string? Locate(string name)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Concat(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])
            .Select(folder => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>Runs it to its end and gives what it printed.</summary>
    /// <exception cref="CliException">It failed; the message has its last lines.</exception>
    public async Task<string> RunAsync(
        IEnumerable<string> arguments,
        CancellationToken cancellationToken,
        IReadOnlyDictionary<string, string>? environment = null,
        string? workingDirectory = null,
        Action<string>? onLine = null)
    {
        var output = new StringBuilder();
        using var process = Start(arguments, environment, workingDirectory);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
            {
                onLine?.Invoke(line);
                output.Append(line).Append('\n');
            }

            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        var errorText = await errors;
        if (process.ExitCode != 0)
        {
            throw Failure(process.ExitCode, errorText);
        }

        return output.Append(errorText).ToString();
    }

    /// <summary>Runs it and hands its standard output on as a stream.</summary>
    /// <exception cref="CliException">It failed; the message has its last lines.</exception>
    public async Task ReadAsync(
        IEnumerable<string> arguments, Func<Stream, Task> consume, CancellationToken cancellationToken)
    {
        using var process = Start(arguments, environment: null, workingDirectory: null);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await consume(process.StandardOutput.BaseStream);
            await process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        if (process.ExitCode != 0)
        {
            throw Failure(process.ExitCode, await errors);
        }
    }

    private Process Start(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment, string? workingDirectory)
    {
        var start = new ProcessStartInfo(Path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        start.Environment["LC_ALL"] = "C";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)
            ?? throw new CliException(ExitCode.Unavailable, $"{Path}: could not be started");
        process.StandardInput.Close();
        return process;
    }

    private CliException Failure(int exitCode, string errors)
    {
        var lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new CliException(
            ExitCode.Unavailable,
            $"{Name} failed (exit {exitCode}): {string.Join(" | ", lines.TakeLast(LastErrorLines))}");
    }
}
