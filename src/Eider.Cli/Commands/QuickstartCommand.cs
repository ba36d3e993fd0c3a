using System.CommandLine;
using System.Runtime.Versioning;
using Eider.Cli.Errors;
using Eider.Cli.Provisioning;
using Eider.Cli.Sessions;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary><c>eider quickstart</c>: a stock Linux from nothing.</summary>
internal sealed class QuickstartCommand
{
    private const int MostHarts = 8;

    private readonly MachineOptions _machine = new();

    private readonly Option<string?> _run = new("--run")
    {
        Description = "Run 'sh -c CMD' in the guest; its output and errors come out apart, and Eider exits with its code.",
        HelpName = "CMD",
    };

    private readonly Option<string> _root = new("--root")
    {
        Description = "How the root disk is attached: rw, ro, or http (from a range server on the loopback interface, writes in memory).",
        DefaultValueFactory = _ => "rw",
        HelpName = "rw|ro|http",
    };

    private readonly Option<string> _bus = new("--bus")
    {
        Description = "How the root disk hangs on the machine: as a virtio disk at a place of its own in memory or on the PCI bus (vda), or on an IDE channel (sda).",
        DefaultValueFactory = _ => "virtio-mmio",
        HelpName = "virtio-mmio|virtio-pci|ide",
    };

    private readonly Option<string> _ring = new("--ring")
    {
        Description = "Kind of virtqueue that the devices offer.",
        DefaultValueFactory = _ => "packed",
        HelpName = "split|packed",
    };

    private readonly Option<int?> _queues = new("--queues")
    {
        Description = "Queues of the disk, 1 to 8; starts as many harts unless --harts says otherwise (default 1).",
        HelpName = "N",
    };

