using System.Buffers.Binary;
using Eider.Devices.Virtio.Console;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// The virtio console with three ports (virtio 1.3, 5.3): data both ways, control messages right and wrong, host ends that open,
/// close and fill up. Completed: a byte of the guest reached a host's end, or one of the host's was drawn from it and came to the guest.
/// </summary>
public sealed class VirtioConsoleTarget : VirtioFuzzTarget
{
    private const int ControlReceive = 2;
    private const int ControlTransmit = 3;
    private const int EndBytes = 1024;

    private readonly ConsoleEndpoint[] _ends = [new(EndBytes), new(EndBytes), new(EndBytes)];
    private readonly byte[] _bytes = new byte[EndBytes];
    private ConsoleHandler _device = null!;
    private bool _multiport;
    private long _received;
    private long _sent;

    /// <inheritdoc/>
    public override string Name => "virtio-console";

    /// <summary>Each of at most a dozen lives of the driver makes eight queues.</summary>
    public override long MaxAllocatedBytes => 2 << 20;

    /// <summary>Buffers for input wait for input, and output waits for a host that reads.</summary>
    protected override bool CompletesAll => false;

    /// <inheritdoc/>
    protected override VirtioFuzzBench MakeBench()
    {
        _device = new ConsoleDevice
        {
            Backend = _ends[0],
            Ports = [("a", _ends[1]), ("b", _ends[2])],
            Size = new(80, 25),
        }.Build();
        return new VirtioFuzzBench(_device);
    }

    /// <inheritdoc/>
    protected override int CountUsableQueues(ulong features)
    {
        _multiport = (features >> (int)ConsoleFeature.MultiPort & 1) != 0;
        return _multiport ? Bench.QueueCount : 2;
    }

    /// <inheritdoc/>
    protected override void BeginCase(FuzzInput input)
    {
        foreach (var end in _ends)
        {
            end.Open();
            Empty(end);
        }

        (_received, _sent) = (0, 0);
    }

    /// <inheritdoc/>
    protected override void MakeRequest(FuzzInput input, int queue)
    {
        if (_multiport && queue == ControlTransmit)
        {
            AddControl(input);
            return;
        }

        for (var buffers = 1 + (input.OneIn(3) ? input.Below(3) : 0); buffers > 0; buffers--)
        {
            var isWritable = queue % 2 == 0 ^ input.OneIn(64);
            var buffer = AddBuffer(input.OneIn(4) ? input.Below(1500) : input.Below(64), isWritable);
            if (!isWritable)
            {
                input.Fill(buffer);
            }
        }
    }

    /// <inheritdoc/>
    protected override void HostStep(FuzzInput input)
    {
        var end = _ends[input.Below(_ends.Length)];
        switch (input.Below(8))
        {
            case < 3:
                _sent += end.Send(_bytes.AsSpan(0, input.Below(200)));
                break;
            case < 6:
                _received += end.Receive(_bytes.AsSpan(0, input.Below(_bytes.Length)));
                break;
            case 6:
                end.Close();
                break;
            default:
                end.Open();
                break;
        }

        Bench.Run();
    }

    /// <inheritdoc/>
    protected override bool IsCompleted()
    {
        var waiting = 0L;
        foreach (var end in _ends)
        {
            waiting += end.Read(_bytes); // not drawn by the device
            _received += end.Receive(_bytes);
        }

        var arrived = Bench.Rings.Where(ring => ring.Index % 2 == 0 && ring.Index != ControlReceive).Sum(ring => ring.WrittenBytes);
        return (_received > 0 && Bench.Rings.Any(ring => ring.Index % 2 == 1 && ring.Returned > 0)) || (_sent > waiting && arrived > 0);
    }

    /// <inheritdoc/>
    protected override bool TryPlainRequest()
    {
        var buffer = Bench.Guest.Allocate(5);
        Bench.Guest.At(buffer, 5).Fill((byte)'x');
        return TryComplete(1, new FuzzBuffer(buffer, 5, false)) && _ends[0].Receive(_bytes) == 5;
    }

    private void Empty(ConsoleEndpoint end)
    {
        while (end.Receive(_bytes) > 0 || end.Read(_bytes) > 0)
        {
            // What the last case left behind.
        }
    }

    private void AddControl(FuzzInput input)
    {
        var message = AddBuffer(input.OneIn(16) ? input.Below(40) : 8, isWritable: false);
        if (message.Length >= 8)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(message, input.OneIn(16) ? input.FourBytes() : (uint)input.Below(4));
            BinaryPrimitives.WriteUInt16LittleEndian(message[4..], (ushort)(input.OneIn(16) ? input.TwoBytes() : input.Below(9)));
            BinaryPrimitives.WriteUInt16LittleEndian(message[6..], (ushort)(1 - input.Below(2)));
        }
    }
}
