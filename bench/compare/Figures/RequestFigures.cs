using System.Diagnostics;
using Eider.Compare.Driving;
using Eider.Compare.Measuring;
using Eider.Compare.Reporting;
using Eider.Hardware.Time;

namespace Eider.Compare.Figures;

/// <summary>One read of 4 KiB from a virtio disk whose bytes lie in memory, driven without an engine.</summary>
public sealed class RequestFigures : IFigureGroup
{
    private const int RequestsPerRun = 32 * 1024;
    private const double LimitOfBatch = 1.3;
    private const double LimitAlone = 3;

    /// <inheritdoc/>
    public string Name => "request";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("A virtio-blk request")
    {
        Method = "4 KiB reads at random places of 64 MiB of memory through registers and ring, without an engine; the driver's work, "
            + "notification, interrupt and acknowledgement counted. CPU time of the one thread, minimum of the runs; "
            + "with a thread for the worker, CPU time of the process.",
    };

    /// <inheritdoc/>
    public async Task MeasureAsync(BenchContext context, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(table);
        foreach (var isPacked in (bool[])[false, true])
        {
            var ring = isPacked ? "packed" : "split";
            var workers = new ManualExecutor();
            await using var bench = new BlockBench(isPacked, workers);
            Measure(context, table, bench, $"{ring} ring, batches of 32", 32, LimitOfBatch);
            Measure(context, table, bench, $"{ring} ring, alone", 1, LimitAlone);
            table.Figures.Add(Allocations(bench, ring));
        }

        await using var threaded = new BlockBench(isPacked: false, workers: null);
        table.Figures.Add(Threaded(context, threaded, "split ring, batches of 32, worker on its own thread", 32));
        table.Figures.Add(Threaded(context, threaded, "split ring, alone, worker on its own thread", 1));
    }

    private static void Measure(BenchContext context, FigureTable table, BlockBench bench, string what, int batch, double limit)
    {
        var batches = RequestsPerRun / batch;
        var microseconds = Fastest.Of(context.Rounds, RequestsPerRun, () => bench.Run(batch, batches)) / 1000;
        table.Figures.Add(new Figure(what, microseconds, FormattableString.Invariant($"{microseconds:0.00} µs"), Limit.AtMost(limit, "µs")));
    }

    private static Figure Allocations(BlockBench bench, string ring)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        bench.Run(32, RequestsPerRun / 32);
        bench.Run(1, RequestsPerRun);
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        return new Figure($"{ring} ring, managed bytes allocated by {2 * RequestsPerRun} requests", bytes, $"{bytes} bytes", Limit.AtMost(0, "bytes"));
    }

    private static Figure Threaded(BenchContext context, BlockBench bench, string what, int batch)
    {
        var batches = RequestsPerRun / batch / 4;
        bench.Run(batch, batches);
        var (cpu, wall) = (double.MaxValue, double.MaxValue);
        for (var i = 0; i < context.Rounds; i++)
        {
            var cpuBefore = Environment.CpuUsage.TotalTime;
            var wallBefore = Stopwatch.GetTimestamp();
            bench.Run(batch, batches);
            wall = Math.Min(wall, Stopwatch.GetElapsedTime(wallBefore).TotalMicroseconds / batches / batch);
            cpu = Math.Min(cpu, (Environment.CpuUsage.TotalTime - cpuBefore).TotalMicroseconds / batches / batch);
        }

        return new Figure(what, cpu, FormattableString.Invariant($"{cpu:0.00} µs of CPU, {wall:0.00} µs passed"));
    }
}
