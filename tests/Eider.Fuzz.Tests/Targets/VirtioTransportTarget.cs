using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// The virtio-mmio transport (virtio 1.3, 4.2): any register in any order, width and direction around a driver that otherwise does what is
/// right, resets of device and queues, configuration changes. Completed: the device behind it answered a request, and the
/// driver got it back.
/// </summary>
public sealed class VirtioTransportTarget : VirtioFuzzTarget
{
    private readonly FuzzEchoDevice _device = new();

    /// <inheritdoc/>
    public override string Name => "virtio-transport";

    /// <inheritdoc/>
    protected override VirtioFuzzBench MakeBench() => new(_device);

    /// <inheritdoc/>
    protected override int CountUsableQueues(ulong features) => 2;

    /// <inheritdoc/>
    protected override void BeginCase(FuzzInput input) => _device.Answered = 0;

    /// <inheritdoc/>
    protected override void MakeRequest(FuzzInput input, int queue)
    {
        for (var readable = 1 + input.Below(3); readable > 0; readable--)
        {
            input.Fill(AddBuffer(input.Below(80), isWritable: false));
        }

        for (var writable = input.Below(3); writable > 0; writable--)
        {
            AddBuffer(input.Below(80), isWritable: true);
        }
    }

    /// <inheritdoc/>
    protected override void HostStep(FuzzInput input)
    {
        if (input.OneIn(8))
        {
            _device.Change();
        }
        else
        {
            AccessRegister(input, input.Below(3));
        }
    }

    /// <inheritdoc/>
    protected override bool IsCompleted() => _device.Answered > 0 && Bench.Rings.Any(ring => ring.Returned > 0);

    /// <inheritdoc/>
    protected override bool TryPlainRequest()
    {
        var readable = Bench.Guest.Allocate(8);
        var writable = Bench.Guest.Allocate(8);
        Bench.Guest.At(readable, 8).Fill(0x77);
        return TryComplete(1, new FuzzBuffer(readable, 8, false), new FuzzBuffer(writable, 8, true))
            && !Bench.Guest.At(writable, 8).ContainsAnyExcept((byte)0x77);
    }
}
