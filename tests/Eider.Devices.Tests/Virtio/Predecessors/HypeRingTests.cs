using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio.Block;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Predecessors;

/// <summary>Edge cases of hype's rings and block requests that no other test holds; docs/predecessors.md lists them all.</summary>
public sealed class HypeRingTests
{
    private const ulong Buffers = QueueBench.Buffers;
    private const ushort Avail = 0x80, Used = 0x8000, Write = 2;

    [Theory]
    [InlineData(0, false)]
    [InlineData(Avail | Used, false)] // used
    [InlineData(Used, false)] // of the other round
    [InlineData(Avail, true)]
    public void A_packed_descriptor_is_available_only_with_the_marks_of_this_round(int flags, bool expected)
    {
        using var bench = new QueueBench(FeatureSets.Packed, 2);
        Assert.Equal(expected, Takes(bench, 0, flags));
        Assert.Empty(bench.Faults);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(Avail | Used, false)]
    [InlineData(Avail, false)] // of the round before
    [InlineData(Used, true)]
    public void In_the_second_round_the_marks_of_a_packed_descriptor_are_turned_round(int flags, bool expected)
    {
        using var bench = new QueueBench(FeatureSets.Packed, 2);
        for (var i = 0; i < 2; i++)
        {
            bench.Ring.Add([new(Buffers, 8, true)]);
            bench.Queue.BeginRun();
            bench.Queue.Complete(bench.Take(), 1);
            Assert.True(bench.Ring.TryGetUsed(out _));
        }

        bench.Queue.BeginRun();
        Assert.Equal(expected, Takes(bench, 0, flags));
        Assert.Empty(bench.Faults);
    }

    [Theory]
    [InlineData(0u, Avail | Used)]
    [InlineData(1u, Avail | Used | Write)]
    public void A_used_packed_descriptor_has_both_marks_and_WRITE_exactly_if_bytes_were_written(uint written, int expected)
    {
        using var bench = new QueueBench(FeatureSets.Packed);
        bench.Ring.Add([new(Buffers, 8, true)]);
        bench.Queue.Complete(bench.Take(), written);
        Assert.Equal(expected, bench.Ring.Read16(bench.Packed.DescriptorAddress(0) + 14));
        Assert.False(bench.Queue.TryTake(out _)); // what is used is not taken again
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void A_request_whose_descriptors_were_written_over_meanwhile_is_used_all_the_same(ulong features)
    {
        using var bench = new QueueBench(features);
        var id = bench.Ring.Add([new(Buffers, 8, true)]);
        var chain = bench.Take();
        bench.Ring.Write(bench.Ring.Layout.DescriptorAddress, new byte[16 * 8]);
        bench.Queue.Complete(chain, 3);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal(new UsedBuffer(id, 3), used);
        Assert.Empty(bench.Faults);
    }

    [Fact]
    public void Block_data_of_the_wrong_direction_is_neither_read_nor_written()
    {
        using var disk = new BlockBench(new ScriptedStorage(new byte[64 * 512]));
        var wrongIn = disk.Bench.SubmitAndRun(
            0, disk.Bench.Readable(BlockBench.Header(BlockRequestType.In, 1)), disk.Bench.Readable(new byte[512]), disk.Bench.Writable(1));
        var wrongOut = disk.Bench.SubmitAndRun(
            0, disk.Bench.Readable(BlockBench.Header(BlockRequestType.Out, 1)), disk.Bench.Writable(512), disk.Bench.Writable(1));
        Assert.Equal((1u, 0u), (wrongIn.UsedBytes, wrongOut.UsedBytes)); // the status alone; behind a gap not even that
        Assert.All(disk.Bench.Read(wrongIn.Buffers[1]), b => Assert.Equal(0, b));
        Assert.All(disk.Bench.Read(wrongOut.Buffers[1]), b => Assert.Equal(BlockBench.Unwritten, b));
        Assert.Empty(disk.Storage.Log!);
        Assert.Equal(BlockRequestStatus.Ok, disk.StatusOf(disk.Do(BlockRequestType.In, 1, inputBytes: 512)));
    }

    private static bool Takes(QueueBench bench, int slot, int flags)
    {
        bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(slot), Buffers, 8, 0, (ushort)flags);
        return bench.Queue.TryTake(out _);
    }
}