    private readonly Option<string?> _keep = new("--keep")
    {
        Description = "Keep the disk of this run in this new file; without a name, as eider-root-N.img in the current folder.",
        HelpName = "FILE",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _append = new("--append")
    {
        Description = "Further words for the kernel's command line; the last of two that contradict each other counts.",
        HelpName = "WORDS",
    };

    private readonly Option<string?> _kernel = new("--kernel")
    {
        Description = "Boot this kernel instead of the release's; it needs the release's modules, or an own --initrd.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _initrd = new("--initrd")
    {
        Description = "Use this initramfs instead of the one that is built.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _disk = new("--disk")
    {
        Description = "Use this root image instead of the one that is built; it is not written to.",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _attach = new("--attach")
    {
        Description = "A further disk, vdb (with --bus ide: vda) and up, or with transport=ide the next sd, written as --disk of 'eider run' is.",
        HelpName = "DISK",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string[]> _cdrom = CdromArgument.CreateOption();

    private readonly Option<string> _release = new("--release")
    {
        Description = "Debian release whose kernel is booted.",
        DefaultValueFactory = _ => "trixie",
        HelpName = "trixie|forky|sid",
    };

    private readonly Option<bool> _update = new("--update")
    {
        Description = "Look for newer packages than those in the cache.",
    };

    private readonly Option<bool> _prepare = new("--prepare")
    {
        Description = "Only fetch and build the guest, and print where its kernel, initramfs and root image lie.",
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q")
    {
        Description = "Do not show the kernel's messages before the shell.",
    };

    private QuickstartCommand()
    {
    }

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var options = new QuickstartCommand();
        var command = new Command(
            "quickstart",
            "Fetch a stock Debian riscv64 kernel and a small root file system with the system's package manager (once), boot them, and give a shell. Ctrl-A X leaves it.");
        options._release.AcceptOnlyFromAmong("trixie", "forky", "sid");
        options._root.AcceptOnlyFromAmong("rw", "ro", "http");
        options._bus.AcceptOnlyFromAmong("virtio-mmio", "virtio-pci", "ide");
        options._ring.AcceptOnlyFromAmong("split", "packed");
        foreach (var option in (Option[])[options._run, options._root, options._bus, options._ring, options._queues, options._keep])
        {
            command.Options.Add(option);
        }

        options._machine.AddTo(command);
        foreach (var option in (Option[])[options._append, options._kernel, options._initrd, options._disk, options._attach, options._cdrom,
            options._release, options._update, options._prepare, options._quiet])
        {
            command.Options.Add(option);
        }

        command.SetAction((result, _) => options.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using var stop = new StopSignals();
        try
        {
            var settings = Settings(result);
            settings.Reports.Check([.. new[] { settings.Kernel, settings.Initrd, settings.Disk }.OfType<string>()]);
            var guest = await GuestAsync(result, settings, stop.Token);
            if (result.GetValue(_prepare))
            {
                await result.InvocationConfiguration.Output.WriteLineAsync(
                    $"kernel {guest.Kernel}\ninitrd {guest.Initrd}\nroot {guest.Root}\nversion {guest.KernelVersion}");
                return (int)ExitCode.Ok;
            }

            return await new QuickstartSession(settings, guest, stop).RunAsync();
        }
        catch (OperationCanceledException) when (stop.Reason is { } reason)
        {
            return (int)reason;
        }
    }

    private QuickstartSettings Settings(ParseResult result)
    {
        var queues = result.GetValue(_queues) ?? 1;
        if (queues is < 1 or > MostHarts)
        {
            throw new CliException(ExitCode.Usage, $"--queues {queues}: expected 1 to {MostHarts}");
        }

        var machine = new MachineConfiguration
        {
            Harts = queues,
        };
        _machine.Apply(result, machine);
        if (result.GetResult(_keep) is not null && result.GetValue(_root) == "http")
        {
            throw new CliException(ExitCode.Usage, "--keep with --root http: writes go to memory, so nothing would be kept; expected --root rw or ro");
        }

        foreach (var (option, file) in new[] { (_kernel, result.GetValue(_kernel)), (_initrd, result.GetValue(_initrd)), (_disk, result.GetValue(_disk)) })
        {
            if (file != null && !File.Exists(file))
            {
                throw new CliException(ExitCode.NoInput, $"{option.Name} {file}: no such file");
            }
        }

        var isIde = result.GetValue(_bus) == "ide";
        if (isIde && queues > 1)
        {
            throw new CliException(
                ExitCode.Usage, $"--queues {queues} with --bus ide: expected 1, an IDE disk has no queues; --harts {queues} gives the guest harts");
        }

        return new QuickstartSettings
        {
            Machine = machine,
            Command = result.GetValue(_run),
            Root = result.GetValue(_root) switch { "ro" => RootMode.ReadOnly, "http" => RootMode.Http, _ => RootMode.ReadWrite },
            IsIde = isIde,
            Transport = isIde ? VirtioTransportKind.Mmio : DiskArgument.Transport("--bus", result.GetValue(_bus)),
            Attached = [.. result.GetRequiredValue(_attach).Select(DiskArgument.Parse)],
            Discs = result.GetRequiredValue(_cdrom),
            Ring = DiskArgument.Ring("--ring", result.GetValue(_ring)),
            Queues = queues,
            Append = result.GetValue(_append),
            Kernel = result.GetValue(_kernel),
            Initrd = result.GetValue(_initrd),
            Disk = result.GetValue(_disk),
            Keep = result.GetResult(_keep) is null ? null : result.GetValue(_keep) ?? FreeName(),
            Quiet = result.GetValue(_quiet),
            Reports = _machine.Reports(result),
        };
    }

    private async Task<GuestFiles> GuestAsync(ParseResult result, QuickstartSettings settings, CancellationToken cancellationToken)
    {
        // Everything is the user's own: nothing has to be fetched, on any system.
        if (settings is { Kernel: { } kernel, Initrd: { } initrd, Disk: { } disk })
        {
            return new GuestFiles(kernel, initrd, disk, "");
        }

        return OperatingSystem.IsLinux()
            ? await FetchAsync(result, settings.Command != null, cancellationToken)
            : throw new CliException(
                ExitCode.Unavailable,
                "quickstart fetches its guest on Debian; pass your own: eider quickstart --kernel IMAGE --initrd INITRD --disk ROOT.img");
    }

    [SupportedOSPlatform("linux")]
    private Task<GuestFiles> FetchAsync(ParseResult result, bool outputIsTheGuests, CancellationToken cancellationToken)
    {
        var cache = new GuestCache(GuestCache.DefaultDirectory(), Progress(outputIsTheGuests));
        return cache.GetAsync(result.GetRequiredValue(_release), result.GetValue(_update), cancellationToken);
    }

    // With --run, what comes out is the guest's alone, unless a person looks on.
    private static IProgressReport Progress(bool outputIsTheGuests) => Console.IsErrorRedirected
        ? outputIsTheGuests ? new SilentProgress() : new PlainProgress(StandardError.Writer)
        : new DeferredTerminalProgress();

    // The user has to be told a name that the user did not choose.
    private static string FreeName()
    {
        var name = Enumerable.Range(1, int.MaxValue).Select(number => $"eider-root-{number}.img").First(name => !File.Exists(name));
        StandardError.Writer.WriteLine($"eider: the disk of this run is kept in {name}");
        return name;
    }
}
