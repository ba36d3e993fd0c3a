using Eider.Machines;

await using var machine = await Machine.StartAsync(new MachineConfiguration
{
    Kernel = args[0],
    Memory = "16M",
    Disks = ["mem:1M"],
    Consoles = [new ConsoleConfiguration()],
    Rng = new EntropyConfiguration(),
});
var exit = await machine.WaitForExitAsync(TimeSpan.FromMinutes(1));
Console.Write(machine.Consoles[0].Transcript);
Console.WriteLine($"{exit.Reason}, {machine.GetStatistics().Devices.Sum(device => device.Requests)} requests");
