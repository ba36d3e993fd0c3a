using Eider.Devices.Virtio.Entropy;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// The virtio entropy device (virtio 1.3, 5.4). Completed: bytes were drawn from the host's source, and the driver got back
/// a buffer that says it holds some.
/// </summary>
public sealed class VirtioEntropyTarget : VirtioFuzzTarget
{
    private readonly FuzzRandomSource _source = new();

    /// <inheritdoc/>
    public override string Name => "virtio-entropy";

    /// <inheritdoc/>
    protected override VirtioFuzzBench MakeBench() => new(new EntropyDevice { Source = _source }.Build());

    /// <inheritdoc/>
    protected override void BeginCase(FuzzInput input) => _source.DrawnBytes = 0;

    /// <inheritdoc/>
    protected override void MakeRequest(FuzzInput input, int queue)
    {
        if (input.OneIn(8))
        {
            AddBuffer(input.Below(16), isWritable: false);
        }

        for (var writable = 1 + input.Below(3); writable > 0; writable--)
        {
            AddBuffer(input.OneIn(4) ? input.Below(4096) : input.Below(100), isWritable: true);
        }
    }

    /// <inheritdoc/>
    protected override bool IsCompleted() => _source.DrawnBytes > 0 && Bench.Rings[0].WrittenBytes > 0;

    /// <inheritdoc/>
    protected override bool TryPlainRequest()
    {
        var buffer = Bench.Guest.Allocate(64);
        return TryComplete(0, new FuzzBuffer(buffer, 64, true)) && Bench.Guest.At(buffer, 1)[0] == 0xE1;
    }
}
