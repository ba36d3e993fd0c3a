using System.CommandLine;
using Eider.Cli.Errors;
using Eider.Cli.Sessions;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary>Options that several commands share, each with its own instance.</summary>
internal sealed class MachineOptions
{
    private const int MostHarts = 8;

    /// <summary>Size of the RAM.</summary>
    public Option<string?> Memory { get; } = new("--memory", "-m")
    {
        Description = "Size of the RAM: a number of bytes, or with K, M, G (default 512M).",
        HelpName = "SIZE",
    };

    /// <summary>Number of harts.</summary>
    public Option<int?> Harts { get; } = new("--harts")
    {
        Description = "Number of harts (virtual CPUs), 1 to 8 (default 1).",
        HelpName = "N",
    };

    /// <summary>Where the statistics go.</summary>
    public Option<string?> Statistics { get; } = new("--stats")
    {
        Description = "Write statistics of the run to this file, as JSON: instructions, times, requests and bytes of each device.",
        HelpName = "FILE",
    };

    /// <summary>What is traced.</summary>
    public Option<string?> Trace { get; } = new("--trace")
    {
        Description = "Trace accesses and requests, some of pio,mmio,virtio,blk, as lines on standard error or in --trace-file.",
        HelpName = "LIST",
    };

    /// <summary>Where the trace goes.</summary>
    public Option<string?> TraceFile { get; } = new("--trace-file")
    {
        Description = "Write the trace to this file instead of standard error.",
        HelpName = "FILE",
    };

    /// <summary>Adds all to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[Memory, Harts, Statistics, Trace, TraceFile])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Puts what was given into a configuration.</summary>
    /// <exception cref="CliException">A value is out of range.</exception>
    public void Apply(ParseResult result, MachineConfiguration configuration)
    {
        if (result.GetValue(Memory) is { } memory)
        {
            configuration.Memory = ByteSize.TryParse(memory, out var size) && size.Bytes > 0
                ? size
                : throw new CliException(ExitCode.Usage, $"--memory {memory}: expected a size such as 512M or 2G");
        }

        if (result.GetValue(Harts) is { } harts)
        {
            configuration.Harts = harts is >= 1 and <= MostHarts
                ? harts
                : throw new CliException(ExitCode.Usage, $"--harts {harts}: expected 1 to {MostHarts}");
        }
    }

    /// <summary>What the run itself was asked for.</summary>
    /// <exception cref="CliException">An unknown trace.</exception>
    public RunReports Reports(ParseResult result) => new(
        result.GetValue(Statistics),
        result.GetValue(Trace) is { } list ? TraceWriter.ParseCategories(list) : Hardware.Lifecycle.TraceCategory.None,
        result.GetValue(TraceFile));
}
