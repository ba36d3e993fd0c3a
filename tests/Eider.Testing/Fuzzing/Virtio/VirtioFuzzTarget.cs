using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;

namespace Eider.Testing.Fuzzing.Virtio;

/// <summary>
/// A virtio device behind its registers and rings: a driver that mostly does what is right, with requests that the
/// derived class makes, and now and then spoils a ring, a register, a feature, or resets in the middle.
/// </summary>
public abstract class VirtioFuzzTarget : FuzzTarget
{
    private const int MaxSteps = 12;

    private readonly FuzzBuffer[] _chain = new FuzzBuffer[FuzzRing.MaxSize];
    private VirtioFuzzBench? _bench;
    private int _length;
    private int _usable;
    private bool _strict;

    /// <inheritdoc/>
    public override bool IsDevice => true;

    /// <inheritdoc/>
    public override long MaxAllocatedBytes => 256 << 10;

    /// <summary>The bench with the device.</summary>
    protected VirtioFuzzBench Bench => _bench ??= MakeBench();

    /// <summary>True if every request that is right comes back once the workers are at rest.</summary>
    protected virtual bool CompletesAll => true;

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Bench.Begin();
        BeginCase(input);
        Start(input);
        AddRequest(input, input.Below(_usable));
        for (var steps = input.Below(MaxSteps); steps > 0; steps--)
        {
            Step(input);
            Bench.Check();
        }

        for (var i = 0; i < Bench.QueueCount; i++)
        {
            Bench.Notify(i);
        }

        Bench.Settle();
        TakeUsed();
        var status = Bench.Status;
        Note(input, status);
        Observe(input);
        if (_strict && CompletesAll && status.HasFlag(DeviceStatus.DriverOk) && !status.HasFlag(DeviceStatus.NeedsReset))
        {
            FuzzException.Unless(
                Bench.Rings.All(ring => ring.Returned == ring.Added || ring.Index >= _usable), "a request that is right never comes back");
        }

        var completed = IsCompleted();
        Bench.End();
        if (input.OneIn(8) || status.HasFlag(DeviceStatus.NeedsReset))
        {
            CheckUsable(input);
        }

