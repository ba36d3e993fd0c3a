using System.Globalization;
using Eider.Compare.Processes;
using Eider.Compare.Reporting;

namespace Eider.Compare.Figures;

/// <summary>A Linux guest that reads its disk past its page cache, beside QEMU's.</summary>
public sealed class DiskFigures : IFigureGroup
{
    private const string Ready = "bench: ready";
    private const string Done = "bench: done 0";
    private const string CommandLine = "console=ttyS0 quiet no4lvl cryptomgr.notests panic=-1";
    private const int PieceBytes = 4096;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(6);

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
        var mebibytes = context.Options.IsQuick ? 64 : 512;
        var reads = context.Options.IsQuick ? 1000 : 5000;
        var initrd = Path.Combine(context.Scratch, "disk-initrd");
        InitramfsFile.Extend(context.Guest.Initrd, initrd, ("init", context.Program("init")), ("reads", context.Program("reads")));
        var machine = new LinuxMachine(initrd, MakeDisk(context, mebibytes), CommandLine) { IsReadOnly = true };
        var dd = FormattableString.Invariant($"/reads; dd if=/dev/vda of=/dev/null bs=1M iflag=direct count={mebibytes} 2>/dev/null && /reads");
        using (var pair = new Pair(context, machine))
        {
            var (ours, peer) = pair.Best(context.Rounds, dd, text => mebibytes / SecondsOfDd(text));
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
            text => readers * reads / (long.Parse(text.Trim().Split('\n')[0], CultureInfo.InvariantCulture) / 1e9));
        table.Figures.Add(Ratio(
            FormattableString.Invariant($"4 KiB direct random reads, {(readers == 1 ? "one queue" : "four queues")}"), ours, peer, "reads/s", null));
    }

    private static Figure Ratio(string what, double ours, double peer, string unit, Limit? limit)
    {
        var ratio = ours / peer;
        return new Figure(what, ratio, FormattableString.Invariant($"{ratio:0.00} times QEMU ({ours:#,0} against {peer:#,0} {unit})"), limit);
    }

    private static string MakeDisk(BenchContext context, int mebibytes)
    {
        var path = Path.Combine(context.Scratch, "disk.img");
        using var file = new FileStream(path, FileMode.CreateNew);
        var random = new Random(1);
        var piece = new byte[1 << 20];
        for (var i = 0; i < mebibytes; i++)
        {
            random.NextBytes(piece.AsSpan(0, PieceBytes));
            file.Write(piece);
        }

        return path;
    }

    // The clock before and after, as busybox's dd may say nothing of time.
    private static double SecondsOfDd(string text)
    {
        var clock = text.Split('\n').Take(2).Select(line => long.Parse(line, CultureInfo.InvariantCulture)).ToArray();
        return (clock[1] - clock[0]) / 1e9;
    }

    /// <summary>The same machine of Eider and of QEMU, both up.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly HostProcess _eider;
        private readonly HostProcess _qemu;

        public Pair(BenchContext context, LinuxMachine machine)
        {
            _eider = new HostProcess(context.Commands.Eider(machine), Patience);
            _eider.WaitFor(Ready);
            _qemu = new HostProcess(context.Commands.QemuMachine(machine), Patience);
            _qemu.WaitFor(Ready);
        }

        /// <summary>Runs a command in turns, once to warm up; gives the best rate of each.</summary>
        public (double Eider, double Qemu) Best(int rounds, string command, Func<string, double> rate)
        {
            var (eider, qemu) = (0.0, 0.0);
            for (var i = 0; i <= rounds; i++)
            {
                var (one, other) = (rate(Run(_eider, command)), rate(Run(_qemu, command)));
                (eider, qemu) = i == 0 ? (0, 0) : (Math.Max(eider, one), Math.Max(qemu, other));
            }

            return (eider, qemu);
        }

        public void Dispose()
        {
            _eider.Dispose();
            _qemu.Dispose();
        }

        private static string Run(HostProcess guest, string command)
        {
            guest.Send(command);
            return guest.WaitFor(Done).Replace("\r", "", StringComparison.Ordinal).Trim('\n');
        }
    }
}
