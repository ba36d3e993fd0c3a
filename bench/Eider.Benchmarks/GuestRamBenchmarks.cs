using BenchmarkDotNet.Attributes;
using Eider.Hardware.Memory;

namespace Eider.Benchmarks;

/// <summary>What a virtqueue does to guest memory: a descriptor, an index, a buffer.</summary>
[MemoryDiagnoser]
[MinColumn]
public class GuestRamBenchmarks : IDisposable
{
    private const ulong Base = 0x8000_0000;
    private readonly GuestRam _ram = new((Base, 64 << 20), (0x1_0000_0000, 64 << 20));
    private readonly byte[] _descriptor = new byte[16];
    private readonly byte[] _block = new byte[4096];
    private ulong _offset;

    /// <summary>Touches what is used.</summary>
    [GlobalSetup]
    public void Setup()
    {
        for (var offset = 0UL; offset < 64 << 20; offset += 4096)
        {
            _ram.TryWrite(Base + offset, _descriptor);
        }
    }

    /// <summary>Unmaps the memory.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _ram.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>16 bytes out.</summary>
    [Benchmark]
    public bool ReadDescriptor() => _ram.TryRead(Next(), _descriptor);

    /// <summary>16 bytes in, with the look after watched pages.</summary>
    [Benchmark]
    public bool WriteDescriptor() => _ram.TryWrite(Next(), _descriptor);

    /// <summary>4 KiB out.</summary>
    [Benchmark]
    public bool ReadBlock() => _ram.TryRead(Next(), _block);

    /// <summary>An index of the driver.</summary>
    [Benchmark]
    public ushort ReadIndex() => _ram.TryReadUInt16Acquire(Next(), out var value) ? value : (ushort)0;

    /// <summary>An index of the device.</summary>
    [Benchmark]
    public bool WriteIndex() => _ram.TryWriteUInt16Release(Next(), 1);

    /// <summary>4 KiB lent and given back.</summary>
    [Benchmark]
    public int Lease()
    {
        if (!_ram.TryLease(Next(), 4096, GuestMemoryAccess.Write, out var lease))
        {
            return 0;
        }

        var length = lease.Memory.Length;
        lease.Release(length);
        return length;
    }

    private ulong Next()
    {
        _offset = (_offset + 0x5010) & 0x1FF_FFF0;
        return Base + _offset;
    }
}
