using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Eider.Devices.BlockIo;
using Eider.Hardware.Bus;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Storage.Backends;

namespace Eider.Benchmarks;

/// <summary>Commands and words of a BIO, from the registers to memory and back on one thread.</summary>
[MemoryDiagnoser]
[MinColumn]
public class BioBenchmarks : IDisposable
{
    private const ulong RamBase = 0x8000_0000;
    private const int Words = 4096 / BioLimits.WordBytes;

    private readonly ManualExecutor _workers = new();
    private readonly byte[] _word = new byte[BioLimits.WordBytes];
    private GuestRam _ram = null!;
    private BioDevice _device = null!;

    /// <summary>A disk in memory.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _ram = new GuestRam((RamBase, 1 << 20));
        _device = new BioDevice(
            new BioOptions { Storages = [new BioDisk(1, new MemoryStorage(1 << 20))] }, new BioServices { Memory = _ram, Executor = _workers });
    }

    /// <summary>Nothing is under way then.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _device.DisposeAsync().AsTask().Wait();
        _ram.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads 4 KiB by DMA.</summary>
    [Benchmark]
    public void ReadDma() => Command(BioStatus.Dma | BioStatus.Read);

    /// <summary>Writes 4 KiB by DMA.</summary>
    [Benchmark]
    public void WriteDma() => Command(BioStatus.Dma | BioStatus.Write);

    /// <summary>Reads 4 KiB word by word; the time is that of a word.</summary>
    [Benchmark(OperationsPerInvoke = Words)]
    public void ReadWords()
    {
        Command(BioStatus.Read);
        for (var i = 0; i < Words; i++)
        {
            _device.Read(new IoAddress(0), new IoAddress((ulong)BioRegister.Data), _word);
        }
    }

    private void Command(BioStatus command)
    {
        Write(BioRegister.Status, (uint)BioStatus.SoftReset);
        Write(BioRegister.Sid, 1);
        Write(BioRegister.Count, 4096 / BioLimits.BlockBytes);
        Write(BioRegister.Address, (uint)RamBase);
        Write(BioRegister.Status, (uint)command);
    }

    private void Write(BioRegister register, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_word, value);
        var result = _device.Write(new IoAddress(0), new IoAddress((ulong)register), _word);
        if (result.Pending is { } pending)
        {
            _workers.RunPending();
            pending.TakeValue();
        }
    }
}
