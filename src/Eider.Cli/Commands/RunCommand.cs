using System.CommandLine;
using System.CommandLine.Parsing;
using Eider.Cli.Errors;
using Eider.Cli.Sessions;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary><c>eider run</c>: a machine from options or from a machine file.</summary>
internal sealed class RunCommand
{
    private readonly MachineOptions _machine = new();

    private readonly Argument<string?> _file = new("machine.json")
    {
        Description = "A machine file (schemas/machine.schema.json; comments allowed). Options add to it and overrule it.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _kernel = new("--kernel", "-k")
    {
        Description = "The kernel (flat Image, Image.gz or ELF for riscv64) or a bare-metal program (ELF).",
        HelpName = "FILE",
    };

    private readonly Option<string?> _bootImage = new("--boot-image")
    {
        Description = "A boot image of ducky (eider bootimage) instead of a kernel: its program goes to 0x80030000 and begins there.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _initrd = new("--initrd", "-i") { Description = "The initial ramdisk.", HelpName = "FILE" };

    private readonly Option<string?> _append = new("--append") { Description = "The kernel's command line.", HelpName = "WORDS" };

    private readonly Option<string?> _firmware = new("--firmware")
    {
        Description = "A machine-mode firmware such as OpenSBI instead of the built-in SBI.",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _disks = new("--disk", "-block", "--block", "-d")
    {
        Description = DiskArgument.Help,
        HelpName = "DISK",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string[]> _cdrom = CdromArgument.CreateOption();

    private readonly Option<string[]> _svirtb = new("--svirtb")
    {
        Description = SvirtbArgument.Help,
        HelpName = "DISK",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string[]> _bio = new("--bio")
    {
        Description = BioArgument.Help,
        HelpName = "STORAGE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string[]> _mmap = new("--mmap")
    {
        Description = MmapArgument.Help,
        HelpName = "FILE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string[]> _consoles = new("--console")
    {
        Description = ConsoleArgument.Help,
        HelpName = "CONSOLE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<bool> _rng = new("--rng") { Description = "Add an entropy device." };

    private readonly Option<string?> _seed = new("--seed")
    {
        Description = "Run deterministically: one thread, virtual time, all randomness from this number.",
        HelpName = "N",
    };

    private readonly Option<bool> _noRestart = new("--no-restart")
    {
        Description = "End when the guest wants to restart, instead of starting the machine again.",
    };

    private RunCommand()
    {
    }

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var options = new RunCommand();
        var command = new Command("run", "Run a machine made of the given parts, or of a machine file, until its guest powers off.");
        options._file.Validators.Add(RefuseOption);
        command.Arguments.Add(options._file);
        foreach (var option in (Option[])[options._kernel, options._bootImage, options._initrd, options._append, options._firmware,
            options._disks, options._cdrom, options._svirtb, options._bio, options._mmap, options._consoles, options._rng, options._seed, options._noRestart])
        {
            command.Options.Add(option);
        }

        options._machine.AddTo(command);
        command.SetAction((result, _) => options.RunAsync(result));
        return command;
    }

    // An option that does not exist would be taken for the machine file.
    private static void RefuseOption(ArgumentResult result)
    {
        if (result.Tokens is [{ Value: ['-', ..] } token])
        {
            result.AddError($"unknown option '{token.Value}'");
        }
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        var configuration = Configuration(result);
        var consoles = ConsoleArgument.ParseAll(result.GetRequiredValue(_consoles));
        using var stop = new StopSignals();
        var reports = _machine.Reports(result);
        reports.Check([.. new[] { result.GetValue(_file) }.OfType<string>()]);
        var session = new RunSession(configuration, consoles, reports, stop);
        return await session.RunAsync(restart: !result.GetValue(_noRestart));
    }

    private MachineConfiguration Configuration(ParseResult result)
    {
        var configuration = result.GetValue(_file) is { } file ? MachineFile.Load(file) : new MachineConfiguration();
        configuration.Kernel = result.GetValue(_kernel) ?? configuration.Kernel;
        configuration.BootImage = result.GetValue(_bootImage) ?? configuration.BootImage;
        configuration.Initrd = result.GetValue(_initrd) ?? configuration.Initrd;
        configuration.CommandLine = result.GetValue(_append) ?? configuration.CommandLine;
        configuration.Firmware = result.GetValue(_firmware) ?? configuration.Firmware;
        foreach (var disk in result.GetRequiredValue(_disks))
        {
            DiskArgument.Parse(disk).AddTo(configuration);
        }

        CdromArgument.AddTo(configuration, result.GetRequiredValue(_cdrom));
        configuration.Svirtb = [.. configuration.Svirtb, .. result.GetRequiredValue(_svirtb).Select(SvirtbArgument.Parse)];
        configuration.Mmap = [.. configuration.Mmap, .. result.GetRequiredValue(_mmap).Select(MmapArgument.Parse)];
        BioArgument.AddTo(configuration, result.GetRequiredValue(_bio));
        configuration.Rng = result.GetValue(_rng) ? configuration.Rng ?? new EntropyConfiguration() : configuration.Rng;
        if (result.GetValue(_seed) is { } seed)
        {
            configuration.Seed = ulong.TryParse(seed, out var number)
                ? number
                : throw new CliException(ExitCode.Usage, $"--seed {seed}: expected a number from 0 to {ulong.MaxValue}");
        }

        if (configuration.Kernel == null && configuration.Firmware == null && configuration.BootImage == null)
        {
            throw new CliException(
                ExitCode.Usage, "run: no kernel; expected --kernel FILE, --boot-image FILE, --firmware FILE or a machine file (eider run --help)");
        }

        _machine.Apply(result, configuration);
        return configuration;
    }
}
