using Eider.Hardware.Time;

namespace Eider.Hardware.Tests.Time;

public sealed class RandomSourceTests
{
    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_one_others()
    {
        var first = Take(new SeededRandomSource(7), 100);
        Assert.Equal(first, Take(new SeededRandomSource(7), 100));
        Assert.NotEqual(first, Take(new SeededRandomSource(8), 100));
    }

    // SplitMix64 from seed 0 begins E220A8397B1DCDAF, 6E789E6AA1B965F4, 06C45D188009454F, F88BB8A8724C81EC (its
    // authors' reference output); xoshiro256** then gives rotl(s1 * 5, 7) * 9 as its first word.
    [Fact]
    public void The_stream_is_xoshiro256_started_by_SplitMix64()
    {
        var expected = unchecked(ulong.RotateLeft(0x6E789E6AA1B965F4 * 5, 7) * 9);
        Assert.Equal(expected, new SeededRandomSource(0).NextUInt64());
    }

    [Fact]
    public void Short_pieces_are_filled_whole()
    {
        var random = new SeededRandomSource(1);
        for (var length = 0; length < 20; length++)
        {
            var bytes = new byte[length + 2];
            random.Fill(bytes.AsSpan(1, length));
            Assert.Equal(0, bytes[0]);
            Assert.Equal(0, bytes[^1]);
        }

        Assert.True(Take(new SeededRandomSource(1), 4096).Distinct().Count() > 200);
        Assert.True(Take(new HostRandomSource(), 4096).Distinct().Count() > 200);
    }

    private static byte[] Take(IRandomSource source, int count)
    {
        var bytes = new byte[count];
        source.Fill(bytes);
        return bytes;
    }
}
