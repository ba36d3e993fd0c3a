using Eider.Devices.Virtio.Entropy;

namespace Eider.Devices.Tests.Virtio.Entropy;

public sealed class TokenBucketTests
{
    [Fact]
    public void A_new_bucket_is_full_and_an_empty_one_fills_in_one_period()
    {
        var bucket = new TokenBucket(100, 1000, nowTicks: 5);
        Assert.Equal(100, bucket.GetAvailable(5));
        bucket.Take(100);
        Assert.Equal(0, bucket.GetAvailable(14));
        Assert.Equal(1, bucket.GetAvailable(15));
        Assert.Equal(99, bucket.GetAvailable(1004));
        Assert.Equal(100, bucket.GetAvailable(1005));
        Assert.Equal(100, bucket.GetAvailable(1_000_000));
    }

    [Fact]
    public void The_wait_for_tokens_is_exact()
    {
        for (var period = 1UL; period < 40; period++)
        {
            for (var capacity = 1L; capacity < 12; capacity++)
            {
                var bucket = new TokenBucket(capacity, period, 0);
                bucket.Take(capacity);
                var wait = bucket.GetTicksUntil(1);
                Assert.Equal(0, bucket.GetAvailable(wait - 1));
                Assert.True(bucket.GetAvailable(wait) >= 1);
            }
        }
    }

    [Fact]
    public void No_stretch_of_time_ever_gives_more_than_a_bucket_and_its_share()
    {
        var random = new Random(20);
        for (var round = 0; round < 300; round++)
        {
            var capacity = random.NextInt64(1, 1000);
            var period = (ulong)random.NextInt64(1, 1000);
            var bucket = new TokenBucket(capacity, period, 0);
            var (now, taken) = (0UL, 0L);
            for (var step = 0; step < 100; step++)
            {
                now += (ulong)random.Next(0, 50);
                var count = random.NextInt64(0, bucket.GetAvailable(now) + 1);
                bucket.Take(count);
                taken += count;
                Assert.True(
                    (UInt128)(ulong)taken * period <= ((UInt128)period + now) * (ulong)capacity,
                    $"capacity {capacity}, period {period}: {taken} by {now}");
            }
        }
    }

    [Fact]
    public void Extreme_numbers_do_not_overflow_and_time_that_goes_back_changes_nothing()
    {
        var bucket = new TokenBucket(long.MaxValue, ulong.MaxValue, 0);
        bucket.Take(long.MaxValue);
        Assert.Equal(long.MaxValue, bucket.GetAvailable(ulong.MaxValue));
        Assert.Equal(long.MaxValue, bucket.GetAvailable(0));
        bucket.Take(1);
        Assert.Equal(long.MaxValue - 1, bucket.GetAvailable(0));
    }
}
