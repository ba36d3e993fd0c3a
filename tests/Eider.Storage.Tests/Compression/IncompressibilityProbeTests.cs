using Eider.Storage.Compression;

namespace Eider.Storage.Tests.Compression;

public sealed class IncompressibilityProbeTests
{
    [Fact]
    public void Of_20000_random_clusters_none_is_taken_for_compressible()
    {
        var random = new Random(4711);
        var cluster = new byte[65536];
        var wrong = 0;
        for (var step = 0; step < 20_000; step++)
        {
            // A sixteenth is new each time: all samples of a cluster move on within sixteen steps.
            random.NextBytes(cluster.AsSpan(step % 16 * 4096, 4096));
            wrong += step >= 16 && !IncompressibilityProbe.IsIncompressible(cluster) ? 1 : 0;
        }

        Assert.InRange(wrong, 0, 20);
    }

    [Theory]
    [InlineData("zero")]
    [InlineData("text")]
    [InlineData("counter")]
    [InlineData("words")]
    [InlineData("base64")]
    [InlineData("period 3000")]
    [InlineData("half")]
    public void What_compresses_is_never_taken_for_random(string kind)
    {
        for (var seed = 0; seed < 200; seed++)
        {
            Assert.False(IncompressibilityProbe.IsIncompressible(ClusterSamples.Of(kind, seed, 65536)), $"{kind}, seed {seed}");
        }
    }

    [Fact]
    public void One_page_of_text_among_random_ones_is_seen_wherever_it_lies()
    {
        for (var page = 0; page < 16; page++)
        {
            var cluster = ClusterSamples.Random(page, 65536);
            ClusterSamples.Text(page, 4096).CopyTo(cluster, page * 4096);
            Assert.False(IncompressibilityProbe.IsIncompressible(cluster), $"page {page}");
        }
    }

    [Fact]
    public void What_deflate_made_is_taken_for_incompressible()
    {
        using var codec = ClusterCodec.Create(ClusterCompression.Zlib, 9);
        var packed = new byte[1 << 20];
        Assert.True(codec.TryCompress(ClusterSamples.Text(1, 1 << 20), packed, out var length));
        var wrong = 0;
        for (var offset = 0; offset + 65536 <= length; offset += 65536)
        {
            wrong += IncompressibilityProbe.IsIncompressible(packed.AsSpan(offset, 65536)) ? 0 : 1;
        }

        Assert.Equal(0, wrong);
    }

    [Fact]
    public void Small_data_is_not_judged() => Assert.False(IncompressibilityProbe.IsIncompressible(ClusterSamples.Random(1, 2048)));
}
