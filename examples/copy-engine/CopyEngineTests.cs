using Eider.Hardware.Memory;
using Eider.Testing.Hardware;

namespace Eider.Examples;

public sealed class CopyEngineTests
{
    [Theory]
    [InlineData(0x8000_0000, 0x8000_0800, 1000, CopyEngine.Done)]
    [InlineData(0x8000_0000, 0x8000_0800, 4096, CopyEngine.Failed)] // runs out of RAM
    [InlineData(0x8000_0000, 0xCAFE_0000, 8, CopyEngine.Failed)]
    public void It_copies_RAM_and_interrupts_until_it_is_acknowledged(ulong from, ulong to, ulong length, byte status)
    {
        using var ram = new GuestRam((0x8000_0000, 4096));
        var line = new FakeInterruptLine();
        var engine = new CopyEngine(ram, line);
        ram.TryWrite(from, "eider"u8);
        foreach (var (register, value) in new[] { (0, from), (8, to), (16, length), (24, (ulong)CopyEngine.Start) })
        {
            engine.Write(0, (ulong)register, BitConverter.GetBytes(value));
        }

        var seen = new byte[5];
        engine.Read(0, CopyEngine.Status, seen.AsSpan(0, 1));
        Assert.Equal((status, true), (seen[0], line.Level));
        Assert.Equal(status == CopyEngine.Done, ram.TryRead(to, seen) && seen.AsSpan().SequenceEqual("eider"u8));
        engine.Write(0, CopyEngine.Status, [status]);
        Assert.False(line.Level);
    }
}
