using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bench;

/// <summary>
/// A device on a bench: no transport and no thread. The test is the driver of its rings and says when the
/// workers run.
/// </summary>
internal sealed class DeviceBench : VirtioDeviceContext, IVirtQueueHost, IDisposable
{
    public const ulong RamBase = 0x8000_0000;

    // Room for a queue of 512 of either kind.
    private const ulong RingBytes = 0x4000;
    private const ulong DriverOffset = 0x2000;
    private const ulong DeviceOffset = 0x2800;

    private readonly VirtioDevice _device;
    private readonly GuestRam _ram;
    private readonly bool _isPacked;
    private readonly int _queueSize;
    private readonly ulong _dataBase;
    private readonly HashSet<int> _woken = [];
    private RingDriver[] _rings = [];
    private VirtQueue?[] _queues = [];
    private Dictionary<(int Queue, int Id), BenchTicket> _tickets = [];
    private ulong _negotiated;
    private ulong _nextData;

    private DeviceBench(VirtioDevice device, VirtioServices services, bool isPacked, int queueSize)
        : base(services, new DeviceStatistics("bench"))
    {
        _device = device;
        _ram = (GuestRam)services.Memory;
        _isPacked = isPacked;
        _queueSize = queueSize;
        _dataBase = RamBase + ((ulong)device.QueueSizes.Count * RingBytes);
        _nextData = _dataBase;
    }

    /// <summary>True: the driver puts each chain into an indirect table.</summary>
    public bool UsesIndirect { get; set; }

    public VirtualTimebase Time { get; private init; } = null!;

    public int ConfigChanges { get; private set; }

    public int Interrupts { get; private set; }

    public List<string> Faults { get; } = [];

    /// <summary>Chains the device has given back, in order.</summary>
    public List<BenchTicket> UsedOrder { get; } = [];

    public GuestRam Ram => _ram;

    public override ulong NegotiatedFeatures => _negotiated;

    public static DeviceBench Create(
        VirtioDevice device, bool isPacked = false, int queueSize = 256, int ramBytes = 16 << 20, ITraceSink? trace = null)
    {
        var time = new VirtualTimebase();
        var services = new VirtioServices
        {
            Memory = new GuestRam((RamBase, (ulong)ramBytes)),
            Executor = new ManualExecutor(),
            Timebase = time,
            Random = new SeededRandomSource(1),
            Trace = trace,
            TraceCategories = trace is null ? TraceCategory.None : TraceCategory.Block,
        };
        var bench = new DeviceBench(device, services, isPacked, queueSize) { Time = time };
        device.Attach(bench);
        return bench;
    }

    /// <summary>Starts a driver that takes the offered bits but for the ones refused.</summary>
    public void Start(ulong refused = 0)
    {
        _negotiated = (_device.Features & ~refused) | VirtioFeature.Version1.Mask() | VirtioFeature.EventIdx.Mask()
            | VirtioFeature.IndirectDesc.Mask() | (_isPacked ? VirtioFeature.RingPacked.Mask() : 0);
        _device.Ready(_negotiated);
        _rings = new RingDriver[_device.QueueSizes.Count];
        _queues = new VirtQueue[_rings.Length];
        for (var i = 0; i < _rings.Length; i++)
        {
            var size = Math.Min(_queueSize, _device.QueueSizes[i]);
            var address = RamBase + ((ulong)i * RingBytes);
            var layout = new VirtQueueSettings
            {
                Index = i,
                Size = size,
                Features = _negotiated,
                DescriptorAddress = address,
                DriverAddress = address + DriverOffset,
                DeviceAddress = address + DeviceOffset,
            };
            _rings[i] = RingDriver.Create(_ram, layout);
            _queues[i] = VirtQueue.Create(layout, _ram, this);
            _device.QueueReady(i, _queues[i]!);
        }
    }

    /// <summary>A buffer in guest memory.</summary>
    public DriverBuffer Allocate(int lengthBytes, bool isWritable, ReadOnlySpan<byte> content = default)
    {
        var address = _nextData;
        _nextData += ((ulong)lengthBytes + 15) & ~15UL;
        Assert.True(_ram.Contains(address, (ulong)lengthBytes), "the bench's RAM is used up");
        Assert.True(content.IsEmpty || _ram.TryWrite(address, content));
        return new DriverBuffer(address, (uint)lengthBytes, isWritable);
    }

