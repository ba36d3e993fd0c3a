using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Device requirements of virtio 1.3, section 2.8.</summary>
public sealed class PackedDeviceClauseTests
{
    private const ulong Features = FeatureSets.Packed | FeatureSets.Indirect;

    [Fact]
    public async Task Spec_2_8_12_a_ProcessingStartsInRingOrder()
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(Features, device);
        for (byte i = 0; i < 4; i++)
        {
            var buffers = clause.Buffers();
            clause.Ring.Write(buffers[0].Address, [i]);
            clause.Ring.Add(buffers);
        }

        clause.Bench.Notify();
        var first = new byte[1];
        Assert.Equal([0, 1, 2, 3], device.Held.Select(chain => chain.TryReadAt(0, first) ? first[0] : 255));
        clause.Expect(Live, None, clause.Suppression());
        device.HoldsBack = false;
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_8_12_b_UsedInCompletionOrder()
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(Features, device);
        var ids = Enumerable.Range(0, 4).Select(_ => clause.Ring.Add(clause.Buffers())).ToArray();
        clause.Bench.Notify();
        foreach (var i in new[] { 2, 0, 3, 1 })
        {
            device.Answer(device.Held[i]);
            Assert.True(clause.Ring.TryGetUsed(out var used));
            Assert.Equal(new UsedBuffer(ids[i], 4), used);
            Assert.False(clause.Ring.TryGetUsed(out _));
        }

        device.HoldsBack = false;
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_8_15_a_ReadableBuffersAreNotWritten()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        var used = clause.NextUsed();
        clause.Ring.Add(buffers);
        clause.Bench.Notify();
        clause.Expect(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]);
        Assert.Equal("abcd"u8, clause.Ring.Read(buffers[0].Address, 4));
        clause.Recover();
    }

    [Theory]
    [InlineData(0x0000)] // as laid out
    [InlineData(0x8080)] // used in this round
    [InlineData(0x8000)] // of the next round
    public async Task Spec_2_8_15_b_NoUseBeforeAvailFlips(ushort flags)
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        clause.Ring.WriteDescriptor(clause.Packed.DescriptorAddress(0), buffers[1].Address, 4, 0, flags);
        clause.Bench.Notify();
        clause.Expect(Live, None, clause.Suppression());
        clause.Ring.WriteDescriptor(clause.Packed.DescriptorAddress(0), buffers[1].Address, 4, 0, 0x0080 | 2);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, clause.Suppression(), (clause.Packed.DescriptorAddress(0) + 8, 8));
    }

    [Fact]
    public async Task Spec_2_8_15_c_NoChangeAfterUsed()
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.Echo();
        var slot = clause.Packed.DescriptorAddress(0);
        clause.Ring.WriteDescriptor(slot, 1, 2, 3, clause.Ring.Read16(slot + 14)); // the driver's again
        clause.Watch();
        var echoes = new List<(ulong, ulong)>();
        for (var i = 0; i < 3; i++)
        {
            echoes.AddRange(clause.Echo()); // the other slots of this round
        }

        clause.Expect(Live, Used, [.. echoes]);
        Assert.DoesNotContain(clause.Memory.Written, address => address - slot < 16);
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_8_18_a_ListIsUsedInOrder()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        var used = clause.NextUsed();
        var backwards = Enumerable.Range(0, 4).Select(i => buffers[0] with { Address = buffers[0].Address + 3 - (ulong)i, LengthBytes = 1 });
        clause.Ring.Add([.. backwards, buffers[1]]);
        clause.Bench.Notify();
        clause.Expect(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]);
        Assert.Equal("edcb"u8, clause.Ring.Read(buffers[1].Address, 4));
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_8_3_WriteIsSetOnAUsedDescriptorIfAnyPartWasWritten()
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(Features, device);
        clause.Echo();
        clause.Echo();
        Assert.True(device.Held[0].TryWriteAt(2, "x"u8)); // a part that no length from the start can tell of
        device.Queues[0].Complete(device.Held[0], 0);
        device.Queues[0].Complete(device.Held[1], 0);
        Assert.Equal(2, clause.Ring.Read16(clause.Packed.DescriptorAddress(0) + 14) & 2);
        Assert.Equal(0, clause.Ring.Read16(clause.Packed.DescriptorAddress(2) + 14) & 2);
        device.HoldsBack = false;
        clause.Recover();
    }
}
