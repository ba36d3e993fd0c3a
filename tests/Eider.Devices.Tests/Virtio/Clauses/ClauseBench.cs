using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>
/// A device on its bus with memory that is watched, and what every clause asserts: the status, exactly the bytes
/// of guest memory written, the interrupts raised, and that a plain reset makes the device usable.
/// </summary>
internal abstract class ClauseBench : IAsyncDisposable
{
    /// <summary>Status of a device that works.</summary>
    public const DeviceStatus Live = (DeviceStatus)0x0F;

    /// <summary>Status of a device that worked, until the driver broke a rule.</summary>
    public const DeviceStatus Broken = (DeviceStatus)0x4F;

    /// <summary>Status of a driver whose FEATURES_OK was refused.</summary>
    public const DeviceStatus Refused = (DeviceStatus)0x03;

    /// <summary>InterruptStatus without an event, after a used buffer, after a configuration change.</summary>
    public const uint None = 0, Used = 1, Config = 2;

    private WatchedMemory? _memory;
    private int _rises;

    protected ClauseBench(VirtioDevice device, ulong features, VirtioTransportOptions? options, int queues)
    {
        Bench = new VirtioTestBench(device, options, ram => _memory = new WatchedMemory(ram));
        Features = features;
        Queues = queues;
    }

    public VirtioTestBench Bench { get; }

    public WatchedMemory Memory => _memory!;

    /// <summary>What its driver negotiates.</summary>
    public ulong Features { get; }

    public int Queues { get; }

    public RingDriver Ring => Bench.Rings[0];

    public SplitRingDriver Split => (SplitRingDriver)Ring;

    public PackedRingDriver Packed => (PackedRingDriver)Ring;

    public bool IsPacked => Features.Has(VirtioFeature.RingPacked);

    /// <summary>Brings the device up, and watches from here on.</summary>
    public void Start(int queueSize = 8)
    {
        Bench.Start(Features, queueSize, Queues);
        Watch();
    }

    /// <summary>Forgets what happened so far.</summary>
    public void Watch()
    {
        Bench.Acknowledge();
        Memory.Forget();
        _rises = Bench.Line.Rises;
    }

    /// <summary>Where the next buffer of a ring comes back, as long as all before it came back in order.</summary>
    public (ulong Address, ulong Length)[] NextUsed(int queue = 0) => Bench.Rings[queue] switch
    {
        PackedRingDriver packed => [(packed.DescriptorAddress(packed.NextIndex) + 8, 8)],
        SplitRingDriver split =>
            [(split.Layout.DeviceAddress + 2, 2), (split.UsedRing + (8UL * (ulong)(split.AvailableIndex % split.Size)), 8)],
        _ => [],
    };

    /// <summary>Where the device says whether it wants notifications: written by each run of a worker.</summary>
    public (ulong Address, ulong Length) Suppression(int queue = 0) =>
        (Bench.Rings[queue].Layout.DeviceAddress + (IsPacked ? 2UL : 0), 2);

    /// <summary>The verdict, the interrupts, and every byte that the device wrote since <see cref="Watch"/>.</summary>
    public void Expect(DeviceStatus status, uint interrupts, params (ulong Address, ulong Length)[] writes)
    {
        Assert.Equal(status, Bench.Status);
        Assert.Equal(interrupts, Bench.Read(VirtioMmioRegister.InterruptStatus));
        Assert.Equal(interrupts == None ? 0 : 1, Bench.Line.Rises - _rises);
        var expected = writes.SelectMany(range => Enumerable.Range(0, (int)range.Length).Select(i => range.Address + (ulong)i)).ToHashSet();
        Assert.Equal(expected.Order().Select(Hex), Memory.Written.Order().Select(Hex));
        Assert.Equal(0, Bench.Mmio.Faults);
        Assert.Equal(0, Memory.Leases);
    }

    /// <summary>As <see cref="Expect"/>, then resets and uses the device: nothing of what was done is left.</summary>
    public void ExpectAndRecover(DeviceStatus status, uint interrupts, params (ulong Address, ulong Length)[] writes)
    {
        Expect(status, interrupts, writes);
        Recover();
    }

    /// <summary>A plain reset, a plain start, and the device serves.</summary>
    public void Recover()
    {
        Bench.Write(VirtioMmioRegister.Status, 0);
        Assert.Equal(DeviceStatus.None, Bench.Status);
        Assert.False(Bench.Line.Level);
        Bench.FreeAll();
        Start();
        Serve();
        Assert.Equal(Live, Bench.Status);
        Assert.Equal(0, Bench.Mmio.Faults);
    }

    /// <summary>Makes a request and sees it answered.</summary>
    public abstract void Serve();

    public ValueTask DisposeAsync() => Bench.DisposeAsync();

    private static string Hex(ulong address) => $"0x{address:x}";
}
