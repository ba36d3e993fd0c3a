using System.Diagnostics;
using System.Globalization;
using Eider.Compare.Reporting;
using Eider.Machines;

namespace Eider.Compare.Figures;

/// <summary>How start and requests grow with the machine.</summary>
public sealed class GrowthFigures : IFigureGroup
{
    private const double TickNanoseconds = 100;

    /// <inheritdoc/>
    public string Name => "growth";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("Growth")
    {
        Method = "In one process that has made machines before: time from the call that makes the machine to the line that its guest's first instructions "
            + "send, and time a 4 KiB read takes a bare guest that asks for one after the other, in turns from all disks, and polls for the answer "
            + "(sparse files in the host's cache). Unless said otherwise one disk of 1 GiB, one hart, 64 MiB of RAM. Minima of the runs; the first line is what the others are held against.",
    };

    /// <inheritdoc/>
    public async Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        var shapes = new List<Shape> { new("1 disk of 1 GiB, 1 hart, 64 MiB") };
        shapes.AddRange(((int[])[4, 16]).Select(disks => new Shape($"{disks} disks") { Disks = disks }));
        shapes.AddRange(((int[])[2, 4, 8]).Select(harts => new Shape($"{harts} harts") { Harts = harts }));
        shapes.AddRange(((string[])["512M", "2G", "8G"]).Select(memory => new Shape($"{memory}iB of RAM") { Memory = memory }));
        shapes.AddRange(((long[])[64, 1024, 8192]).Select(size => new Shape($"disk of {size} GiB") { DiskGibibytes = size }));
        for (var i = 0; i <= context.Rounds; i++)
        {
            foreach (var shape in shapes)
            {
                await shape.RunAsync(context, isWarmUp: i == 0);
            }
        }

        foreach (var shape in shapes)
        {
            table.Figures.Add(shape.ToFigure(shapes[0]));
        }
    }

    private sealed record Shape(string Name)
    {
        private double _startMilliseconds = double.MaxValue;
        private double _requestMicroseconds = double.MaxValue;

        public int Disks { get; init; } = 1;

        public int Harts { get; init; } = 1;

        public string Memory { get; init; } = "64M";

        public long DiskGibibytes { get; init; } = 1;

        public async Task RunAsync(BenchContext context, bool isWarmUp)
        {
            var start = await StartAsync(context);
            var request = await RequestAsync(context);
            if (!isWarmUp)
            {
                _startMilliseconds = Math.Min(_startMilliseconds, start);
                _requestMicroseconds = Math.Min(_requestMicroseconds, request);
            }
        }

        public Figure ToFigure(Shape first) => new(
            Name, _requestMicroseconds / first._requestMicroseconds, FormattableString.Invariant(
                $"start {_startMilliseconds:0.0} ms ({_startMilliseconds / first._startMilliseconds:0.00}); request {_requestMicroseconds:0.0} µs ({_requestMicroseconds / first._requestMicroseconds:0.00})"));

        private async Task<double> StartAsync(BenchContext context)
        {
            var began = Stopwatch.GetTimestamp();
            await using var machine = await Machine.StartAsync(Describe(context, "first.elf"));
            await machine.Console.WaitForAsync("\n");
            return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }

        private async Task<double> RequestAsync(BenchContext context)
        {
            await using var machine = await Machine.StartAsync(Describe(context, "blocks.elf"));
            var text = await machine.Console.WaitForAsync("\n");
            var words = text.Split('\n')[0].Split(' ').Select(word => double.Parse(word, CultureInfo.InvariantCulture)).ToArray();
            return words[1] * TickNanoseconds / words[0] / 1000;
        }

        private MachineConfiguration Describe(BenchContext context, string program) => new()
        {
            Kernel = context.Program(program),
            Memory = Memory,
            Harts = Harts,
            Disks = [.. Enumerable.Range(0, Disks).Select(index => new DiskConfiguration { Image = MakeDisk(context, index), ReadOnly = true })],
        };

        private string MakeDisk(BenchContext context, int index)
        {
            var path = Path.Combine(context.Scratch, FormattableString.Invariant($"sparse-{DiskGibibytes}-{index}.img"));
            if (!File.Exists(path))
            {
                using var file = new FileStream(path, FileMode.CreateNew);
                file.SetLength(DiskGibibytes << 30);
            }

            return path;
        }
    }
}
