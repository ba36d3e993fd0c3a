using Eider.Compare.Measuring;
using Eider.Compare.Reporting;
using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Compare.Figures;

/// <summary>One register access, from the bus to a device that does nothing and back.</summary>
public sealed class BusFigures : IFigureGroup
{
    private const int Devices = 32;
    private const int Accesses = 4096;
    private const int Passes = 256;

    private readonly ulong[] _addresses = new ulong[Accesses];
    private readonly byte[] _data = new byte[4];
    private readonly IoManager _bus = new();

    /// <inheritdoc/>
    public string Name => "bus";

    /// <inheritdoc/>
    public FigureTable CreateTable() => new("Bus")
    {
        Method = "32 devices, random registers of random devices, CPU time of one thread, minimum of the runs.",
    };

    /// <inheritdoc/>
    public Task MeasureAsync(BenchContext context, FigureTable table)
    {
        FillBus();
        Measure(context, table, "memory-mapped read of 4 bytes", ReadAll);
        Measure(context, table, "memory-mapped write of 4 bytes", WriteAll);
        return Task.CompletedTask;
    }

    private void FillBus()
    {
        var random = new Random(1);
        var places = Enumerable.Range(0, Devices).Select(slot => 0xD000_0000UL + ((ulong)slot * 0x2000)).ToArray();
        random.Shuffle(places);
        foreach (var place in places)
        {
            _bus.Register(new Register(), new DeviceResources(new Resource.MmioAddressRange(place, 0x1000)));
        }

        for (var i = 0; i < Accesses; i++)
        {
            _addresses[i] = places[random.Next(Devices)] + ((ulong)random.Next(0x400) * 4);
        }
    }

    private static void Measure(BenchContext context, FigureTable table, string what, Action body)
    {
        var nanoseconds = Fastest.Of(context.Rounds, (long)Accesses * Passes, body);
        table.Figures.Add(new Figure(what, nanoseconds, FormattableString.Invariant($"{nanoseconds:0.0} ns"), Limit.AtMost(20, "ns")));
    }

    private void ReadAll()
    {
        for (var pass = 0; pass < Passes; pass++)
        {
            foreach (var address in _addresses)
            {
                _bus.MmioRead(address, _data);
            }
        }
    }

    private void WriteAll()
    {
        for (var pass = 0; pass < Passes; pass++)
        {
            foreach (var address in _addresses)
            {
                _bus.MmioWrite(address, _data);
            }
        }
    }

    private sealed class Register : IDeviceIo
    {
        public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) => BusStatus.Ok;

        public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => BusStatus.Ok;
    }
}
