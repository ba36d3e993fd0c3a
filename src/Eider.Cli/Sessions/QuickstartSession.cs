using System.Text.RegularExpressions;
using Eider.Cli.Commands;
using Eider.Cli.Errors;
using Eider.Cli.Provisioning;
using Eider.Devices.Virtio.Console;
using Eider.Machines;
using Eider.Serving.Http;

namespace Eider.Cli.Sessions;

/// <summary>Boots the quickstart guest, for a command or for a shell.</summary>
/// <param name="settings">What was asked for.</param>
/// <param name="guest">What is booted.</param>
/// <param name="stop">Stops it.</param>
internal sealed partial class QuickstartSession(QuickstartSettings settings, GuestFiles guest, StopSignals stop)
{
    // ttyS0 takes the kernel's messages. No self tests of the ciphers, 60 to 80 % of a boot's instructions; no probing
    // of page table formats; a panic ends the machine.
    private const string BaseCommandLine = "console=ttyS0 no4lvl cryptomgr.notests panic=-1";
    private static readonly TimeSpan PowerOffPatience = TimeSpan.FromMinutes(1);

    private const int LastWords = 15;

    /// <summary>Runs it to its end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync()
    {
        var (disk, server) = await AttachRootAsync();
        await using var served = server;
        var machine = settings.Machine;
        machine.Kernel = settings.Kernel ?? guest.Kernel;
        machine.Initrd = settings.Initrd ?? guest.Initrd;
        new DiskAttachment(disk, settings.IsIde).AddTo(machine);
        foreach (var attached in settings.Attached)
        {
            attached.AddTo(machine);
        }

        CdromArgument.AddTo(machine, settings.Discs);
        machine.Rng = new EntropyConfiguration { Ring = settings.Ring };
        return settings.Command is { } command ? await RunCommandAsync(machine, command) : await RunShellAsync(machine);
    }

    // A machine that is refused leaves no copy of the disk behind.
    private async Task<MachineSession> CreateAsync(MachineConfiguration machine)
    {
        try
        {
            return await MachineSession.CreateAsync(machine, settings.Reports);
        }
        catch when (settings.Keep is { } kept)
        {
            File.Delete(kept);
            throw;
        }
    }

    private async Task<(DiskConfiguration Disk, RangeServer? Server)> AttachRootAsync()
    {
        var image = settings.Disk ?? guest.Root;
        RangeServer? server = null;
        var overlay = DiskOverlay.None;
        if (settings.Keep is { } kept)
        {
            await CopyAsync(image, kept);
            image = kept;
        }
        else if (settings.Root == RootMode.ReadWrite)
        {
            overlay = DiskOverlay.Memory;
        }

        var location = image;
        if (settings.Root == RootMode.Http)
        {
            server = await RangeServer.StartAsync(image);
            location = server.Address.AbsoluteUri;
            overlay = DiskOverlay.Memory;
        }

        var disk = new DiskConfiguration
        {
            Image = location,
            ReadOnly = settings.Root == RootMode.ReadOnly,
            Overlay = overlay,
            Queues = settings.Queues,
            Transport = settings.Transport,
            Ring = settings.Ring,
            Serial = "eider-root",
        };
        return (disk, server);
    }

    private async Task CopyAsync(string image, string target)
    {
        if (File.Exists(target))
        {
            throw new CliException(ExitCode.CannotCreate, $"--keep {target}: is there already; name a new file");
        }

        RunReports.CheckFile("--keep", target, []);
        await HostTool.Find("cp", "coreutils").RunAsync(
            ["--reflink=auto", "--sparse=always", "--no-preserve=mode", "--", image, target], stop.Token);
    }

    private string CommandLine(string more)
    {
        var access = settings.Root == RootMode.ReadOnly ? "ro" : "rw";
        var root = settings.IsIde ? "sda" : "vda";
        var drivers = settings.Machine.Ide.Count != 0 ? "eider.ide " : "";
        return $"{BaseCommandLine} root=/dev/{root} {access} {drivers}{more} {settings.Append}".TrimEnd();
    }

