using Eider.Hardware.Memory;
using Eider.Testing.Memory;

namespace Eider.Hardware.Tests.Memory;

// The doubles decide whether other tests fail, so they are tested themselves.
public sealed class TestDoubleTests : IDisposable
{
    private readonly GuestRam _ram = new((0x1000, 0x2000));

    public void Dispose() => _ram.Dispose();

    [Fact]
    public void Counting_memory_sees_every_way_in_and_out()
    {
        var memory = new CountingGuestMemory(_ram);
        Assert.True(memory.TryRead(0x1000, new byte[4]));
        Assert.True(memory.TryReadUInt16Acquire(0x1002, out _));
        Assert.True(memory.TryWrite(0x1000, new byte[3]));
        Assert.True(memory.TryWriteUInt16Release(0x1000, 1));
        Assert.True(memory.TryLease(0x1100, 8, GuestMemoryAccess.Write, out var lease));
        Assert.Equal((2, 6L, 2, 5L), (memory.Reads, memory.ReadBytes, memory.Writes, memory.WrittenBytes));
        Assert.Equal((1, 1), (memory.Leases, memory.OutstandingLeases));
        Assert.Equal([0x1002UL, 0x1003UL], memory.ReadTwice(0x1000, 0x10));
        lease.Release(6);
        Assert.Equal((11L, 0, 0), (memory.WrittenBytes, memory.OutstandingLeases, memory.LeasesReturnedTwice));
        Assert.Equal(0, _ram.Regions[0].OutstandingLeases);
    }

    [Fact]
    public void Mutating_memory_is_true_once()
    {
        Assert.True(_ram.TryWrite(0x1000, [0x11, 0x22]));
        var memory = new MutatingGuestMemory(_ram, address => address < 0x1100);
        var bytes = new byte[2];
        Assert.True(memory.TryRead(0x1001, bytes.AsSpan(0, 1)));
        Assert.Equal(0x22, bytes[0]);
        Assert.True(memory.TryReadUInt16Acquire(0x1000, out var field));
        Assert.Equal(0xDD11, field);
        Assert.True(memory.TryLease(0x1000, 2, GuestMemoryAccess.Read, out var lease));
        Assert.Equal([0xEE, 0xDD], lease.Memory.ToArray());
        lease.Release(0);
        Assert.Equal(3, memory.Mutations);
        memory.Reset();
        Assert.True(memory.TryRead(0x1000, bytes));
        Assert.Equal([0x11, 0x22], bytes);
        Assert.True(memory.TryRead(0x1100, bytes));
        Assert.True(memory.TryRead(0x1100, bytes));
        Assert.Equal([0, 0], bytes);
    }

    [Fact]
    public void Faulting_memory_fails_the_access_with_the_number()
    {
        var memory = new FaultingGuestMemory(_ram) { FailAccess = 1 };
        Assert.True(memory.TryRead(0x1000, new byte[4]));
        Assert.False(memory.TryWrite(0x1000, [1]));
        Assert.True(memory.TryLease(0x1000, 4, GuestMemoryAccess.Read, out var lease));
        lease.Release(0);
        Assert.Equal((3, 1), (memory.Accesses, memory.Failures));
        memory.ShouldFail = (address, _, access) => address == 0x2000 && access == GuestMemoryAccess.Write;
        Assert.True(memory.TryReadUInt16Acquire(0x2000, out _));
        Assert.False(memory.TryWriteUInt16Release(0x2000, 1));
        Assert.Equal(0, _ram.Regions[0].OutstandingLeases);
    }

    [Fact]
    public void Write_watching_memory_tells_allowed_writes_from_forbidden_ones()
    {
        var memory = new WriteWatchingGuestMemory(_ram);
        Assert.True(memory.TryWrite(0x1000, [1, 2]));
        Assert.True(memory.TryLease(0x1100, 8, GuestMemoryAccess.Write, out var early));
        Assert.True(memory.TryLease(0x1200, 8, GuestMemoryAccess.Write, out var late));
        early.Release(4);
        Assert.Empty(memory.ForbiddenWrites);
        Assert.Equal(6, memory.WrittenAddresses.Count);
        memory.Forbid();
        late.Memory.Span[3] = 7;
        late.Release(0);
        Assert.Equal([new GuestWrite(0x1203, 1, true)], memory.ForbiddenWrites);
        Assert.True(memory.TryWriteUInt16Release(0x1010, 5));
        Assert.Equal(2, memory.ForbiddenWrites.Count);
        memory.Allow();
        Assert.Empty(memory.Writes);
    }
}
