using System.Globalization;
using Eider.Compare.Processes;
using Eider.Compare.Reporting;

namespace Eider.Compare.Figures;

/// <summary><c>eider img</c> beside qemu-img on an image of mixed content.</summary>
public sealed class ImageFigures : IFigureGroup
{
    private const string Peer = "qemu-img";
    private const string FastFolder = "/dev/shm";
    private const long NeededBytes = 6L << 30;
    private const int Reads = 200_000;
    private const int Step = 1_052_672; // from read to read: far apart, and every cluster of the image in time

    private const string Big = "mixed";
    private const string Small = "small";

    private static readonly (string Name, long Bytes)[] Sparse = [("100 GiB", 100L << 30), ("8 TiB", 8L << 40)];

    /// <inheritdoc/>
    public string Name => "img";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("Disk images")
    {
        Method = "An image of 1 GiB: half random bytes, a quarter text, a quarter holes; all files in memory (/dev/shm) where there is room, else in the temporary folder. "
            + "qemu-img runs with -W -m 16 and both with -t unsafe; in turns, minima of half as many runs, by the shell's clock. 'Without start' is less what the same command "
            + "takes either of them with an image of 1 MiB: the start of the process and of the runtime, and the compiling of what it runs.",
    };

    /// <inheritdoc/>
    public Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        var parent = new DriveInfo(FastFolder) is { IsReady: true, AvailableFreeSpace: > NeededBytes } ? FastFolder : context.Scratch;
        var folder = Directory.CreateDirectory(Path.Combine(parent, $"eider-bench-img-{Environment.ProcessId}")).FullName;
        try
        {
            new Run(context, table, folder).Measure();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return Task.CompletedTask;
    }

    private sealed class Run(BenchContext context, FigureTable table, string folder)
    {
        public void Measure()
        {
            MixedImage.Create(Raw(Big), context.Options.IsQuick ? 128L << 20 : 1L << 30);
            MixedImage.Create(Raw(Small), 1L << 20);
            Convert("raw to qcow2", Raw, "qcow2", 1, Qcow2, []);
            Convert("qcow2 to raw", Qcow2, "raw", 1, Back, []);
            Compress("zlib", 0.4);
            Compress("zstd", 0.8);
            Add("compare raw and qcow2", 1, name => [context.Eider, "img", "compare", Raw(name), Qcow2(name)], name => [Peer, "compare", Raw(name), Qcow2(name)]);
            RandomReads(1);
            RandomReads(64);
            Info();
            Memory();
        }

        private void Compress(string method, double limit)
        {
            string Target(string name) => At($"{name}.{method}");
            string[] option = ["-c", "-o", $"compression_type={method}"];
            Convert($"raw to qcow2, {method}", Raw, "qcow2", limit, Target, option, keepsPeers: true);
            var (ours, peers) = (new FileInfo(Target(Big)).Length, new FileInfo(PeersOf(Target(Big))).Length);
            var ratio = (double)ours / peers;
            table.Figures.Add(new Figure($"size of the {method} image", ratio, Times(ratio, $"{ours >> 20} against {peers >> 20} MiB"), Limit.AtMost(1.05, "times")));
            File.Delete(PeersOf(Target(Big)));
            Convert($"{method} qcow2 to raw", Target, "raw", 1, Back, []);
        }

        /// <summary>Converts in turns, each into a new file.</summary>
        private void Convert(
            string what, Func<string, string> source, string format, double limit, Func<string, string> target, string[] options, bool keepsPeers = false)
        {
            Add(
                what, limit,
                name => [context.Eider, "img", "convert", "-t", "unsafe", "-W", .. options, "-O", format, source(name), target(name)],
                name => [Peer, "convert", "-t", "unsafe", "-W", "-m", "16", .. options, "-O", format, source(name), PeersOf(target(name))],
                name =>
                {
                    File.Delete(target(name));
                    File.Delete(PeersOf(target(name)));
                });
            if (!keepsPeers)
            {
                File.Delete(PeersOf(target(Big)));
            }
        }

        private void RandomReads(int depth)
        {
            string[] Shape(int reads) => ["-c", $"{reads}", "-d", $"{depth}", "-s", "4096", "-S", $"{Step}", "-f", "qcow2", Qcow2(Big)];
            var (ours, peer) = Net(
                name => [context.Eider, "img", "bench", .. Shape(name == Big ? Reads : 1)], name => [Peer, "bench", "-i", "io_uring", .. Shape(name == Big ? Reads : 1)]);
            var (a, b) = (ours.Cpu / Reads * 1e6, peer.Cpu / Reads * 1e6);
            table.Figures.Add(new Figure(
                $"4 KiB reads of a cached qcow2, depth {depth}: CPU a request, without start", a / b,
                Times(a / b, string.Create(CultureInfo.InvariantCulture, $"{a:0.00} against {b:0.00} µs")), Limit.AtMost(1.2, "times")));
        }

