using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// The virtio-pci transport (virtio 1.3, 4.1): any field of the common configuration in any width, any offset of both regions, accesses through
/// configuration space, vectors, masks, bus master on and off, resets, around a driver that otherwise does what is right. Completed: the
/// device behind it answered a request, and the driver got it back.
/// </summary>
public sealed class VirtioPciTarget : FuzzTarget
{
    private const int MaxSteps = 12;
    private const int Queues = 2;

    private readonly VirtioPciFuzzBench _bench = new();
    private readonly FuzzBuffer[] _chain = new FuzzBuffer[4];

    /// <inheritdoc/>
    public override string Name => "virtio-pci";

    /// <inheritdoc/>
    public override bool IsDevice => true;

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _bench.Begin();
        Start(input);
        AddRequest(input, input.Below(Queues));
        for (var steps = input.Below(MaxSteps); steps > 0; steps--)
        {
            Step(input);
            _bench.Check();
        }

        _bench.Place();
        for (var queue = 0; queue < Queues; queue++)
        {
            _bench.Notify(queue);
        }

        TakeUsed();
        input.Saw(_bench.Status.HasFlag(DeviceStatus.NeedsReset) ? "needs reset" : _bench.Status.HasFlag(DeviceStatus.DriverOk) ? "up" : "down");
        input.Saw(_bench.Messages > 0 ? "messages" : _bench.IsWireHigh ? "wire" : "silent");
        var completed = _bench.Device.Answered > 0 && _bench.Rings.Any(ring => ring.Returned > 0);
        _bench.End();
        if (input.OneIn(8))
        {
            CheckUsable();
        }

        return completed;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _bench.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Start(FuzzInput input)
    {
        var offered = _bench.Transport.OfferedFeatures & ~VirtioFeature.InOrder.Mask();
        var features = input.Below(4) switch
        {
            0 => offered & ~VirtioFeature.RingPacked.Mask(),
            1 => offered,
            2 => offered & ~VirtioFeature.NotificationData.Mask() & ~VirtioFeature.NotifConfigData.Mask(),
            _ => (offered & input.EightBytes()) | VirtioFeature.Version1.Mask(),
        };
        _bench.ControlMessages(input.Pick<uint>([0, 0x8000, 0xC000]));
        if (!_bench.Start(features, FuzzRing.MaxSize >> input.Below(3), vector: input.OneIn(2) ? 1U : 0))
        {
            input.Saw("features refused");
        }
    }

    private void Step(FuzzInput input)
    {
        var queue = input.Below(Queues);
        switch (input.Below(16))
        {
            case < 5:
                AddRequest(input, queue);
                break;
            case 5:
                _bench.Notify(queue);
                break;
            case 6:
                TakeUsed();
                break;
            case < 10:
                AccessCommon(input);
                break;
            case 10:
                AccessRegion(input);
                break;
            case 11:
                AccessThroughConfiguration(input);
                break;
            case 12:
                _bench.SetBusMaster(input.OneIn(2));
                break;
            case 13:
                _bench.ControlMessages(input.Pick<uint>([0x8000, 0, 0xC000, 0x4000]));
                _bench.MaskVector((uint)input.Below(4), input.OneIn(2));
                break;
            case 14:
                _bench.Device.Change();
                break;
            default:
                Restart(input, queue);
                break;
        }
    }

    private void AddRequest(FuzzInput input, int queue)
    {
        var length = 0;
        for (var i = 1 + input.Below(3); i > 0; i--)
        {
            var isWritable = length > 0 && input.OneIn(2);
            var bytes = input.Below(80);
            if (_bench.Guest.HasRoom(bytes))
            {
                var address = _bench.Guest.Allocate(bytes);
                input.Fill(_bench.Guest.At(address, bytes));
                _chain[length++] = new FuzzBuffer(address, (uint)bytes, isWritable);
            }
        }

        _bench.Rings[queue].TryAdd(_chain.AsSpan(0, length), indirect: input.OneIn(3));
        if (input.OneIn(2))
        {
            _bench.Notify(queue);
        }
    }

    // Fields by their own width mostly, with values that mean something in one of them.
    private void AccessCommon(FuzzInput input)
    {
        Span<byte> data = stackalloc byte[8];
        var offset = (ulong)input.Below((int)VirtioPciFuzzBench.CommonBytes + 8);
        BitConverter.TryWriteBytes(data, input.OneIn(2) ? (ulong)input.Below(4) : input.OneIn(2) ? FuzzGuest.EdgeAddress(input) : input.Edge(64));
        _bench.Access(VirtioPciFuzzBench.Registers + offset, data[..input.Pick<int>([2, 4, 1, 8])], isWrite: !input.OneIn(3));
    }

    private void AccessRegion(FuzzInput input)
    {
        Span<byte> data = stackalloc byte[8];
        input.Fill(data);
        var place = input.OneIn(8)
            ? VirtioPciFuzzBench.Shared + (ulong)input.Below(0x1000)
            : VirtioPciFuzzBench.Registers + (ulong)input.Below((int)VirtioPciFuzzBench.RegisterBytes);
        _bench.Access(place, data[..input.Pick<int>([4, 2, 1, 8])], input.OneIn(2));
    }

    // Section 4.1.4.9: region, offset and length, then the window.
    private void AccessThroughConfiguration(FuzzInput input)
    {
        var offset = input.OneIn(4) ? (uint)(input.Edge(VirtioPciFuzzBench.RegisterBytes) & uint.MaxValue) : (uint)input.Below(0x40);
        var bar = input.OneIn(8) ? input.Byte() : (byte)(input.OneIn(8) ? 2 : 0);
        var length = input.Pick<uint>([4, 2, 1, 0, 3, 8, uint.MaxValue]);
        _bench.AccessThroughConfiguration(bar, offset, length, (uint)(input.Edge(16) & uint.MaxValue), input.Pick<int>([4, 2, 1]), input.OneIn(2));
    }

    private void Restart(FuzzInput input, int queue)
    {
        if (input.OneIn(2))
        {
            _bench.ResetQueue(queue);
        }
        else
        {
            _bench.ResetDevice();
            Start(input);
        }
    }

    private void TakeUsed()
    {
        foreach (var ring in _bench.Rings)
        {
            ring.TakeUsed(strict: false);
        }
    }

    private void CheckUsable()
    {
        _bench.Begin();
        FuzzException.Unless(
            _bench.Start(VirtioFeature.Version1.Mask(), 16, vector: 0), "after a reset the device refuses plain features");
        var readable = _bench.Guest.Allocate(8);
        var writable = _bench.Guest.Allocate(8);
        _bench.Guest.At(readable, 8).Fill(0x77);
        _bench.Rings[1].TryAdd([new FuzzBuffer(readable, 8, false), new FuzzBuffer(writable, 8, true)], indirect: false);
        _bench.Notify(1);
        _bench.Rings[1].TakeUsed(strict: true);
        FuzzException.Unless(
            _bench.Rings[1].Returned == 1 && !_bench.Guest.At(writable, 8).ContainsAnyExcept((byte)0x77), "after a reset a plain request is not answered");
        FuzzException.Unless(_bench.IsWireHigh, "the driver is not told of it");
        _bench.End();
    }
}
