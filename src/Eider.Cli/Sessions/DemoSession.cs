using System.Globalization;
using System.Text;
using Eider.Cli.Errors;
using Eider.Devices.Virtio.Console;
using Eider.Machines;

namespace Eider.Cli.Sessions;

/// <summary>Runs the bare-metal guest that ships with the command (guests/demo).</summary>
/// <param name="machine">Memory and harts as asked for; the rest is filled in.</param>
/// <param name="reports">What is reported.</param>
/// <param name="stop">Stops it.</param>
internal sealed class DemoSession(MachineConfiguration machine, RunReports reports, StopSignals stop)
{
    private const string Resource = "guests.demo.elf";

    /// <summary>Runs it to its end; the guest speaks on standard output, then the host says what it counted.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eider-demo-");
        try
        {
            machine.Kernel = Path.Combine(folder.FullName, "demo.elf");
            await using (var program = typeof(DemoSession).Assembly.GetManifestResourceStream(Resource)
                ?? throw new CliException(ExitCode.Internal, "this build has no demo guest in it"))
            await using (var file = File.Create(machine.Kernel))
            {
                await program.CopyToAsync(file);
            }

            return await RunMachineAsync();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<int> RunMachineAsync()
    {
        var console = new ConsoleEndpoint();
        console.CloseInput();
        machine.Disks = [new DiskConfiguration { Image = "mem:1M", Serial = "eider-demo" }];
        machine.Consoles = [new ConsoleConfiguration { Device = new ConsoleDevice { Backend = console } }];
        machine.Rng = new EntropyConfiguration();
        await using var session = await MachineSession.CreateAsync(machine, reports);
        await using var output = StandardOutput.Open();
        var pump = UserTerminal.PumpOutputAsync(console, output, stop);
        var exit = await session.RunAsync(stop.Token);
        console.Close();
        await pump;
        await output.WriteAsync(Encoding.UTF8.GetBytes(Summary(session.Statistics)));
        return MachineSession.Report(exit, stop);
    }

    private static string Summary(MachineStatistics statistics)
    {
        var text = new StringBuilder();
        foreach (var device in statistics.Devices.Where(device => device.Requests > 0))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"eider: {device.Name}: {device.Requests} requests, {device.ReadBytes} bytes to the guest, {device.WrittenBytes} from it, {device.Failures} refused\n");
        }

        return text.ToString();
    }
}