        private void Info()
        {
            var (ours, hello) = InTurns([context.Eider, "img", "info", Qcow2(Big)], [context.Options.Hello]);
            var ratio = ours.Wall / hello.Wall;
            table.Figures.Add(new Figure(
                "info, a new process", ratio, string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00} times hello-world ({ours.Wall * 1000:0} ms)"), Limit.AtMost(2, "times")));
        }

        private void Memory()
        {
            AddMemory("the mixed image, zlib, four workers", ["-c", "-m", "4"], Raw(Big));
            foreach (var (name, bytes) in Sparse)
            {
                var path = At("sparse.raw");
                using (var file = new FileStream(path, FileMode.Create))
                {
                    file.SetLength(bytes);
                    file.Seek(bytes / 2, SeekOrigin.Begin);
                    file.Write(NotZero());
                }

                AddMemory($"{name} with 1 MiB of data", [], path);
            }
        }

        private void AddMemory(string what, string[] options, string source)
        {
            var target = At("memory.qcow2");
            string[] command = [context.Eider, "img", "convert", "-t", "unsafe", .. options, "-O", "qcow2", source, target];
            var timed = new TimedCommand(command);
            timed.Run();
            File.Delete(target);
            var peak = PeakMemory.Of(command);
            File.Delete(target);
            table.Figures.Add(new Figure(
                $"memory of a conversion: {what}", peak, string.Create(CultureInfo.InvariantCulture, $"{peak:0} MiB, {timed.Wall:0.00} s"), Limit.AtMost(256, "MiB")));
        }

        private void Add(
            string what, double limit, Func<string, IReadOnlyList<string>> ourCommand, Func<string, IReadOnlyList<string>> peerCommand, Action<string>? before = null)
        {
            var (ours, peer) = Net(ourCommand, peerCommand, before);
            AddRatio($"{what}: time", ours.Wall, peer.Wall, ours.Start, peer.Start, limit);
            AddRatio($"{what}: CPU", ours.Cpu, peer.Cpu, ours.StartCpu, peer.StartCpu, limit);
        }

        private void AddRatio(string what, double ours, double peer, double ourStart, double peerStart, double limit) => table.Figures.Add(new Figure(
            what + ", without start", ours / peer,
            Times(ours / peer, string.Create(CultureInfo.InvariantCulture, $"{ours:0.00} against {peer:0.00} s; start {ourStart:0.00} and {peerStart:0.00} s")),
            Limit.AtMost(limit, "times")));

        /// <summary>What the big image takes more than the small one.</summary>
        private (Cost Ours, Cost Peer) Net(
            Func<string, IReadOnlyList<string>> ourCommand, Func<string, IReadOnlyList<string>> peerCommand, Action<string>? before = null)
        {
            var (ours, peer) = InTurns(ourCommand(Small), peerCommand(Small), () => before?.Invoke(Small));
            var (ourBig, peerBig) = InTurns(ourCommand(Big), peerCommand(Big), () => before?.Invoke(Big));
            return (Cost.Between(ours, ourBig), Cost.Between(peer, peerBig));
        }

        private (TimedCommand Ours, TimedCommand Peer) InTurns(IReadOnlyList<string> ourCommand, IReadOnlyList<string> peerCommand, Action? before = null)
        {
            var (ours, peer) = (new TimedCommand(ourCommand), new TimedCommand(peerCommand));
            for (var i = 0; i < (context.Rounds + 1) / 2; i++)
            {
                before?.Invoke();
                ours.Run();
                peer.Run();
            }

            return (ours, peer);
        }

        private static string PeersOf(string target) => target + ".peer";

        private static string Times(double ratio, string detail) => string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00} times qemu-img ({detail})");

        private static byte[] NotZero()
        {
            var bytes = new byte[1 << 20];
            new Random(1).NextBytes(bytes);
            return bytes;
        }

        private string At(string name) => Path.Combine(folder, name);

        private string Raw(string name) => At($"{name}.raw");

        private string Qcow2(string name) => At($"{name}.qcow2");

        private string Back(string name) => At($"{name}.back");
    }

    /// <summary>Seconds of a command without its start, and its start.</summary>
    private sealed record Cost(double Wall, double Cpu, double Start, double StartCpu)
    {
        private const double Least = 1e-3; // what the shell's clock shows

        public static Cost Between(TimedCommand small, TimedCommand big) =>
            new(Math.Max(big.Wall - small.Wall, Least), Math.Max(big.Cpu - small.Cpu, Least), small.Wall, small.Cpu);
    }
}
