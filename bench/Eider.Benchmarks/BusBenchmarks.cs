using BenchmarkDotNet.Attributes;
using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Benchmarks;

/// <summary>One register access, from the bus to a device that does nothing and back: at most 20 ns.</summary>
[MemoryDiagnoser]
[MinColumn]
public class BusBenchmarks
{
    private const int Accesses = 4096;
    private readonly ulong[] _addresses = new ulong[Accesses];
    private readonly byte[] _data = new byte[4];
    private IoManager _bus = new();
    private int _next;

    /// <summary>Devices on the bus; 32 is a full board.</summary>
    [Params(1, 32)]
    public int Devices { get; set; }

    /// <summary>Devices in no order, accesses in no order.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        var places = Enumerable.Range(0, Devices).Select(slot => (0xD000_0000UL + ((ulong)slot * 0x2000))).ToArray();
        random.Shuffle(places);
        _bus = new IoManager();
        foreach (var place in places)
        {
            _bus.Register(new Register(), new DeviceResources(
                new Resource.MmioAddressRange(place, 0x1000), new Resource.PioAddressRange(ToPort(place), 8)));
        }

        for (var i = 0; i < Accesses; i++)
        {
            _addresses[i] = places[random.Next(Devices)] + ((ulong)random.Next(0x400) * 4);
        }
    }

    /// <summary>The yardstick: the two interlocked operations that count a call in and out.</summary>
    [Benchmark(Baseline = true)]
    public int CountInAndOut()
    {
        Interlocked.Increment(ref _next);
        return Interlocked.Decrement(ref _next);
    }

    /// <summary>Memory-mapped, at random registers of random devices.</summary>
    [Benchmark]
    public BusStatus MmioRead() => _bus.MmioRead(Next(), _data).Status;

    /// <summary>Memory-mapped, at random registers of random devices.</summary>
    [Benchmark]
    public BusStatus MmioWrite() => _bus.MmioWrite(Next(), _data).Status;

    /// <summary>Nobody there.</summary>
    [Benchmark]
    public BusStatus MmioMiss() => _bus.MmioRead(Next() + 0x1000, _data).Status;

    /// <summary>A port.</summary>
    [Benchmark]
    public BusStatus PioRead() => _bus.PioRead(ToPort(Next()), _data).Status;

    private static ushort ToPort(ulong address) => (ushort)((address >> 13 & 31) << 4);

    private ulong Next() => _addresses[_next++ & (Accesses - 1)];

    private sealed class Register : IDeviceIo
    {
        public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) => BusStatus.Ok;

        public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => BusStatus.Ok;

        public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data) => BusStatus.Ok;
    }
}