        return completed;
    }

    /// <summary>Makes the bench.</summary>
    protected abstract VirtioFuzzBench MakeBench();

    /// <summary>Puts the back end into its first state.</summary>
    protected virtual void BeginCase(FuzzInput input)
    {
    }

    /// <summary>Queues that the device serves with the features that the driver accepted; they are the first ones.</summary>
    protected virtual int CountUsableQueues(ulong features) => Bench.QueueCount;

    /// <summary>Adds the buffers of one request for a queue by <see cref="AddBuffer"/>; mostly right, at times not.</summary>
    protected abstract void MakeRequest(FuzzInput input, int queue);

    /// <summary>Something happens at the host's end.</summary>
    protected virtual void HostStep(FuzzInput input)
    {
    }

    /// <summary>Notes what the answers of the device were.</summary>
    protected virtual void Observe(FuzzInput input)
    {
    }

    /// <summary>True if the back end did what a request of this case asked for, and its answer came back.</summary>
    protected abstract bool IsCompleted();

    /// <summary>Adds a buffer to the request that is being made.</summary>
    /// <returns>Its bytes, zero.</returns>
    protected Span<byte> AddBuffer(int lengthBytes, bool isWritable)
    {
        if (_length == _chain.Length || !Bench.Guest.HasRoom(lengthBytes))
        {
            return [];
        }

        var address = Bench.Guest.Allocate(lengthBytes);
        _chain[_length++] = new FuzzBuffer(address, (uint)lengthBytes, isWritable);
        return Bench.Guest.At(address, lengthBytes);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _bench?.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Start(FuzzInput input)
    {
        var offered = Bench.Mmio.OfferedFeatures;
        _strict = true;
        var features = input.Below(4) switch
        {
            0 => offered & ~VirtioFeature.RingPacked.Mask() & ~VirtioFeature.InOrder.Mask(),
            1 => offered & ~VirtioFeature.InOrder.Mask(),
            2 => (offered & input.EightBytes()) | VirtioFeature.Version1.Mask(),
            _ => input.OneIn(16) ? input.EightBytes() : offered,
        };
        var size = FuzzRing.MaxSize >> (input.OneIn(8) ? input.Below(6) : input.Below(3));
        size -= features.Has(VirtioFeature.RingPacked) ? input.Below(size) / 2 : 0;
        _usable = CountUsableQueues(features);
        if (!Bench.Start(features, size))
        {
            input.Saw("features refused");
        }
    }

    private void Step(FuzzInput input)
    {
        var queue = input.Below(Bench.QueueCount);
        switch (input.Below(24))
        {
            case < 11:
                AddRequest(input, queue);
                break;
            case < 15:
                Bench.Notify(queue);
                break;
            case < 18:
                TakeUsed();
                break;
            case < 21:
                HostStep(input);
                break;
            case 21:
                _strict = false;
                Bench.Guest.Spoil(input, Bench.Rings[queue]);
                break;
            case 22:
                AccessRegister(input, queue);
                break;
            default:
                Restart(input, queue);
                break;
        }
    }

    private void AddRequest(FuzzInput input, int queue)
    {
        _length = 0;
        MakeRequest(input, queue);
        if (input.OneIn(16) && _length > 0)
        {
            _strict = false;
            var at = input.Below(_length);
            _chain[at] = input.Below(4) switch
            {
                0 => _chain[at] with { IsWritable = !_chain[at].IsWritable },
                1 => _chain[at] with { Address = FuzzGuest.EdgeAddress(input) },
                2 => _chain[at] with { LengthBytes = unchecked((uint)input.Edge(_chain[at].LengthBytes)) },
                _ => _chain[input.Below(_length)],
            };
        }

        // The guest takes a feature that was not agreed on for granted once in a while.
        Bench.Rings[queue].TryAdd(_chain.AsSpan(0, _length), indirect: input.OneIn(3));
        if (input.OneIn(2))
        {
            Bench.Notify(queue);
        }
    }

    /// <summary>Accesses a register, or what is none, in any width, with a value that may mean something there.</summary>
    protected void AccessRegister(FuzzInput input, int queue)
    {
        ArgumentNullException.ThrowIfNull(input);
        _strict = false;
        Span<byte> data = stackalloc byte[8];
        var register = (ulong)input.Below(0x120 / 4) * 4;
        var value = input.Below(3) == 0 ? (ulong)queue : input.Edge(16);
        BitConverter.TryWriteBytes(data, value);
        var width = input.OneIn(8) ? 1 + input.Below(8) : 4;
        var odd = input.OneIn(16) ? (ulong)input.Below(4) : 0;
        Bench.Access(register + odd, data[..width], input.OneIn(2));
    }

    private void Restart(FuzzInput input, int queue)
    {
        if (input.OneIn(2))
        {
            Bench.Write(VirtioMmioRegister.QueueSel, (uint)queue);
            Bench.Write(input.OneIn(2) ? VirtioMmioRegister.QueueReady : VirtioMmioRegister.QueueReset, (uint)input.Below(2));
            Bench.Run();
            Bench.Rings[queue].SetUp(0, packed: false);
            return;
        }

        Bench.Write(VirtioMmioRegister.Status, 0);
        foreach (var ring in Bench.Rings)
        {
            ring.SetUp(0, packed: false);
        }

        Start(input);
    }

    private void TakeUsed()
    {
        foreach (var ring in Bench.Rings)
        {
            ring.TakeUsed(_strict);
        }
    }

    private void Note(FuzzInput input, DeviceStatus status)
    {
        input.Saw(status.HasFlag(DeviceStatus.NeedsReset) ? "needs reset" : status.HasFlag(DeviceStatus.DriverOk) ? "up" : "down");
        if (Bench.Rings.Any(ring => ring.Returned > 0))
        {
            input.Saw(Bench.Guest.Memory.IsPacked ? "packed" : "split");
        }
    }

    /// <summary>After whatever came before, a plain driver gets a plain request done.</summary>
    private void CheckUsable(FuzzInput input)
    {
        Bench.Begin();
        BeginCase(input);
        FuzzException.Unless(
            Bench.Start(Bench.Mmio.OfferedFeatures & ~VirtioFeature.InOrder.Mask() & ~VirtioFeature.RingPacked.Mask(), 16),
            "after a reset the device refuses its own features");
        FuzzException.Unless(TryPlainRequest(), "after a reset a plain request is not answered");
        Bench.End();
    }

    /// <summary>Makes a plain request on a device that is up, and looks at the answer.</summary>
    /// <returns>True if it is right.</returns>
    protected abstract bool TryPlainRequest();

    /// <summary>Makes a request available and runs the workers.</summary>
    /// <returns>True if it came back.</returns>
    protected bool TryComplete(int queue, params ReadOnlySpan<FuzzBuffer> buffers)
    {
        var ring = Bench.Rings[queue];
        if (!ring.TryAdd(buffers, indirect: false))
        {
            return false;
        }

        Bench.Notify(queue);
        Bench.Settle();
        ring.TakeUsed(strict: true);
        return ring.Returned == ring.Added;
    }
}
