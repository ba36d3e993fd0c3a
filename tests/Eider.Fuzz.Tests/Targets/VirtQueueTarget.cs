using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// A virtqueue alone: rings with chains of any shape, spoiled at times, and a device that takes, reads, writes, lends and completes
/// in any order. Completed: a chain was taken, all of it read and written, and the driver got it back.
/// </summary>
public abstract class VirtQueueTarget : FuzzTarget, IVirtQueueHost
{
    private const int MaxSteps = 16;

    private readonly FuzzGuest _guest = new();
    private readonly FuzzRing _ring;
    private readonly FuzzBuffer[] _chain = new FuzzBuffer[FuzzRing.MaxSize];
    private readonly List<DescriptorChain> _held = [];
    private readonly byte[] _scratch = new byte[FuzzGuest.RamBytes * 2];
    private FuzzInput _input = null!;
    private VirtQueue _queue = null!;
    private bool _strict;
    private int _faults;
    private int _served;

    /// <summary>Makes the ring.</summary>
    protected VirtQueueTarget() => _ring = new FuzzRing(_guest, 0);

    /// <inheritdoc/>
    public override bool IsDevice => true;

    /// <inheritdoc/>
    public override long MaxAllocatedBytes => 128 << 10;

    /// <summary>True for packed rings.</summary>
    protected abstract bool IsPacked { get; }

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Begin(input);
        AddChain();
        for (var steps = input.Below(MaxSteps); steps > 0; steps--)
        {
            Step();
        }

        _queue.BeginRun();
        Serve(FuzzRing.MaxSize);
        while (_held.Count > 0)
        {
            Complete(_held.Count - 1);
        }

