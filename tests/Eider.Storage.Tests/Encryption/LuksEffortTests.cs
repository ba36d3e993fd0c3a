using System.Buffers.Binary;
using System.Diagnostics;
using Eider.Storage.Backends;
using Eider.Storage.Encryption;

namespace Eider.Storage.Tests.Encryption;

/// <summary>Key slots whose passphrase would take minutes to try.</summary>
public sealed class LuksEffortTests
{
    private const int IterationsOfSlot0 = 208 + 4;
    private const int SlotBytes = 48;

    [Fact]
    public async Task Slots_that_would_take_minutes_are_refused_by_their_number_before_they_are_tried()
    {
        await using var storage = new MemoryStorage(4 << 20, "disk.luks");
        var options = new LuksCreateOptions { Iterations = 1000 };
        var (area, cipher) = await LuksArea.CreateAsync(storage, 0, "right"u8.ToArray(), options);
        cipher.Dispose();
        await area.AddKeyAsync("right"u8.ToArray(), "other"u8.ToArray(), options);
        var header = new byte[LuksHeader.SizeBytes];
        await storage.ReadAsync(0, header);

        // A good passphrase in slot 0, and a slot 1 of half an hour.
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(IterationsOfSlot0 + SlotBytes), 500_000_000);
        await storage.WriteAsync(0, header);
        var spoiled = await LuksArea.OpenAsync(storage, 0, storage.SizeBytes);
        Assert.Equal(0, await spoiled.FindSlotAsync("right"u8.ToArray()));
        var watch = Stopwatch.StartNew();
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await spoiled.FindSlotAsync("wrong"u8.ToArray()));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"it took {watch.Elapsed}");
        Assert.Equal(BlockErrorKind.UnsupportedFeature, failure.Kind);
        Assert.Contains("key slot 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("500000000 iterations", failure.Message, StringComparison.Ordinal);
    }
}
