using Eider.Devices.Virtio.Block;
using static Eider.Devices.Virtio.Block.BlockRequestStatus;
using static Eider.Devices.Virtio.Block.BlockRequestType;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>When a write is stable (virtio 1.3, 5.2.6.2): what reached the storage before the completion did.</summary>
public sealed class BlockDurabilityTests
{
    private static readonly byte[] Data = new byte[512];

    [Fact]
    public void Spec_5_2_6_2_f1_Without_FLUSH_and_CONFIG_WCE_a_write_is_flushed_before_it_completes()
    {
        using var disk = Create(Refused(BlockFeature.Flush, BlockFeature.ConfigWriteCacheEnable));
        CheckWritesCommit(disk, expected: true);
    }

    [Fact]
    public void Spec_5_2_6_2_f2_With_writeback_0_a_write_is_flushed_before_it_completes()
    {
        using var disk = Create();
        Assert.True(disk.Handler.WriteConfig(BlockConfig.WritebackOffset, [0]));
        CheckWritesCommit(disk, expected: true);
        Assert.True(disk.Handler.WriteConfig(BlockConfig.WritebackOffset, [1]));
        disk.Storage.Log!.Clear();
        CheckWritesCommit(disk, expected: false);
    }

    [Fact]
    public void Spec_5_2_6_2_f2_CONFIG_WCE_without_FLUSH_starts_as_writethrough()
    {
        using var disk = Create(Refused(BlockFeature.Flush));
        CheckWritesCommit(disk, expected: true);
    }

    [Fact]
    public void Spec_5_2_6_2_f3_With_FLUSH_a_write_completes_at_once_and_a_flush_reaches_the_storage()
    {
        using var disk = Create(Refused(BlockFeature.ConfigWriteCacheEnable));
        CheckWritesCommit(disk, expected: false);
        disk.Storage.Holds = true;
        var flush = disk.Do(Flush, 0);
        Assert.False(flush.IsUsed);
        disk.Storage.ReleaseAll();
        disk.Bench.Run();
        Assert.Equal(Ok, disk.StatusOf(flush));
        Assert.Equal("Flush", disk.Storage.Log![^1]);
    }

    [Fact]
    public void A_disk_set_to_writethrough_flushes_every_write()
    {
        using var disk = Create(configure: d => d with { CacheMode = BlockCacheMode.Writethrough });
        CheckWritesCommit(disk, expected: true);
    }

    [Fact]
    public void A_disk_that_does_not_offer_FLUSH_flushes_every_write()
    {
        using var disk = Create(configure: d => d with { HiddenFeatures = [BlockFeature.Flush] });
        CheckWritesCommit(disk, expected: true);
    }

    [Fact]
    public void A_write_does_not_complete_before_its_flush_has_and_fails_if_that_fails()
    {
        using var disk = Create(configure: d => d with { CacheMode = BlockCacheMode.Writethrough });
        disk.Storage.Holds = true;
        var write = disk.Submit(Out, 0, Data);
        disk.Bench.Run();
        disk.Storage.Release(0); // the data is there, the flush begins
        disk.Bench.Run();
        Assert.False(write.IsUsed);
        Assert.Equal(["Write 0+1"], disk.Storage.Log!);
        disk.Storage.Failure = _ => new IOException("no room");
        disk.Storage.Release(0);
        disk.Bench.Run();
        Assert.Equal(IoError, disk.StatusOf(write));
        Assert.Single(disk.HostFailures);
    }

    private static void CheckWritesCommit(BlockBench disk, bool expected)
    {
        Assert.Equal(Ok, disk.StatusOf(disk.Do(Out, 1, Data)));
        Assert.Equal(Ok, disk.StatusOf(disk.Do(WriteZeroes, 0, BlockBench.Ranges((2, 1, 0), (3, 1, 1)))));
        Assert.Equal(
            expected
                ? ["Write 1+1", "Flush", "WriteZeroes 2+1", "WriteZeroes 3+1", "Flush"]
                : ["Write 1+1", "WriteZeroes 2+1", "WriteZeroes 3+1"],
            disk.Storage.Log!);
    }

    private static ulong Refused(params BlockFeature[] features) =>
        features.Aggregate(0UL, (mask, feature) => mask | BlockBench.Mask(feature));

    private static BlockBench Create(ulong refused = 0, Func<BlockDevice, BlockDevice>? configure = null) =>
        new(new ScriptedStorage(new byte[64 * 512]), refused: refused, configure: configure);
}