        _queue.Flush();
        _ring.TakeUsed(_strict);
        FuzzException.Unless(!_strict || _faults == 0, $"a ring that is right is refused: {_queue.Fault}");
        FuzzException.Unless(!_strict || _ring.Returned == _ring.Added, "a chain that is right never comes back");
        FuzzException.Unless(_faults == (_queue.Fault == QueueFault.None ? 0 : 1), "a fault is told once");
        var completed = _served > 0 && _ring.Returned > 0;
        End();
        return completed;
    }

    void IVirtQueueHost.Interrupt(VirtQueue queue) => _input.Saw("interrupt");

    void IVirtQueueHost.QueueFailed(VirtQueue queue, QueueFault fault)
    {
        _faults++;
        _input.Saw(fault.ToString());
    }

    void IVirtQueueHost.WakeWorker(VirtQueue queue) => _input.Saw("woken");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _guest.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Begin(FuzzInput input)
    {
        (_input, _strict, _faults, _served) = (input, true, 0, 0);
        _held.Clear();
        _guest.Clear();
        _guest.Memory.IsPacked = IsPacked;
        _guest.Memory.MaxReads = 64 * FuzzRing.MaxSize * MaxSteps;
        var size = FuzzRing.MaxSize >> (input.OneIn(4) ? input.Below(6) : 0);
        size -= IsPacked ? input.Below(size) : 0;
        _ring.SetUp(size, IsPacked);
        var settings = new VirtQueueSettings
        {
            Size = size,
            Features = VirtioFeature.Version1.Mask() | (IsPacked ? VirtioFeature.RingPacked.Mask() : 0)
                | (input.OneIn(4) ? 0 : VirtioFeature.IndirectDesc.Mask())
                | (input.OneIn(2) ? VirtioFeature.EventIdx.Mask() : 0)
                | (input.OneIn(4) ? VirtioFeature.InOrder.Mask() : 0),
            DescriptorAddress = _ring.DescriptorAddress,
            DriverAddress = _ring.DriverAddress,
            DeviceAddress = _ring.DeviceAddress,
        };
        var (descriptors, _, device) = settings.PartSizes;
        _guest.Memory.Allow(settings.DeviceAddress, device);
        _guest.Memory.Allow(settings.DescriptorAddress, IsPacked ? descriptors : 0);
        TryElsewhere(settings);
        _queue = VirtQueue.Create(settings, _guest.Memory, this);
        _queue.BeginRun();
    }

    /// <summary>Where a ring may not lie, none can be made.</summary>
    private void TryElsewhere(VirtQueueSettings settings)
    {
        if (!_input.OneIn(32))
        {
            return;
        }

        var elsewhere = settings with { DescriptorAddress = FuzzGuest.EdgeAddress(_input), Size = (int)(_input.Edge(FuzzRing.MaxSize) & int.MaxValue) };
        if (elsewhere.IsUsable(_guest.Memory))
        {
            using var queue = VirtQueue.Create(elsewhere, _guest.Memory, this);
            _input.Saw("another place");
        }
    }

    private void Step()
    {
        switch (_input.Below(16))
        {
            case < 6:
                AddChain();
                break;
            case < 9:
                Serve(1 + _input.Below(4));
                break;
            case 9:
                Take();
                break;
            case 10 when _held.Count > 0:
                Complete(_input.Below(_held.Count));
                break;
            case 11:
                _queue.DisableNotifications();
                break;
            case 12:
                _queue.EnableNotifications();
                break;
            case 13:
                _queue.Flush();
                _ring.TakeUsed(_strict);
                break;
            case 14:
                _queue.BeginRun();
                break;
            case 15:
                _strict = false;
                _guest.Spoil(_input, _ring);
                break;
        }
    }

    private void AddChain()
    {
        var count = 1 + _input.Below(_input.OneIn(8) ? _ring.Size : Math.Min(5, _ring.Size));
        var readable = _input.Below(count + 1);
        for (var i = 0; i < count; i++)
        {
            var length = _input.OneIn(8) ? _input.Below(4) : 16 << _input.Below(6);
            length = _guest.HasRoom(length) ? length : 0;
            _chain[i] = new FuzzBuffer(_guest.Allocate(length), (uint)length, i >= readable);
            if (i < readable)
            {
                _input.Fill(_guest.At(_chain[i].Address, length));
            }
        }

        var allowed = _queue.Settings.Features.Has(VirtioFeature.IndirectDesc);
        var indirect = _input.OneIn(allowed ? 4 : 32);
        _strict &= !indirect || allowed;
        if (_input.OneIn(32))
        {
            _strict = false;
            var at = _input.Below(count);
            _chain[at] = _input.OneIn(2)
                ? _chain[at] with { Address = FuzzGuest.EdgeAddress(_input) }
                : _chain[at] with { LengthBytes = unchecked((uint)_input.Edge(FuzzGuest.RamBytes)) };
        }

        _ring.TryAdd(_chain.AsSpan(0, count), indirect);
    }

    private DescriptorChain? Take()
    {
        if (!_queue.TryTake(out var chain))
        {
            return null;
        }

        FuzzException.Unless(_held.Count < _ring.Size, "more chains are in flight than the ring holds");
        _held.Add(chain);
        return chain;
    }

    private void Serve(int most)
    {
        for (var i = 0; i < most && Take() is { } chain; i++)
        {
            Serve(chain);
            if (_input.OneIn(4))
            {
                _input.Saw("held");
                continue;
            }

            Complete(_held.Count - 1);
        }
    }

    /// <summary>Reads all of a chain and writes all of it, by copies or by lease.</summary>
    private void Serve(DescriptorChain chain)
    {
        var moved = true;
        if (chain.ReadableBytes > 0)
        {
            moved = _input.OneIn(2)
                ? chain.TryLeaseReadable(0, chain.ReadableBytes, out _)
                : chain.ReadableBytes > (ulong)_scratch.Length || chain.Reader.Read(_scratch) == (int)chain.ReadableBytes;
        }

        if (chain.WritableBytes > 0 && moved)
        {
            // One lease at a time: what was lent out to read is copied instead.
            moved = chain.TryLeaseWritable(0, chain.WritableBytes, out _)
                || chain.WritableBytes > (ulong)_scratch.Length
                || chain.Writer.Write(_scratch.AsSpan(0, (int)chain.WritableBytes)) == (int)chain.WritableBytes;
        }

        FuzzException.Unless(moved || !_queue.IsRunning, "a chain was taken that cannot be read or written");
        _served += moved && chain.ReadableBytes + chain.WritableBytes > 0 ? 1 : 0;
    }

    private void Complete(int index)
    {
        var chain = _held[index];
        _held.RemoveAt(index);
        var written = (uint)Math.Min(chain.WritableBytes, uint.MaxValue);
        if (_input.OneIn(4))
        {
            _queue.PostCompletion(chain, written);
            _queue.BeginRun();
        }
        else
        {
            _queue.Complete(chain, written);
        }
    }

    private void End()
    {
        _queue.Stop();
        _guest.Memory.AllowNothing();
        FuzzException.Unless(!_queue.TryTake(out _), "a stopped queue gives chains out");
        _queue.Flush();
        _queue.Dispose();
        FuzzException.Unless(_guest.Memory.Leases == 0, $"{_guest.Memory.Leases} leases never came back");
        FuzzException.Unless(_queue.InFlightCount == 0, "chains are in flight after all were completed");
        if (_guest.Memory.Violation is { } violation)
        {
            throw new FuzzException(violation);
        }
    }
}
