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

    private static readonly (string Name, long Bytes)[] Sparse = [("100 GiB", 100L << 30), ("8 TiB", 8L << 40)];

    /// <inheritdoc/>
    public string Name => "img";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("Disk images")
    {
        Method = "An image of 1 GiB: half random bytes, a quarter text, a quarter holes; all files in memory (/dev/shm) where there is room, else in the temporary folder. "
            + "qemu-img runs with -W -m 16 and both with -t unsafe; in turns, minima of half as many runs, by the shell's clock. 'Without start' is less what `--version` takes either of them.",
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
        private TimedCommand _ourStart = null!;
        private TimedCommand _peerStart = null!;

        private string Raw => At("mixed.raw");

        private string Qcow2 => At("mixed.qcow2");

        public void Measure()
        {
            MixedImage.Create(Raw, context.Options.IsQuick ? 128L << 20 : 1L << 30);
            (_ourStart, _peerStart) = InTurns([context.Eider, "--version"], [Peer, "--version"]);
            table.Figures.Add(new Figure(
                "start alone", _ourStart.Wall, string.Create(CultureInfo.InvariantCulture, $"{_ourStart.Wall * 1000:0} ms (qemu-img {_peerStart.Wall * 1000:0} ms)")));
            Convert("raw to qcow2", Raw, "qcow2", 1, Qcow2, []);
            Convert("qcow2 to raw", Qcow2, "raw", 1, At("back.raw"), []);
            Compress("zlib", 0.4);
            Compress("zstd", 0.8);
            Add("compare raw and qcow2", 1, [context.Eider, "img", "compare", Raw, Qcow2], [Peer, "compare", Raw, Qcow2]);
            RandomReads(1);
            RandomReads(64);
            Info();
            Memory();
        }

        private void Compress(string method, double limit)
        {
            var target = At($"{method}.qcow2");
            string[] option = ["-c", "-o", $"compression_type={method}"];
            var (ours, peers) = Convert($"raw to qcow2, {method}", Raw, "qcow2", limit, target, option);
            var ratio = (double)ours / peers;
            table.Figures.Add(new Figure($"size of the {method} image", ratio, Times(ratio, $"{ours >> 20} against {peers >> 20} MiB"), Limit.AtMost(1.05, "times")));
            Convert($"{method} qcow2 to raw", target, "raw", 1, At("back.raw"), []);
        }

        /// <summary>Converts in turns, each into a new file.</summary>
        /// <returns>Sizes of both results.</returns>
        private (long Ours, long Peers) Convert(string what, string source, string format, double limit, string target, string[] options)
        {
            var peerTarget = target + ".peer";
            Add(
                what, limit,
                [context.Eider, "img", "convert", "-t", "unsafe", "-W", .. options, "-O", format, source, target],
                [Peer, "convert", "-t", "unsafe", "-W", "-m", "16", .. options, "-O", format, source, peerTarget],
                () =>
                {
                    File.Delete(target);
                    File.Delete(peerTarget);
                });
            var sizes = (new FileInfo(target).Length, new FileInfo(peerTarget).Length);
            File.Delete(peerTarget);
            return sizes;
        }

        private void RandomReads(int depth)
        {
            string[] shape = ["-c", $"{Reads}", "-d", $"{depth}", "-s", "4096", "-S", $"{Step}"];
            var (ours, peer) = InTurns(
                [context.Eider, "img", "bench", .. shape, "-f", "qcow2", Qcow2], [Peer, "bench", "-i", "io_uring", .. shape, "-f", "qcow2", Qcow2]);
            var (a, b) = (Net(ours.Cpu, _ourStart.Cpu) / Reads * 1e6, Net(peer.Cpu, _peerStart.Cpu) / Reads * 1e6);
            table.Figures.Add(new Figure(
                $"4 KiB reads of a cached qcow2, depth {depth}: CPU a request", a / b,
                Times(a / b, string.Create(CultureInfo.InvariantCulture, $"{a:0.00} against {b:0.00} µs")), Limit.AtMost(1.2, "times")));
        }

        private void Info()
        {
            var (ours, hello) = InTurns([context.Eider, "img", "info", Qcow2], [context.Options.Hello]);
            var ratio = ours.Wall / hello.Wall;
            table.Figures.Add(new Figure(
                "info, a new process", ratio, string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00} times hello-world ({ours.Wall * 1000:0} ms)"), Limit.AtMost(2, "times")));
        }

        private void Memory()
        {
            AddMemory("the mixed image, zlib, four workers", ["-c", "-m", "4"], Raw);
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

        private void Add(string what, double limit, IReadOnlyList<string> ourCommand, IReadOnlyList<string> peerCommand, Action? before = null)
        {
            var (ours, peer) = InTurns(ourCommand, peerCommand, before);
            AddRatio($"{what}: time", Net(ours.Wall, _ourStart.Wall), Net(peer.Wall, _peerStart.Wall), limit);
            AddRatio($"{what}: CPU", Net(ours.Cpu, _ourStart.Cpu), Net(peer.Cpu, _peerStart.Cpu), limit);
        }

        private void AddRatio(string what, double ours, double peer, double limit) => table.Figures.Add(new Figure(
            what + ", without start", ours / peer, Times(ours / peer, string.Create(CultureInfo.InvariantCulture, $"{ours:0.00} against {peer:0.00} s")),
            Limit.AtMost(limit, "times")));

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

        private static double Net(double all, double start) => Math.Max(all - start, 1e-3);

        private static string Times(double ratio, string detail) => string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00} times qemu-img ({detail})");

        private static byte[] NotZero()
        {
            var bytes = new byte[1 << 20];
            new Random(1).NextBytes(bytes);
            return bytes;
        }

        private string At(string name) => Path.Combine(folder, name);
    }
}