    /// <summary>Forgets all buffers; nothing may be in flight.</summary>
    public void FreeBuffers() => _nextData = _dataBase;

    public DriverBuffer Readable(ReadOnlySpan<byte> content) => Allocate(content.Length, false, content);

    public DriverBuffer Writable(int lengthBytes, byte fill = 0xcc)
    {
        var bytes = new byte[lengthBytes];
        bytes.AsSpan().Fill(fill);
        return Allocate(lengthBytes, true, bytes);
    }

    public byte[] Read(DriverBuffer buffer)
    {
        var bytes = new byte[buffer.LengthBytes];
        Assert.True(_ram.TryRead(buffer.Address, bytes));
        return bytes;
    }

    public BenchTicket Submit(int queue, params DriverBuffer[] buffers)
    {
        var ticket = new BenchTicket(buffers);
        var table = UsesIndirect ? Allocate(16 * buffers.Length, false).Address : 0;
        _tickets[(queue, _rings[queue].Add(buffers, table))] = ticket;
        Wake(queue);
        return ticket;
    }

    public BenchTicket SubmitAndRun(int queue, params DriverBuffer[] buffers)
    {
        var ticket = Submit(queue, buffers);
        Run();
        return ticket;
    }

    /// <summary>Runs workers until none has anything to do; then the driver looks at the used rings.</summary>
    /// <param name="limit">Most runs: a worker that spins is a fault.</param>
    public void Run(int limit = 100_000)
    {
        while (TryTakeWoken(out var index))
        {
            Assert.True(limit-- > 0, $"queue {index} keeps running");
            RunQueue(index);
        }

        CollectUsed();
    }

    /// <summary>One run of the worker of a queue.</summary>
    public void RunQueue(int index)
    {
        if (index < _queues.Length && _queues[index] is { } queue)
        {
            queue.BeginRun();
            _device.ProcessQueue(index, queue);
            queue.Flush();
            if (queue.HasUsedShare)
            {
                Wake(index);
            }
        }
    }

    public VirtQueue Queue(int index) => _queues[index]!;

    /// <summary>The driver resets the device: begins it; true once all that was in flight has ended.</summary>
    public void BeginReset()
    {
        for (var i = 0; i < _queues.Length; i++)
        {
            if (_queues[i] is { } queue)
            {
                queue.Stop();
                _device.QueueStopping(i, queue);
            }
        }
    }

    public bool TryEndReset()
    {
        foreach (var queue in _queues)
        {
            queue?.BeginRun();
            if (queue is { PendingCount: > 0 })
            {
                return false;
            }
        }

        foreach (var queue in _queues)
        {
            queue?.Dispose();
        }

        _queues = [];
        _rings = [];
        _tickets = [];
        _negotiated = 0;
        _device.Reset();
        return true;
    }

    public override void Wake(int queueIndex)
    {
        lock (_woken)
        {
            _woken.Add(queueIndex);
        }
    }

    public override void ConfigChanged(Action? change = null)
    {
        change?.Invoke();
        ConfigChanges++;
    }

    public override void NeedsReset(string reason) => Faults.Add(reason);

    public void Interrupt(VirtQueue queue) => Interrupts++;

    public void QueueFailed(VirtQueue queue, QueueFault fault) => Faults.Add(fault.ToString());

    public void WakeWorker(VirtQueue queue) => Wake(queue.Index);

    public void Dispose()
    {
        _device.Close();
        foreach (var queue in _queues)
        {
            queue?.Dispose();
        }

        _ram.Dispose();
    }

    private void CollectUsed()
    {
        for (var i = 0; i < _rings.Length; i++)
        {
            while (_rings[i].TryGetUsed(out var used))
            {
                Assert.True(_tickets.Remove((i, used.Id), out var ticket), $"queue {i}: chain {used.Id} was used twice");
                ticket.UsedBytes = used.WrittenBytes;
                UsedOrder.Add(ticket);
            }
        }
    }

    private bool TryTakeWoken(out int index)
    {
        lock (_woken)
        {
            index = _woken.Count > 0 ? _woken.Min() : -1;
            return _woken.Remove(index);
        }
    }
}
