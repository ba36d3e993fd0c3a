using Eider.Storage.Backends;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Backends;

public sealed class CustomStorageConformance : BlockStorageConformance
{
    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new CustomStorage(new WritableBytes((byte[])content.Clone())));

    /// <summary>A user's storage that reads at most a few hundred bytes at a time.</summary>
    private sealed class WritableBytes(byte[] bytes) : IReadAt, IWriteAt, IFlush
    {
        public long SizeBytes => bytes.Length;

        public async ValueTask<int> ReadAtAsync(long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
        {
            await Task.Yield();
            var count = Math.Min(destination.Length, 700);
            bytes.AsSpan((int)offsetBytes, count).CopyTo(destination.Span);
            return count;
        }

        public ValueTask WriteAtAsync(long offsetBytes, ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
        {
            source.Span.CopyTo(bytes.AsSpan((int)offsetBytes));
            return ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}

public sealed class ReadAtOnlyConformance : BlockStorageConformance
{
    protected override bool IsReadOnly => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) => new(new CustomStorage(new CustomBytes(content)));
}

public sealed class CustomStorageTests
{
    [Fact]
    public async Task Without_write_at_the_disk_is_read_only()
    {
        await using var storage = new CustomStorage(new CustomBytes(new byte[100]), "mine");
        Assert.True(storage.Geometry.IsReadOnly);
        Assert.Equal("mine", storage.Name);
        Assert.Equal(BlockResult.ReadOnly, await storage.WriteAsync(0, new byte[1]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(11)]
    public async Task A_read_at_that_returns_nonsense_is_a_failure(int returned)
    {
        await using var storage = new CustomStorage(new CustomBytes(new byte[100]) { Returns = returned });
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.ReadAsync(5, new byte[10]));
        Assert.Equal((BlockErrorKind.Protocol, 5), (failure.Kind, failure.OffsetBytes));
    }

    [Fact]
    public async Task What_the_users_code_throws_becomes_a_storage_failure_with_the_cause()
    {
        await using var storage = new CustomStorage(new CustomBytes(new byte[100]) { Throws = new InvalidOperationException("mine") });
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.ReadAsync(5, new byte[10]));
        Assert.Equal(BlockOperation.Read, failure.Operation);
        Assert.IsType<InvalidOperationException>(failure.InnerException);
    }

    [Fact]
    public void A_negative_size_is_refused_when_the_disk_is_made() =>
        Assert.Throws<BlockStorageException>(() => new CustomStorage(new CustomBytes([]) { SizeBytes = -1 }));
}

/// <summary>A user's storage with nothing but read-at and a size, and some faults.</summary>
internal sealed class CustomBytes(byte[] bytes) : IReadAt
{
    public long SizeBytes { get; init; } = bytes.Length;

    public int? Returns { get; init; }

    public Exception? Throws { get; init; }

    public ValueTask<int> ReadAtAsync(long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (Throws != null)
        {
            throw Throws;
        }

        bytes.AsMemory((int)offsetBytes, destination.Length).CopyTo(destination);
        return new(Returns ?? destination.Length);
    }
}
