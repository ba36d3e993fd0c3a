using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;
using Microsoft.Extensions.Logging;

namespace Eider.Hardware.Tests.Bus;

public sealed class BusTraceTests
{
    private readonly IoManager _bus = new();
    private readonly FakeDevice _device = new() { Seed = 0x11 };

    public BusTraceTests() =>
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(0x1000, 4), new Resource.PioAddressRange(0x60, 5)));

    [Fact]
    public void Every_access_is_traced_with_what_it_moved_and_how_it_ended()
    {
        var trace = new RecordingTraceSink();
        _bus.Trace = trace;
        _bus.MmioRead(0x1001, new byte[2]);
        _bus.MmioWrite(0x1000, [1, 2, 3, 4]);
        _bus.MmioRead(0x1002, new byte[4]);
        _bus.PioRead(0x99, new byte[1]);
        _bus.PioWrite(0x60, [0xFE]);
        _device.OnAccess = _ => BusResult.WaitFor(new PendingAccess());
        _bus.MmioWrite(0x1000, [9]);
        Assert.Equal(
            [
                new TraceEvent(TraceCategory.Mmio, "mmio", "read", 0x1001, 0x1312, 2),
                new TraceEvent(TraceCategory.Mmio, "mmio", "write", 0x1000, 0x0403_0201, 4),
                new TraceEvent(TraceCategory.Mmio, "mmio", "read-refused", 0x1002, 0xFFFF_FFFF, 4),
                new TraceEvent(TraceCategory.Pio, "pio", "read-missed", 0x99, 0xFF, 1),
                new TraceEvent(TraceCategory.Pio, "pio", "write", 0x60, 0xFE, 1),
                new TraceEvent(TraceCategory.Mmio, "mmio", "write-pending", 0x1000, 9, 1),
            ],
            trace.Events);
    }

    [Fact]
    public void An_access_allocates_nothing_hit_or_miss()
    {
        _device.IsRecording = false;
        var data = new byte[4];
        Access();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Access();
        }

        // A miss with a power of two as its number is logged: that may allocate, and is rare.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);

        void Access()
        {
            _bus.MmioRead(0x1000, data);
            _bus.MmioWrite(0x1000, data);
            _bus.PioRead(0x60, data);
            _bus.PioWrite(0x60, data);
            _bus.PioRead(0x62, data);
            _bus.MmioRead(0x5000, data);
        }
    }

    [Fact]
    public void A_guest_that_misses_all_the_time_does_not_flood_the_log()
    {
        var log = new CountingLogger();
        _bus.Logger = log;
        for (var i = 0; i < 1000; i++)
        {
            _bus.MmioRead(0x5000, new byte[4]);
        }

        Assert.Equal(1000, _bus.MissedAccesses);
        Assert.Equal(10, log.Lines.Count); // 1, 2, 4 ... 512
        Assert.Contains("0x5000", log.Lines[0], StringComparison.Ordinal);
    }

    private sealed class CountingLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
