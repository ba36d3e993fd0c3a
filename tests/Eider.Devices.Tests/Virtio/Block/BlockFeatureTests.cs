using Eider.Devices.Tests.Virtio.Bench;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Storage;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>What is offered, what the config says, and what a configuration may be.</summary>
public sealed class BlockFeatureTests
{
    private const int CapacityOffset = 0;
    private const int WritebackOffset = 0x20;

    [Fact]
    public void The_type_is_block() => Assert.Equal(VirtioDeviceId.Block, Build().DeviceId);

    [Fact]
    public void A_plain_disk_offers_what_its_storage_can()
    {
        Assert.Equal(
            Mask(
                BlockFeature.SegMax, BlockFeature.BlockSize, BlockFeature.Topology, BlockFeature.Flush,
                BlockFeature.ConfigWriteCacheEnable, BlockFeature.Discard, BlockFeature.WriteZeroes),
            Build().Features);
        Assert.Equal(0UL, Build(new BlockGeometry()).Features & Mask(BlockFeature.Discard));
        Assert.Equal(
            Mask(
                BlockFeature.SizeMax, BlockFeature.Geometry, BlockFeature.MultiQueue, BlockFeature.SecureErase, BlockFeature.Lifetime),
            Build(configure: d => d with
            {
                MaxSegmentBytes = 65536,
                Geometry = new BlockDiskGeometry(1, 2, 3),
                Queues = 4,
                SecureErase = true,
                Lifetime = () => default,
            }).Features & ~Build().Features);
    }

    [Fact]
    public void A_read_only_disk_offers_RO_which_is_bit_5_and_no_way_to_write()
    {
        var features = Build(configure: d => d with { ReadOnly = true, SecureErase = true }).Features;
        Assert.NotEqual(0UL, features & (1 << 5));
        Assert.Equal(0UL, features & (1 << 4));
        Assert.Equal(0UL, features & Mask(BlockFeature.Discard, BlockFeature.WriteZeroes, BlockFeature.SecureErase));
    }

    [Fact]
    public void Spec_5_2_5_2_a_Flush_is_offered_whenever_CONFIG_WCE_is()
    {
        var features = Build(configure: d => d with { HiddenFeatures = [BlockFeature.Flush] }).Features;
        Assert.Equal(0UL, features & Mask(BlockFeature.Flush, BlockFeature.ConfigWriteCacheEnable));
    }

    [Fact]
    public void Spec_2_5_2_Every_offered_field_is_there_before_FEATURES_OK_and_no_other()
    {
        var geometry = new BlockGeometry
        {
            LogicalBlockBytes = 1024,
            PhysicalBlockBytes = 8192,
            CanDiscard = true,
            DiscardGranularityBytes = 4096,
            WriteZeroesMayUnmap = true,
        };
        var full = ReadConfig(Build(geometry, d => d with
        {
            MaxSegmentBytes = 0x10000,
            MaxSegments = 99,
            Geometry = new BlockDiskGeometry(0x102, 3, 4),
            Queues = 4,
            SecureErase = true,
        }));
        Assert.Equal(
            "4000000000000000" + "00000100" + "63000000" + "0201" + "03" + "04" + "00040000" + // up to blk_size
            "03" + "00" + "0800" + "00000000" + "01" + "00" + "0400" + // topology, writeback, num_queues
            "00002000" + "40000000" + "08000000" + "00000200" + "40000000" + "01" + "000000" + // discard, zeroes
            "00800000" + "08000000" + "01000000" + new string('0', 48),
            Convert.ToHexString(full));
        var bare = ReadConfig(Build(geometry, d => d with { HiddenFeatures = Enum.GetValues<BlockFeature>() }));
        Assert.Equal("40".PadRight(2 * BlockConfig.Size, '0'), Convert.ToHexString(bare));
    }

    [Fact]
    public void The_default_seg_max_fits_a_request_into_the_queue()
    {
        Assert.Equal(126, ReadConfig(Build(configure: d => d with { QueueSize = 128 }))[0x0c]);
        Assert.Equal(1, ReadConfig(Build(configure: d => d with { QueueSize = 2 }))[0x0c]);
    }

    [Theory]
    [InlineData(BlockCacheMode.Writeback, BlockFeature.ReadOnly, 1)]
    [InlineData(BlockCacheMode.Writethrough, BlockFeature.ReadOnly, 0)]
    [InlineData(BlockCacheMode.Writeback, BlockFeature.Flush, 0)]
    [InlineData(BlockCacheMode.Writethrough, BlockFeature.Flush, 0)]
    public void Spec_5_2_5_2_b_Writeback_starts_as_0_without_FLUSH(BlockCacheMode mode, BlockFeature refused, byte expected)
    {
        var device = Build(configure: d => d with { CacheMode = mode });
        using var bench = DeviceBench.Create(device);
        bench.Start(refused: Mask(refused));
        Assert.Equal(expected, ReadConfig(device)[WritebackOffset]);
    }

