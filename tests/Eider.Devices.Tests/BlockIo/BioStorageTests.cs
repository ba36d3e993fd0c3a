using System.Reflection;
using Eider.Devices.BlockIo;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.Devices.Tests.BlockIo;

/// <summary>The storage of the document, Storage(sid, size): what its callers and its authors rely on.</summary>
public sealed class BioStorageTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void An_author_writes_two_methods_and_cannot_touch_the_checks()
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;
        Assert.False(typeof(BioStorage).GetMethod(nameof(BioStorage.ReadBlocksAsync))!.IsVirtual);
        Assert.False(typeof(BioStorage).GetMethod(nameof(BioStorage.WriteBlocksAsync))!.IsVirtual);
        Assert.Equal(
            ["DoReadBlocksAsync", "DoWriteBlocksAsync"],
            typeof(BioStorage).GetMethods(All).Where(method => method.IsAbstract).Select(method => method.Name).Order());
    }

    [Fact]
    public async Task What_is_not_there_is_out_of_range_and_the_author_is_not_asked()
    {
        var storage = new CountingStorage(5, (3 * 1024) + 1000);
        Assert.Equal((5U, (3 * 1024) + 1000, 1024), (storage.Sid, storage.SizeBytes, storage.BlockBytes));
        foreach (var (start, count) in new[] { (3U, 1U), (0U, 4U), (uint.MaxValue, 1U), (uint.MaxValue, uint.MaxValue), (4U, 0U) })
        {
            Assert.Equal(BlockResult.OutOfRange, await storage.ReadBlocksAsync(start, count, new byte[1024], TestContext.Current.CancellationToken));
            Assert.Equal(BlockResult.OutOfRange, await storage.WriteBlocksAsync(start, count, new byte[1024], TestContext.Current.CancellationToken));
        }

        Assert.Equal(BlockResult.Ok, await storage.ReadBlocksAsync(3, 0, default, TestContext.Current.CancellationToken));
        Assert.Equal(0, storage.Calls);
        Assert.Equal(BlockResult.Ok, await storage.ReadBlocksAsync(2, 1, new byte[1024], TestContext.Current.CancellationToken));
        Assert.Equal(BlockResult.Ok, await storage.WriteBlocksAsync(0, 3, new byte[3072], TestContext.Current.CancellationToken));
        Assert.Equal(2, storage.Calls);
    }

    [Fact]
    public async Task Buffers_that_do_not_fit_the_blocks_are_the_callers_mistake()
    {
        var storage = new CountingStorage(5, 4096);
        await Assert.ThrowsAsync<ArgumentException>(async () => await storage.ReadBlocksAsync(0, 1, new byte[1023], TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<ArgumentException>(async () => await storage.WriteBlocksAsync(0, 2, new byte[1024], TestContext.Current.CancellationToken));
        Assert.Equal(0, storage.Calls);
    }

    [Theory]
    [InlineData(-1, 1024)]
    [InlineData(1024, 0)]
    [InlineData(1024, -4)]
    [InlineData(1024, 1022)]
    [InlineData(1024, (64 << 10) + 4)]
    public void Sizes_that_cannot_be_are_refused(long sizeBytes, int blockBytes) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CountingStorage(1, sizeBytes, blockBytes));

    [Theory]
    [InlineData(-4, 4)]
    [InlineData(0, 0)]
    [InlineData(0, 6)]
    [InlineData(0, 1028)]
    [InlineData(4000, 100)]
    [InlineData(long.MaxValue, 4)]
    public void A_place_that_cannot_be_is_no_place(long offset, long length)
    {
        var storage = new CountingStorage(1, 4096) { Where = (offset, length) };
        Assert.False(storage.TryLocate(0, 1, out _, out _));
        storage.Where = (4000, 96);
        Assert.True(storage.TryLocate(0, 1, out _, out _));
    }

    [Fact]
    public async Task A_file_keeps_what_was_written()
    {
        var content = BioStorages.Pattern(1, 5000);
        await File.WriteAllBytesAsync(_path, content, TestContext.Current.CancellationToken);
        var block = BioStorages.Pattern(2, 1024);
        await using (var file = BioFile.Open(1, _path))
        {
            Assert.Equal((5000, _path, false), (file.SizeBytes, file.Name, file.IsReadOnly));
            Assert.Equal(BlockResult.OutOfRange, await file.ReadBlocksAsync(4, 1, new byte[1024], TestContext.Current.CancellationToken));
            Assert.Equal(BlockResult.Ok, await file.WriteBlocksAsync(3, 1, block, TestContext.Current.CancellationToken));
        }

        block.CopyTo(content, 3 * 1024);
        Assert.Equal(content, await File.ReadAllBytesAsync(_path, TestContext.Current.CancellationToken));
        await using var again = BioFile.Open(1, _path, isReadOnly: true, blockBytes: 8);
        var read = new byte[8];
        Assert.Equal(BlockResult.ReadOnly, await again.WriteBlocksAsync(0, 1, read, TestContext.Current.CancellationToken));
        Assert.Equal(BlockResult.Ok, await again.ReadBlocksAsync(624, 1, read, TestContext.Current.CancellationToken));
        Assert.Equal(content[^8..], read);
    }

    [Fact]
    public void A_file_that_is_not_there_is_told_by_its_name()
    {
        var error = Assert.Throws<BlockStorageException>(() => BioFile.Open(1, _path + ".missing"));
        Assert.Equal((BlockErrorKind.NotFound, _path + ".missing"), (error.Kind, error.Path));
    }

    [Fact]
    public async Task Any_storage_of_the_stack_serves()
    {
        await using var below = new MemoryStorage(10 * 1024);
        await using var overlay = new OverlayStorage(below, 1 << 20);
        var disk = new BioDisk(1, overlay);
        var block = BioStorages.Pattern(4, 1024);
        Assert.Equal(BlockResult.Ok, await disk.WriteBlocksAsync(2, 1, block, TestContext.Current.CancellationToken));
        Assert.Equal(BlockResult.Ok, await disk.FlushAsync(TestContext.Current.CancellationToken));
        var read = new byte[1024];
        Assert.Equal(BlockResult.Ok, await disk.ReadBlocksAsync(2, 1, read, TestContext.Current.CancellationToken));
        Assert.Equal(block, read);
    }

    private sealed class CountingStorage(uint sid, long sizeBytes, int blockBytes = BioLimits.BlockBytes) : BioStorage(sid, sizeBytes, blockBytes)
    {
        public int Calls { get; private set; }

        public (long Offset, long Length)? Where { get; set; }

        protected override (long OffsetBytes, long LengthBytes) Place(uint start, uint count) => Where ?? base.Place(start, count);

        protected override ValueTask<BlockResult> DoReadBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken)
        {
            Calls++;
            return ValueTask.FromResult(BlockResult.Ok);
        }

        protected override ValueTask<BlockResult> DoWriteBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken)
        {
            Calls++;
            return ValueTask.FromResult(BlockResult.Ok);
        }
    }
}
