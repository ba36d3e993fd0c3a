using System.Globalization;
using Eider.Compare.Measuring;
using Eider.Compare.Processes;
using Eider.Compare.Reporting;

namespace Eider.Compare.Figures;

/// <summary>From the start of the process to the guest's first instruction, beside a .NET hello-world.</summary>
public sealed class StartFigures : IFigureGroup
{
    private const double LimitOfStart = 2.5;
    private const double LimitOfMemory = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public string Name => "start";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("Start and memory of the command")
    {
        Method = "From the start of the process: of the hello-world until its text comes through a pipe, of a guest until its second instruction reads "
            + "the real-time clock. In turns, minima of four times as many runs. Memory is what is resident when the guest has said so, "
            + "without the pages of guest RAM. 'Linux' has a kernel, an initramfs, a disk and an entropy device loaded and opened, but begins with that same guest as its firmware.",
    };

    /// <inheritdoc/>
    public Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        var guest = context.Guest;
        var first = context.Program("first.elf");
        Program hello = new("hello-world", [context.Options.Hello], "\n");
        Program bare = new("eider run, bare guest", [context.Eider, "run", "--kernel", first], "\n");
        Program linux = new("eider run, Linux", [
            context.Eider, "run", "--firmware", first, "--kernel", guest.Kernel, "--initrd", guest.Initrd, "--append", "root=/dev/vda",
            "--disk", $"{guest.Root},overlay=mem", "--rng"], "\n");
        Program launcher = new("./eider run, bare guest", [context.Options.Launcher, "run", "--kernel", first], "\n");
        Program[] programs = [hello, bare, linux, launcher];
        for (var i = 0; i < context.Rounds * 4; i++)
        {
            foreach (var program in programs)
            {
                program.Run();
            }
        }

        table.Figures.Add(hello.Stated());
        table.Figures.Add(bare.StartAgainst(hello, Limit.AtMost(LimitOfStart, "times")));
        table.Figures.Add(linux.StartAgainst(hello, Limit.AtMost(LimitOfStart, "times")));
        table.Figures.Add(launcher.StartAgainst(hello, null));
        table.Figures.Add(bare.MemoryAgainst(hello, Limit.AtMost(LimitOfMemory, "times")));
        table.Figures.Add(linux.MemoryAgainst(hello, Limit.AtMost(LimitOfMemory, "times")));
        return Task.CompletedTask;
    }

    private sealed class Program(string name, IReadOnlyList<string> command, string text)
    {
        private const int ClockDigits = 16;

        private double _milliseconds = double.MaxValue;
        private double _cpuMilliseconds = double.MaxValue;
        private double _mebibytes = double.MaxValue;

        public void Run()
        {
            var began = DateTime.UtcNow;
            using var process = new HostProcess(command, Patience);
            var said = process.WaitFor(text).TrimEnd();
            var elapsed = process.Elapsed;
            if (said.Length == ClockDigits)
            {
                // What the guest's clock showed; it and this clock are the host's.
                var clock = long.Parse(said, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                elapsed = DateTime.UnixEpoch.AddTicks(clock / TimeSpan.NanosecondsPerTick) - began;
            }

            _milliseconds = Math.Min(_milliseconds, elapsed.TotalMilliseconds);
            _cpuMilliseconds = Math.Min(_cpuMilliseconds, process.CpuTime.TotalMilliseconds);
            _mebibytes = Math.Min(_mebibytes, ProcessMemory.BeyondGuestRam(process.Id) / 1048576.0);
        }

        public Figure Stated() => new(
            $"{name}: start and memory", _milliseconds,
            FormattableString.Invariant($"{_milliseconds:0} ms, CPU {_cpuMilliseconds:0} ms; {_mebibytes:0.0} MiB"));

        public Figure StartAgainst(Program hello, Limit? limit)
        {
            var ratio = _milliseconds / hello._milliseconds;
            return new Figure(
                $"{name}: start to the first instruction", ratio,
                FormattableString.Invariant($"{ratio:0.00} times hello-world ({_milliseconds:0} ms, CPU {_cpuMilliseconds:0} ms)"), limit);
        }

        public Figure MemoryAgainst(Program hello, Limit? limit)
        {
            var ratio = _mebibytes / hello._mebibytes;
            return new Figure(
                $"{name}: memory beyond guest RAM", ratio, FormattableString.Invariant($"{ratio:0.00} times hello-world ({_mebibytes:0.0} MiB)"), limit);
        }
    }
}