    [Fact]
    public void Only_writeback_can_be_written_and_only_by_a_driver_that_negotiated_it()
    {
        var device = Build();
        using var bench = DeviceBench.Create(device);
        Assert.False(device.WriteConfig(WritebackOffset, [0]));
        bench.Start();
        Assert.True(device.WriteConfig(WritebackOffset, [0]));
        Assert.Equal(0, ReadConfig(device)[WritebackOffset]);
        Assert.False(device.WriteConfig(WritebackOffset, [2]));
        Assert.False(device.WriteConfig(WritebackOffset, [1, 0, 0, 0]));
        for (var offset = 0; offset < BlockConfig.Size; offset++)
        {
            Assert.True(offset == WritebackOffset || !device.WriteConfig(offset, [1]));
        }

        Assert.Equal(0, ReadConfig(device)[WritebackOffset]);
        bench.BeginReset();
        Assert.True(bench.TryEndReset());
        Assert.Equal(1, ReadConfig(device)[WritebackOffset]); // another driver, another choice
        bench.Start(refused: Mask(BlockFeature.ConfigWriteCacheEnable));
        Assert.False(device.WriteConfig(WritebackOffset, [0]));
    }

    [Fact]
    public void A_storage_that_changes_its_size_changes_the_capacity_and_tells_the_driver()
    {
        var storage = new ScriptedStorage(new byte[64 * 512]);
        using var disk = new BlockBench(storage);
        Assert.Equal(BlockRequestStatus.IoError, disk.StatusOf(disk.Do(BlockRequestType.In, 64, inputBytes: 512)));
        storage.Resize((100 * 512) + 511);
        Assert.Equal(1, disk.Bench.ConfigChanges);
        Assert.Equal(100, ReadConfig(disk.Handler)[CapacityOffset]);
        Assert.Equal(BlockRequestStatus.Ok, disk.StatusOf(disk.Do(BlockRequestType.In, 99, inputBytes: 512)));
        Assert.Equal(BlockRequestStatus.IoError, disk.StatusOf(disk.Do(BlockRequestType.In, 100, inputBytes: 512)));
        storage.Resize(512);
        Assert.Equal(BlockRequestStatus.IoError, disk.StatusOf(disk.Do(BlockRequestType.In, 1, inputBytes: 512)));
        disk.Handler.Close();
        storage.Resize(1024);
        Assert.Equal(2, disk.Bench.ConfigChanges);
    }

    [Fact]
    public void A_size_that_is_no_multiple_of_512_is_refused_with_what_was_found_and_expected()
    {
        var error = Assert.Throws<ArgumentException>(() => new BlockDevice { Storage = new ScriptedStorage(new byte[1000]) }.Build());
        Assert.Equal("scripted: size is 1000; expected a multiple of 512 bytes", error.Message);
    }

    [Fact]
    public void Impossible_settings_are_refused()
    {
        Refuse(d => d with { Queues = 0 }, "queues is 0; expected 1 to 64");
        Refuse(d => d with { Queues = 65 }, "queues is 65; expected 1 to 64");
        Refuse(d => d with { QueueSize = 1 }, "queue size is 1;");
        Refuse(d => d with { QueueSize = 100 }, "queue size is 100; expected a power of two from 2 to 32768");
        Refuse(d => d with { QueueSize = 65536 }, "queue size is 65536;");
        Refuse(d => d with { MaxSegmentBytes = 4095 }, "segment size is 4095; expected 4096 bytes or more");
        Refuse(d => d with { MaxSegments = 0 }, "segments is 0; expected 1 or more");
        Refuse(d => d with { CacheMode = (BlockCacheMode)7 }, "cache mode is 7;");
        Refuse(d => d with { Serial = "012345678901234567890" }, "serial '012345678901234567890' has 21 characters; expected at most 20");
        Refuse(d => d with { Serial = "tab\t" }, "printable ASCII");
        Refuse(d => d with { Serial = "é" }, "printable ASCII");
        Refuse(d => d with { ReadOnly = true, HiddenFeatures = [BlockFeature.ReadOnly] }, "read-only");
    }

    [Fact]
    public void An_empty_disk_is_a_disk()
    {
        using var disk = new BlockBench(new ScriptedStorage([]));
        Assert.Equal(BlockRequestStatus.IoError, disk.StatusOf(disk.Do(BlockRequestType.In, 0, inputBytes: 512)));
        Assert.Equal(BlockRequestStatus.Ok, disk.StatusOf(disk.Do(BlockRequestType.Flush, 0)));
    }

    private static void Refuse(Func<BlockDevice, BlockDevice> configure, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => Build(configure: configure)).Message, StringComparison.Ordinal);

    private static BlockHandler Build(BlockGeometry? geometry = null, Func<BlockDevice, BlockDevice>? configure = null)
    {
        var device = new BlockDevice { Storage = new ScriptedStorage(new byte[64 * 512], geometry) };
        return (configure?.Invoke(device) ?? device).Build();
    }

    private static byte[] ReadConfig(BlockHandler device)
    {
        var bytes = new byte[BlockConfig.Size];
        Assert.True(device.ReadConfig(0, bytes));
        for (var offset = 0; offset < bytes.Length; offset++)
        {
            var one = new byte[1];
            Assert.True(device.ReadConfig(offset, one));
            Assert.Equal(bytes[offset], one[0]);
        }

        return bytes;
    }

    private static ulong Mask(params BlockFeature[] features) => features.Aggregate(0UL, (mask, f) => mask | (1UL << (int)f));
}
