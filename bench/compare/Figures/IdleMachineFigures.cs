using Eider.Compare.Measuring;
using Eider.Compare.Reporting;
using Eider.Machines;
using Eider.Storage.Backends;

namespace Eider.Compare.Figures;

/// <summary>What one more machine costs a process that has some.</summary>
public sealed class IdleMachineFigures : IFigureGroup
{
    private const int Machines = 40;
    private const int Warm = 10;

    /// <inheritdoc/>
    public string Name => "idle";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("One more idle machine in the process")
    {
        Method = "Machines of 64 MiB with a disk, a virtio console and an entropy device, whose guest sleeps; resident memory of the process "
            + $"without guest RAM, after a collection, over {Machines - Warm} machines that come after the first {Warm}.",
    };

    /// <inheritdoc/>
    public async Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        var machines = new List<Machine>();
        var (resident, managed) = (0L, 0L);
        for (var i = 0; i < Machines; i++)
        {
            if (i == Warm)
            {
                (resident, managed) = Look();
            }

            machines.Add(await StartAsync(context.Program("first.elf")));
        }

        var (residentAfter, managedAfter) = Look();
        foreach (var machine in machines)
        {
            await machine.DisposeAsync();
        }

        var kibibytes = (residentAfter - resident) / 1024.0 / (Machines - Warm);
        var managedKibibytes = (managedAfter - managed) / 1024.0 / (Machines - Warm);
        table.Figures.Add(new Figure(
            "resident memory of one more", kibibytes,
            FormattableString.Invariant($"{kibibytes:0} KiB ({managedKibibytes:0} KiB of managed objects)"), Limit.AtMost(1024, "KiB")));
    }

    private static async Task<Machine> StartAsync(string program)
    {
        var machine = await Machine.StartAsync(new MachineConfiguration
        {
            Kernel = program,
            Memory = "64M",
            Disks = [new MemoryStorage(64 << 20)],
            Consoles = [new ConsoleConfiguration()],
            Rng = new EntropyConfiguration(),
        });
        await machine.Console.WaitForAsync("\n");
        return machine;
    }

    private static (long Resident, long Managed) Look()
    {
        Thread.Sleep(300);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return (ProcessMemory.BeyondGuestRam(0), GC.GetTotalMemory(forceFullCollection: true));
    }
}