    private async Task<int> RunCommandAsync(MachineConfiguration machine, string command)
    {
        var agent = new GuestAgentClient();
        var kernelLog = new MachineConsole();
        machine.Serial = kernelLog;
        machine.CommandLine = CommandLine("quiet eider.agent");
        machine.Consoles =
            [new ConsoleConfiguration { Ring = settings.Ring, Device = new ConsoleDevice { Ports = agent.Ports } }];
        await using var session = await CreateAsync(machine);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        await using var output = StandardOutput.Open();
        await using var errors = StandardOutput.OpenErrors();
        var talk = agent.RunAsync(command, output, errors, ended.Token);
        var run = session.RunAsync(ended.Token);
        if (await Task.WhenAny(talk, run) == talk)
        {
            if (talk.IsFaulted)
            {
                // Nobody reads the output any more: the guest goes on for nothing.
                await ended.CancelAsync();
                await run;
                return ErrorReport.Print(talk.Exception.InnerException!);
            }

            // All is written, and the guest powers off; one that cannot is helped.
            ended.CancelAfter(PowerOffPatience);
        }

        var exit = await run;
        agent.MachineStopped();
        var code = await talk.ContinueWith(
            done => done.IsCompletedSuccessfully ? done.Result : null,
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        var machineCode = MachineSession.Report(exit, stop);
        if (code is { } ofGuest && exit.Reason != MachineExitReason.Faulted)
        {
            return ofGuest != 0 ? ofGuest : machineCode;
        }

        return stop.Reason is { } reason ? (int)reason : Died(exit, kernelLog.Transcript);
    }

    private async Task<int> RunShellAsync(MachineConfiguration machine)
    {
        var serial = new ConsoleEndpoint();
        var shell = new ConsoleEndpoint();
        serial.CloseInput();
        var device = new TerminalDevice(new ConsoleDevice { Backend = shell, Size = UserTerminal.Size() });
        machine.Serial = serial;
        machine.CommandLine = CommandLine((settings.Quiet ? "quiet " : "") + $"eider.console=hvc0 eider.term={TerminalName()}");
        machine.Consoles = [new ConsoleConfiguration { Ring = settings.Ring, Device = device }];
        await using var session = await CreateAsync(machine);
        using var terminal = new UserTerminal(shell, stop, device.Resize, session.ChangeDiscAsync);
        await using var output = StandardOutput.Open();
        if (terminal.IsTerminal)
        {
            await output.WriteAsync("eider: Ctrl-A X leaves, Ctrl-A H tells the other keys\r\n"u8.ToArray());
        }

        terminal.StartInput();
        var pumps = Task.WhenAll(
            UserTerminal.PumpOutputAsync(serial, output, stop),
            UserTerminal.PumpOutputAsync(shell, output, stop));
        var exit = await session.RunAsync(stop.Token);
        serial.Close();
        shell.Close();
        await pumps;
        terminal.Dispose();
        return MachineSession.Report(exit, stop);
    }

    // Also the case of a guest that was powered off from within while its command still ran.
    private static int Died(MachineExit exit, string kernelLog)
    {
        var why = exit.Reason switch
        {
            MachineExitReason.RestartRequested => "it wanted to restart, as after a panic",
            MachineExitReason.Halted => "it stopped its last hart",
            _ => "it powered off",
        };
        StandardError.Writer.WriteLine($"eider: the guest ended before its command did: {why}; its last messages:");
        foreach (var line in kernelLog.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).TakeLast(LastWords))
        {
            StandardError.Writer.WriteLine($"eider: | {line}");
        }

        return (int)ExitCode.GuestDied;
    }

    private static string TerminalName()
    {
        var name = Environment.GetEnvironmentVariable("TERM") ?? "";
        return IsPlainName().IsMatch(name) ? name : "linux";
    }

    [GeneratedRegex("^[A-Za-z0-9+._-]{1,32}$")]
    private static partial Regex IsPlainName();
}
