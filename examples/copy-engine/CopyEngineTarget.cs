using Eider.Hardware.Memory;
using Eider.Testing.Fuzzing;
using Eider.Testing.Hardware;

namespace Eider.Examples;

/// <summary>Copies from anywhere to anywhere. Completed: it says so. Whatever it says, nothing but the destination may have changed.</summary>
public sealed class CopyEngineTarget : FuzzTarget
{
    private const ulong RamBase = 0x8000_0000;
    private readonly byte[] _before = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i % 251))];
    private readonly byte[] _after = new byte[4096];
    private readonly GuestRam _ram = new((RamBase, 4096));

    public override string Name => "copy-engine";

    public override bool IsDevice => true; // a tenth of the runs must be completed

    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var (engine, status) = (new CopyEngine(_ram, new FakeInterruptLine()), new byte[1]);
        var from = RamBase + (input.OneIn(8) ? input.Edge(4096) >> 1 : (ulong)input.Below(4096));
        var to = RamBase + (ulong)input.Below(4096);
        var length = input.OneIn(8) ? input.EightBytes() : (ulong)input.Below(1024);
        _ram.TryWrite(RamBase, _before);
        foreach (var (register, value) in new[] { (0, from), (8, to), (16, length), (24, (ulong)CopyEngine.Start) })
        {
            engine.Write(0, (ulong)register, BitConverter.GetBytes(value));
        }

        engine.Read(0, CopyEngine.Status, status);
        _ram.TryRead(RamBase, _after);
        var (first, end) = status[0] == CopyEngine.Done ? ((int)(to - RamBase), (int)(to - RamBase + length)) : (0, 0);
        FuzzException.Unless(_after.AsSpan(0, first).SequenceEqual(_before.AsSpan(0, first)), "it wrote before the destination");
        FuzzException.Unless(_after.AsSpan(end).SequenceEqual(_before.AsSpan(end)), "it wrote behind the destination");
        input.Saw(status[0] == CopyEngine.Done ? "done" : "failed");
        return status[0] == CopyEngine.Done;
    }
}
