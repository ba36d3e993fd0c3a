using Eider.Compare.Processes;
using Eider.Compare.Reporting;
using Eider.Machines;

namespace Eider.Compare.Figures;

/// <summary>Bare integer loops: the engine alone.</summary>
public sealed class LoopFigures : IFigureGroup
{
    private static readonly (string File, string What)[] Loops =
        [("checksum.elf", "CRC-32 bit by bit"), ("sieve.elf", "sieve of Eratosthenes"), ("sort.elf", "Shell sort")];

    /// <inheritdoc/>
    public string Name => "loops";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("Bare integer loops")
    {
        Method = "Programs of bench/guests without an operating system, 700 to 900 million instructions each; guest instructions per second "
            + "of CPU, best of the runs. QEMU runs the same file in turns; its CPU time includes its start.",
    };

    /// <inheritdoc/>
    public async Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        foreach (var (file, what) in Loops)
        {
            var (rate, least, peer) = (0.0, double.MaxValue, double.MaxValue);
            for (var i = 0; i < Math.Min(3, context.Rounds); i++)
            {
                var done = await RunAsync(context.Program(file));
                rate = Math.Max(rate, done.Instructions / done.EngineCpuSeconds / 1e6);
                least = Math.Min(least, done.EngineCpuSeconds);
                peer = Math.Min(peer, RunPeer(context.Program(file)));
            }

            table.Figures.Add(new Figure(
                what, rate, FormattableString.Invariant($"{rate:0} million a CPU second ({least:0.00} s; QEMU {peer:0.00} s)"),
                Limit.AtLeast(300, "million")));
        }
    }

    private static async Task<MachineStatistics> RunAsync(string program)
    {
        await using var machine = await Machine.StartAsync(new MachineConfiguration { Kernel = program, Memory = "128M" });
        await machine.WaitForExitAsync(TimeSpan.FromMinutes(1));
        return machine.GetStatistics();
    }

    private static double RunPeer(string program)
    {
        using var process = new HostProcess(Commands.QemuBare(program), TimeSpan.FromMinutes(1));
        return process.RunToEnd().TotalSeconds;
    }
}
