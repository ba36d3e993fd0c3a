using System.Text;
using Eider.Cli.Provisioning;
using Eider.Cli.Sessions;
using Eider.Devices.Virtio.Console;
using Eider.Machines;

namespace Eider.GuestTests;

/// <summary>The quickstart guest in this process, with devices that the command does not give it.</summary>
internal sealed class AgentGuest
{
    private const string CommandLine = "console=ttyS0 root=/dev/vda rw no4lvl panic=-1 quiet eider.agent";

    private readonly GuestAgentClient _agent = new();

    /// <summary>A guest whose root image is a copy in a file.</summary>
    public AgentGuest(GuestFiles files, string rootImage, params ConsolePort[] ports)
        : this(files, new DiskConfiguration { Image = rootImage }, ports) =>
        File.Copy(files.Root, rootImage);

    /// <summary>A guest with this root.</summary>
    public AgentGuest(GuestFiles files, DiskConfiguration root, params ConsolePort[] ports)
    {
        Configuration = new MachineConfiguration
        {
            Kernel = files.Kernel,
            Initrd = files.Initrd,
            CommandLine = CommandLine + (GuestSuite.HasSelfTests ? "" : " cryptomgr.notests"),
            Disks = [root],
            Consoles = [new ConsoleConfiguration { Device = new ConsoleDevice { Ports = [.. _agent.Ports, .. ports] } }],
        };
    }

    /// <summary>The machine; may be changed before the run.</summary>
    public MachineConfiguration Configuration { get; }

    /// <summary>How the machine ended, after the run.</summary>
    public MachineExit? Exit { get; private set; }

    /// <summary>Runs one command and powers off.</summary>
    public async Task<CommandResult> RunAsync(string command)
    {
        var token = TestContext.Current.CancellationToken;
        var (output, errors) = (new MemoryStream(), new MemoryStream());
        await using var machine = await Machine.CreateAsync(Configuration);
        var run = machine.RunAsync(token);
        var talk = _agent.RunAsync(command, output, errors, token);
        Exit = await run;
        _agent.MachineStopped();
        var code = await talk;
        Assert.True(code != null, $"the guest ended early ({Exit.Reason}, {Exit.Fault}): {machine.Console.Transcript}");
        return new CommandResult(code.Value, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(errors.ToArray()));
    }
}
