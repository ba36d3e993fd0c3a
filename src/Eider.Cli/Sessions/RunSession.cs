using Eider.Cli.Errors;
using Eider.Devices.Virtio.Console;
using Eider.Machines;

namespace Eider.Cli.Sessions;

/// <summary>Runs a machine of the user's, with its consoles on the terminal or on files.</summary>
/// <param name="configuration">The machine.</param>
/// <param name="consoles">Where its consoles go.</param>
/// <param name="reports">What is reported.</param>
/// <param name="stop">Stops it.</param>
internal sealed class RunSession(
    MachineConfiguration configuration, IReadOnlyList<ConsoleChoice> consoles, RunReports reports, StopSignals stop)
{
    /// <summary>Runs it to its end.</summary>
    /// <param name="restart">True to start it again when the guest wants it.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(bool restart)
    {
        CheckConsoleFiles();
        var serial = new ConsoleEndpoint();
        var virtio = new ConsoleEndpoint();
        var device = new TerminalDevice(new ConsoleDevice { Backend = virtio, Size = UserTerminal.Size() });
        configuration.Serial = serial;
        if (consoles.Any(choice => choice.IsVirtio))
        {
            configuration.Consoles = [new ConsoleConfiguration { Device = device }, .. configuration.Consoles];
        }

        if (!consoles.Any(choice => !choice.IsVirtio))
        {
            serial.CloseInput();
            serial.CloseOutput();
        }

        // Everything that can be refused is refused before a file is made or the terminal changed.
        var session = await MachineSession.CreateAsync(configuration, reports);
        var running = session;
        using var attached = new AttachedConsoles(stop, () => running.ChangeDiscAsync());
        try
        {
            foreach (var choice in consoles)
            {
                attached.Attach(choice, choice.IsVirtio ? virtio : serial, choice.IsVirtio ? device.Resize : null);
            }
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }

        var exit = await RunOnceAsync(session);
        while (restart && exit.Reason == MachineExitReason.RestartRequested && stop.Reason == null)
        {
            running = await MachineSession.CreateAsync(configuration, reports);
            exit = await RunOnceAsync(running);
        }

        serial.Close();
        virtio.Close();
        await attached.DrainAsync();
        return exit.Reason == MachineExitReason.RestartRequested && !restart ? (int)ExitCode.Ok : MachineSession.Report(exit, stop);
    }

    private async Task<MachineExit> RunOnceAsync(MachineSession session)
    {
        await using (session)
        {
            return await session.RunAsync(stop.Token);
        }
    }

    // The consoles' files; the reports are checked where the machine is made.
    private void CheckConsoleFiles()
    {
        var inputs = RunReports.InputsOf(configuration);
        foreach (var choice in consoles)
        {
            RunReports.CheckFile("--console", choice.Output, inputs);
            if (choice.Input is { } input && !File.Exists(input))
            {
                throw new CliException(ExitCode.NoInput, $"--console in={input}: no such file");
            }
        }
    }
}
