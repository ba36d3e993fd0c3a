using System.Buffers.Binary;
using System.Security.Cryptography;
using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Storage.Operations;

namespace Eider.Storage.Tests.Operations;

/// <summary>Copy, comparison and content hash over disks of random content with holes, against the plain way with arrays.</summary>
public sealed class ImageOperationTests
{
    private const int Block = 64 << 10;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, false, 4096)]
    [InlineData(4, false, 4096)]
    [InlineData(4, true, 4096)]
    [InlineData(3, true, 0)]
    [InlineData(2, false, 65536)]
    public async Task A_copy_has_every_byte_of_its_source(int workers, bool isOrdered, int granule)
    {
        for (var seed = 0; seed < 6; seed++)
        {
            var content = Content(seed, 1_500_000 + (seed * 4099));
            await using var source = await DiskOfAsync(content);
            await using var target = new MemoryStorage(content.Length + 100_000, "target");
            await target.WriteAsync(0, Enumerable.Repeat((byte)0xEE, content.Length + 100_000).ToArray(), Token);
            var done = 0L;
            var options = new ImageCopyOptions
            {
                Workers = workers,
                IsOrdered = isOrdered,
                ZeroGranuleBytes = granule,
                BufferBytes = Block,
                Progress = (bytes, _) => done = bytes,
            };
            await ImageCopier.CopyAsync(source, target, options, Token);
            Assert.Equal(content, (await BytesOfAsync(target))[..content.Length]);
            Assert.True((await BytesOfAsync(target)).AsSpan(content.Length).IndexOfAnyExcept((byte)0) < 0);
            Assert.Equal(content.Length, done);
        }
    }

    [Fact]
    public async Task A_copy_to_a_disk_of_zeroes_writes_no_zeroes()
    {
        var content = Content(5, 2_000_000);
        await using var source = await DiskOfAsync(content);
        await using var target = new MemoryStorage(content.Length, "target");
        await ImageCopier.CopyAsync(source, target, new ImageCopyOptions { TargetIsZero = true, ZeroGranuleBytes = 4096 }, Token);
        Assert.Equal(content, await BytesOfAsync(target));
        for (var offset = 0; offset + Block <= content.Length; offset += Block)
        {
            var extent = await target.GetExtentAsync(offset, Block, Token);
            var isHole = extent.LengthBytes == Block && (extent.Status & BlockExtentStatus.Hole) != 0;
            Assert.Equal(content.AsSpan(offset, Block).IndexOfAnyExcept((byte)0) < 0, isHole);
        }
    }

    [Fact]
    public async Task A_copy_ends_with_the_first_failure_and_says_where()
    {
        await using var source = new FaultStorage(
            await DiskOfAsync(Content(1, 1_000_000, holes: false)),
            [new FaultRule { Operation = BlockOperation.Read, OffsetBytes = 300_000 }]);
        await using var target = new MemoryStorage(1_000_000, "target");
        var failure = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await ImageCopier.CopyAsync(source, target, new ImageCopyOptions { Workers = 4, BufferBytes = Block }, Token));
        Assert.Equal(BlockOperation.Read, failure.Operation);
        Assert.InRange(failure.OffsetBytes!.Value, 300_000 - Block, 300_000);
    }

    [Fact]
    public async Task A_salvaging_copy_leaves_out_just_the_unreadable_sectors()
    {
        var content = Content(2, 1_000_000, holes: false);
        await using var source = new FaultStorage(
            await DiskOfAsync(content), [new FaultRule { Operation = BlockOperation.Read, OffsetBytes = 300_000 }]);
        await using var target = new MemoryStorage(1_000_000, "target");
        var lost = new List<long>();
        var options = new ImageCopyOptions { SkipsUnreadable = true, OnUnreadable = (offset, _, _) => lost.Add(offset) };
        await ImageCopier.CopyAsync(source, target, options, Token);
        var place = 300_000 / 4096 * 4096;
        Assert.Equal([place], lost);
        content.AsSpan(place, 4096).Clear();
        Assert.Equal(content, await BytesOfAsync(target));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_comparison_finds_the_first_byte_that_differs(int workers)
    {
        for (var seed = 0; seed < 16; seed++)
        {
            var content = Content(seed, 3_000_000);
            var other = (byte[])content.Clone();
            var random = new Random(seed);
            var places = Enumerable.Range(0, seed % 4).Select(_ => random.Next(other.Length)).ToArray();
            foreach (var place in places)
            {
                other[place] ^= 0x5A;
            }

            await using var left = await DiskOfAsync(content);
            await using var right = await DiskOfAsync(other);
            var found = await ImageComparer.CompareAsync(left, right, workers, progress: null, Token);
            long? expected = places.Where(at => content[at] != other[at]).Select(at => (long?)at).Min();
            Assert.Equal(expected, found.FirstDifferenceBytes);
            Assert.True(found.IsSameSize);
        }
    }

    [Fact]
    public async Task A_longer_disk_equals_a_shorter_one_as_far_as_its_tail_is_zero()
    {
        var content = Content(7, 1_000_000);
        var tail = new byte[1_300_001];
        content.CopyTo(tail, 0);
        await using var left = await DiskOfAsync(content);
        await using var same = await DiskOfAsync(tail);
        Assert.Equal(new ImageComparison(null, false), await ImageComparer.CompareAsync(left, same, 2, progress: null, Token));
        tail[1_300_000] = 1;
        await using var other = await DiskOfAsync(tail);
        Assert.Equal(new ImageComparison(1_300_000, false), await ImageComparer.CompareAsync(other, left, 2, progress: null, Token));
    }

    [Fact]
    public async Task The_content_hash_is_the_documented_one_whatever_is_a_hole()
    {
        foreach (var length in (int[])[0, 1, 511, Block, Block + 1, 2_000_000])
        {
            var content = Content(length, length);
            await using var sparse = await DiskOfAsync(content);
            await using var dense = new MemoryStorage(length, "dense");
            await dense.WriteAsync(0, content, Token);
            var expected = PlainHash(content);
            Assert.Equal(expected, await ImageChecksum.ComputeAsync(sparse, 1, progress: null, Token));
            Assert.Equal(expected, await ImageChecksum.ComputeAsync(sparse, 4, progress: null, Token));
            Assert.Equal(expected, await ImageChecksum.ComputeAsync(dense, 2, progress: null, Token));
        }
    }

    [Fact]
    public async Task The_content_hash_of_terabytes_of_holes_costs_what_the_data_cost()
    {
        await using var disk = new MemoryStorage(8L << 40, "8T");
        await disk.WriteAsync((5L << 40) + 12345, new byte[] { 1, 2, 3 }, Token);
        var before = await ImageChecksum.ComputeAsync(disk, 2, progress: null, Token);
        await disk.WriteAsync(3L << 40, new byte[] { 0 }, Token);
        Assert.Equal(before, await ImageChecksum.ComputeAsync(disk, 2, progress: null, Token));
        await disk.WriteAsync(3L << 40, new byte[] { 1 }, Token);
        Assert.NotEqual(before, await ImageChecksum.ComputeAsync(disk, 2, progress: null, Token));
    }

    private static byte[] PlainHash(byte[] content)
    {
        var blocks = new List<byte>();
        for (var at = 0; at < content.Length; at += Block)
        {
            var block = new byte[Block];
            content.AsSpan(at, Math.Min(Block, content.Length - at)).CopyTo(block);
            blocks.AddRange(SHA256.HashData(block));
        }

        var size = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, content.Length);
        byte[] window = content.Length == 0 ? [] : SHA256.HashData(blocks.ToArray());
        return SHA256.HashData([.. "eider-content-1"u8, .. size, .. window]);
    }

    private static byte[] Content(int seed, int length, bool holes = true)
    {
        var random = new Random(seed);
        var content = new byte[length];
        for (var at = 0; at < length;)
        {
            var run = Math.Min(random.Next(1, 200_000), length - at);
            if (!holes || random.Next(3) != 0)
            {
                random.NextBytes(content.AsSpan(at, run));
            }

            at += run;
        }

        return content;
    }

    private static async Task<MemoryStorage> DiskOfAsync(byte[] content)
    {
        var disk = new MemoryStorage(content.Length, "disk");
        for (var at = 0; at < content.Length; at += 4096)
        {
            var piece = content.AsMemory(at, Math.Min(4096, content.Length - at)).ToArray();
            if (piece.AsSpan().IndexOfAnyExcept((byte)0) >= 0)
            {
                await disk.WriteAsync(at, piece, Token);
            }
        }

        return disk;
    }

    private static async Task<byte[]> BytesOfAsync(MemoryStorage disk)
    {
        var bytes = new byte[disk.SizeBytes];
        await disk.ReadAsync(0, bytes, Token);
        return bytes;
    }
}
