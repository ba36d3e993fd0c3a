using Eider.Compare.Processes;
using Eider.Compare.Reporting;

namespace Eider.Compare.Figures;

/// <summary>A Linux guest that reads its disk past its page cache, beside QEMU's.</summary>
public sealed class DiskFigures : IFigureGroup
{
    private const string CommandLine = "console=ttyS0 quiet no4lvl cryptomgr.notests panic=-1";

    /// <inheritdoc/>
    public string Name => "disk";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("Reading a disk in a Linux guest")
    {
        Method = "A raw image in the host's page cache, read-only; both machines stay up and read in turns, one idle while the other works; "
            + "best of the runs by the guest's clock. With four queues the guest has four harts and a reader on each; "
            + "Eider's harts share a thread, QEMU's have a thread each.",
    };

    /// <inheritdoc/>
    public Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        var mebibytes = GuestDisks.Mebibytes(context);
        var reads = GuestDisks.Reads(context);
        var initrd = Path.Combine(context.Scratch, "disk-initrd");
        InitramfsFile.Extend(context.Guest.Initrd, initrd, ("init", context.Program("init")), ("reads", context.Program("reads")));
        var machine = new LinuxMachine(initrd, GuestDisks.Make(context, "disk.img"), CommandLine) { IsReadOnly = true };
        var dd = GuestDisks.Dd("/dev/vda", mebibytes);
        using (var pair = new Pair(context, machine))
        {
            var (ours, peer) = pair.Best(context.Rounds, dd, text => mebibytes / GuestDisks.SecondsOfDd(text));
            table.Figures.Add(Ratio("dd bs=1M iflag=direct", ours, peer, "MiB/s", Limit.AtLeast(1, "times")));
            AddReads(context, table, pair, 1, reads);
        }

        using var four = new Pair(context, machine with { Queues = 4 });
        AddReads(context, table, four, 4, reads);
        return Task.CompletedTask;
    }

    private static void AddReads(BenchContext context, FigureTable table, Pair pair, int readers, int reads)
    {
        var (ours, peer) = pair.Best(
            context.Rounds, FormattableString.Invariant($"/reads /dev/vda {readers} {reads}"),
            text => readers * reads / GuestDisks.SecondsOfReads(text));
        table.Figures.Add(Ratio(
            FormattableString.Invariant($"4 KiB direct random reads, {(readers == 1 ? "one queue" : "four queues")}"), ours, peer, "reads/s", null));
    }

    private static Figure Ratio(string what, double ours, double peer, string unit, Limit? limit)
    {
        var ratio = ours / peer;
        return new Figure(what, ratio, FormattableString.Invariant($"{ratio:0.00} times QEMU ({ours:#,0} against {peer:#,0} {unit})"), limit);
    }

    /// <summary>The same machine of Eider and of QEMU, both up.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly HostProcess _eider;
        private readonly HostProcess _qemu;

        public Pair(BenchContext context, LinuxMachine machine)
        {
            _eider = new HostProcess(context.Commands.Eider(machine), GuestDisks.Patience);
            _eider.WaitFor(GuestDisks.Ready);
            _qemu = new HostProcess(context.Commands.QemuMachine(machine), GuestDisks.Patience);
            _qemu.WaitFor(GuestDisks.Ready);
        }

        /// <summary>Runs a command in turns, once to warm up; gives the best rate of each.</summary>
        public (double Eider, double Qemu) Best(int rounds, string command, Func<string, double> rate)
        {
            var (eider, qemu) = (0.0, 0.0);
            for (var i = 0; i <= rounds; i++)
            {
                var (one, other) = (rate(GuestDisks.Run(_eider, command)), rate(GuestDisks.Run(_qemu, command)));
                (eider, qemu) = i == 0 ? (0, 0) : (Math.Max(eider, one), Math.Max(qemu, other));
            }

            return (eider, qemu);
        }

        public void Dispose()
        {
            _eider.Dispose();
            _qemu.Dispose();
        }
    }
}
