using System.Text.Json;
using Eider.Compare.Measuring;
using Eider.Compare.Processes;
using Eider.Compare.Reporting;

namespace Eider.Compare.Figures;

/// <summary>A stock Linux from the start of the process to the prompt of its shell, beside QEMU's.</summary>
public sealed class BootFigures : IFigureGroup
{
    private const string CommandLine = "console=ttyS0 root=/dev/vda rw quiet no4lvl panic=-1";
    private const string Prompt = "eider:~# ";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <inheritdoc/>
    public string Name => "boot";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("Boot to a shell")
    {
        Method = "From the start of the process to the prompt, the same kernel, initramfs, command line and root image for both, 512 MiB, one hart; "
            + "in turns, minima of the runs. The ratio is of the time that passed.",
    };

    /// <inheritdoc/>
    public Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        Compare(context, table, "self tests of the kernel's ciphers included", CommandLine, 4);
        Compare(context, table, "with cryptomgr.notests", CommandLine + " cryptomgr.notests", 2.5);
        return Task.CompletedTask;
    }

    private static void Compare(BenchContext context, FigureTable table, string what, string commandLine, double limit)
    {
        var machine = new LinuxMachine(context.Guest.Initrd, context.Guest.Root, commandLine);
        var statistics = Path.Combine(context.Scratch, "boot.json");
        var (ours, peer, rate) = (Best.None, Best.None, 0.0);
        var memory = long.MaxValue;
        for (var i = 0; i < context.Rounds; i++)
        {
            using (var process = new HostProcess(context.Commands.Eider(machine, statistics), Patience))
            {
                process.WaitFor(Prompt);
                ours = ours.With(process);
                memory = Math.Min(memory, ProcessMemory.BeyondGuestRam(process.Id));
                process.Terminate();
            }

            rate = Math.Max(rate, Rate(statistics));
            using var qemu = new HostProcess(context.Commands.QemuMachine(machine), Patience);
            qemu.WaitFor(Prompt);
            peer = peer.With(qemu);
        }

        var ratio = ours.Seconds / peer.Seconds;
        table.Figures.Add(new Figure(what, ratio, FormattableString.Invariant(
            $"{ratio:0.00} times QEMU ({ours.Seconds:0.00} s against {peer.Seconds:0.00} s; CPU {ours.CpuSeconds:0.00} s against {peer.CpuSeconds:0.00} s)"),
            Limit.AtMost(limit, "times")));
        table.Figures.Add(new Figure(
            $"guest instructions a second of the engine's CPU, {what}", rate, FormattableString.Invariant($"{rate:0} million"),
            Limit.AtLeast(150, "million")));
        var times = memory / (double)MemoryOfHello(context);
        table.Figures.Add(new Figure(
            $"memory beyond guest RAM at the prompt, {what}", times,
            FormattableString.Invariant($"{times:0.00} times hello-world ({memory / 1048576.0:0.0} MiB)"), Limit.AtMost(3, "times")));
    }

    private static long MemoryOfHello(BenchContext context)
    {
        using var hello = new HostProcess([context.Options.Hello], Patience);
        hello.WaitFor("\n");
        return ProcessMemory.BeyondGuestRam(hello.Id);
    }

    private static double Rate(string statistics)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(statistics));
        return document.RootElement.GetProperty("instructions").GetInt64()
            / document.RootElement.GetProperty("engineCpuSeconds").GetDouble() / 1e6;
    }

    private readonly record struct Best(double Seconds, double CpuSeconds)
    {
        public static Best None => new(double.MaxValue, double.MaxValue);

        public Best With(HostProcess process) => new(
            Math.Min(Seconds, process.Elapsed.TotalSeconds), Math.Min(CpuSeconds, process.CpuTime.TotalSeconds));
    }
}
