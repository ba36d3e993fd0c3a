using System.Globalization;
using Eider.Compare.Driving;
using Eider.Compare.Measuring;
using Eider.Compare.Processes;
using Eider.Compare.Reporting;

namespace Eider.Compare.Figures;

/// <summary>A disk on a CMD646: requests by the bus master and words of the data port without an engine, and beside virtio in one guest.</summary>
public sealed class IdeFigures : IFigureGroup
{
    private const int RequestsPerRun = 32 * 1024;
    private const int CommandsPerRun = 32;
    private const string CommandLine = "console=ttyS0 quiet no4lvl cryptomgr.notests panic=-1 eider.ide";

    /// <inheritdoc/>
    public string Name => "ide";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("IDE")
    {
        Method = "A disk on a CMD646, every register through the bus. First without an engine, the disk in memory, CPU time of the one thread, minimum of the runs: "
            + "4 KiB reads at random places by the bus master, with the driver's registers, interrupt and acknowledgement; 256 sectors a command in blocks of 16 "
            + "through the data port. Then in a Linux guest that has the same image, in the host's page cache, as virtio disk and on IDE: both are read in turns, best of the runs by the guest's clock.",
    };

    /// <inheritdoc/>
    public async Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        await using (var bench = new IdeBench())
        {
            var request = Fastest.Of(context.Rounds, RequestsPerRun, () => bench.Run(RequestsPerRun)) / 1000;
            table.Figures.Add(new Figure("4 KiB by the bus master", request, FormattableString.Invariant($"{request:0.00} µs"), Limit.AtMost(3, "µs")));
            AddWords(context, table, "read from", bench.ReadWords);
            AddWords(context, table, "written to", bench.WriteWords);
            table.Figures.Add(Allocations(bench));
        }

        using var guest = new HostProcess(Machine(context), GuestDisks.Patience);
        guest.WaitFor(GuestDisks.Ready);
        var mebibytes = GuestDisks.Mebibytes(context);
        AddRatio(context, table, guest, "dd bs=1M iflag=direct", "MiB/s", Limit.AtLeast(0.5, "times"), disk =>
            (GuestDisks.Dd(disk, mebibytes), text => mebibytes / GuestDisks.SecondsOfDd(text)));
        var reads = GuestDisks.Reads(context);
        AddRatio(context, table, guest, "4 KiB direct random reads", "reads/s", null, disk =>
            (FormattableString.Invariant($"/reads {disk} 1 {reads}"), text => reads / GuestDisks.SecondsOfReads(text)));
    }

    private static void AddWords(BenchContext context, FigureTable table, string what, Action<int> run)
    {
        var words = CommandsPerRun * (long)IdeBench.WordsPerCommand;
        var nanoseconds = Fastest.Of(context.Rounds, words, () => run(CommandsPerRun));
        table.Figures.Add(new Figure(
            $"a word {what} the data port", nanoseconds, FormattableString.Invariant($"{nanoseconds:0.0} ns"), Limit.AtMost(40, "ns")));
    }

    private static Figure Allocations(IdeBench bench)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        bench.Run(RequestsPerRun);
        bench.ReadWords(CommandsPerRun);
        bench.WriteWords(CommandsPerRun);
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        return new Figure("managed bytes allocated by all of these", bytes, $"{bytes} bytes", Limit.AtMost(0, "bytes"));
    }

    private static IReadOnlyList<string> Machine(BenchContext context)
    {
        var initrd = Path.Combine(context.Scratch, "ide-initrd");
        InitramfsFile.Extend(context.Guest.Initrd, initrd, ("init", context.Program("init")), ("reads", context.Program("reads")));
        var disk = GuestDisks.Make(context, "ide.img");
        var machine = new LinuxMachine(initrd, disk, CommandLine) { IsReadOnly = true };
        return [.. context.Commands.Eider(machine), "--disk", $"{disk},ro,transport=ide"];
    }

    private static void AddRatio(
        BenchContext context, FigureTable table, HostProcess guest, string what, string unit, Limit? limit,
        Func<string, (string Command, Func<string, double> Rate)> make)
    {
        var (ide, virtio) = (0.0, 0.0);
        for (var i = 0; i <= context.Rounds; i++)
        {
            var (one, other) = (Rate("/dev/sda"), Rate("/dev/vda"));
            (ide, virtio) = i == 0 ? (0, 0) : (Math.Max(ide, one), Math.Max(virtio, other));
        }

        var ratio = ide / virtio;
        table.Figures.Add(new Figure(
            what, ratio, string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00} times virtio ({ide:#,0} against {virtio:#,0} {unit})"), limit));

        double Rate(string disk)
        {
            var (command, rate) = make(disk);
            return rate(GuestDisks.Run(guest, command));
        }
    }
}
