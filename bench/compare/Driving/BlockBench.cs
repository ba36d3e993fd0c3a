using System.Buffers.Binary;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;
using Eider.Hardware.Resources;
using Eider.Hardware.Time;
using Eider.Storage.Backends;

namespace Eider.Compare.Driving;

/// <summary>
/// A virtio disk over memory on a bus, and a driver that works on its registers and its ring as Linux does (with
/// EVENT_IDX): no engine. With workers by hand everything runs on the caller's thread.
/// </summary>
internal sealed class BlockBench : IAsyncDisposable
{
    private const ulong Place = 0xD000_0000;
    private const int DiskBytes = 64 << 20;

    private readonly GuestRam _ram = new((0x8000_0000UL, 16UL << 20));
    private readonly IoManager _bus = new();
    private readonly ManualExecutor? _workers;
    private readonly VirtioMmioDevice _device;
    private readonly MemoryStorage _storage;
    private readonly Line _line = new();
    private readonly RawRing _ring;
    private readonly byte[] _register = new byte[4];
    private readonly ulong[] _sectors = new ulong[4096];
    private int _next;

    /// <summary>Brings the disk up.</summary>
    /// <param name="isPacked">Kind of ring.</param>
    /// <param name="workers">Runs the queue's worker; null for a thread of its own.</param>
    public BlockBench(bool isPacked, ManualExecutor? workers)
    {
        _workers = workers;
        _storage = new MemoryStorage(new byte[DiskBytes].AsMemory());
        var services = new VirtioServices
        {
            Memory = _ram,
            Executor = (IExecutor?)workers ?? new ThreadExecutor(failure => throw failure),
            Timebase = new HostTimebase(TimeProvider.System),
            Random = new SeededRandomSource(1),
        };
        _device = new VirtioMmioDevice(new BlockDevice { Storage = _storage }.Build(), services, _line, "disk");
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(Place, 0x1000)));
        _ring = isPacked ? new PackedRawRing(_ram) : new SplitRawRing(_ram);
        var random = new Random(1);
        for (var i = 0; i < _sectors.Length; i++)
        {
            _sectors[i] = (ulong)random.Next(DiskBytes / RawRing.DataBytes) * (RawRing.DataBytes / BlockLimits.SectorBytes);
        }

        Start(VirtioFeature.Version1.Mask() | VirtioFeature.EventIdx.Mask() | (isPacked ? VirtioFeature.RingPacked.Mask() : 0));
    }

    /// <summary>Reads 4 KiB so many times at random, in batches: one notification and one interrupt each.</summary>
    public void Run(int batch, int batches)
    {
        for (var i = 0; i < batches; i++)
        {
            _next = _next + batch > _sectors.Length ? 0 : _next;
            _ring.Add(_sectors.AsSpan(_next, batch));
            _next += batch;
            Write(VirtioMmioRegister.QueueNotify, 0);
            Wait(batch);
            Write(VirtioMmioRegister.InterruptAck, Read(VirtioMmioRegister.InterruptStatus));
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        var closing = _device.DisposeAsync().AsTask();
        while (!closing.IsCompleted)
        {
            _workers?.RunPending();
            await Task.Yield();
        }

        await closing;
        await _storage.DisposeAsync();
        _ram.Dispose();
    }

    private void Wait(int batch)
    {
        if (_workers is not null)
        {
            _workers.RunPending();
        }
        else
        {
            _line.Raised.WaitOne();
        }

        while (!_ring.TryTake(batch))
        {
            Thread.SpinWait(1); // the interrupt of the first used buffer; the others are on their way
        }
    }

    // Virtio 1.3, 3.1.1 and 4.2.3.2.
    private void Start(ulong features)
    {
        Write(VirtioMmioRegister.Status, 0);
        Write(VirtioMmioRegister.Status, 3);
        for (var word = 0U; word < 2; word++)
        {
            Write(VirtioMmioRegister.DriverFeaturesSel, word);
            Write(VirtioMmioRegister.DriverFeatures, (uint)(features >> (int)(32 * word) & uint.MaxValue));
        }

        Write(VirtioMmioRegister.Status, 11);
        Write(VirtioMmioRegister.QueueSel, 0);
        Write(VirtioMmioRegister.QueueSize, RawRing.Size);
        Write(VirtioMmioRegister.QueueDescLow, (uint)RawRing.DescriptorAddress);
        Write(VirtioMmioRegister.QueueDriverLow, (uint)RawRing.DriverAddress);
        Write(VirtioMmioRegister.QueueDeviceLow, (uint)RawRing.DeviceAddress);
        Write(VirtioMmioRegister.QueueReady, 1);
        Write(VirtioMmioRegister.Status, 15);
        _workers?.RunPending();
        if (Read(VirtioMmioRegister.Status) != 15)
        {
            throw new InvalidOperationException("the disk did not come up");
        }
    }

    private uint Read(VirtioMmioRegister register)
    {
        _bus.MmioRead(Place + (ulong)register, _register);
        return BinaryPrimitives.ReadUInt32LittleEndian(_register);
    }

    private void Write(VirtioMmioRegister register, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_register, value);
        if (_bus.MmioWrite(Place + (ulong)register, _register).Pending is { } pending)
        {
            while (!pending.IsCompleted)
            {
                _workers?.RunPending();
                Thread.Yield();
            }
        }
    }

    private sealed class Line : IInterruptLine
    {
        public AutoResetEvent Raised { get; } = new(initialState: false);

        public void SetLevel(bool level)
        {
            if (level)
            {
                Raised.Set();
            }
        }
    }
}
