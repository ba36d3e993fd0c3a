using System.IO.Compression;
using Eider.Storage.Compression;

namespace Eider.Storage.Tests.Compression;

public sealed class ClusterCodecTests
{
    private const int ClusterBytes = 65536;

    public static TheoryData<string, int> ZlibCases => ClusterSamples.KindsAndLevels([1, 2, 3, 4, 5, 6, 7, 8, 9]);

    public static TheoryData<string, int> ZstdCases => ClusterSamples.KindsAndLevels([1, 3, 9, 19, 22]);

    [Theory]
    [MemberData(nameof(ZlibCases))]
    public void A_zlib_cluster_decodes_with_a_window_of_4_KiB_and_an_output_buffer_of_1000_bytes(string kind, int level)
    {
        var cluster = ClusterSamples.Of(kind, 5, ClusterBytes);
        foreach (var library in new[] { ZlibLibrary.Framework, ZlibLibrary.System })
        {
            using var codec = new ZlibClusterCodec(level, library);
            var packed = new byte[2 * ClusterBytes];
            Assert.True(codec.TryCompress(cluster, packed, out var length));
            var inflater = new SmallWindowInflater(packed[..length]);
            Assert.Equal(cluster, inflater.Inflate());
            Assert.InRange(inflater.LongestDistance, 0, SmallWindowInflater.WindowBytes);
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    [InlineData(2 * 1024 * 1024)]
    public void Every_codec_gives_back_what_it_was_given_for_every_cluster_size(int clusterBytes)
    {
        foreach (var compression in Enum.GetValues<ClusterCompression>())
        {
            using var codec = ClusterCodec.Create(compression);
            var cluster = ClusterSamples.Text(clusterBytes, clusterBytes);
            var packed = new byte[clusterBytes - 1];
            Assert.True(codec.TryCompress(cluster, packed, out var length));
            Assert.True(length < clusterBytes);

            // On disk the sectors after it hold whatever comes next.
            var stored = (byte[])[.. packed[..length], .. ClusterSamples.Random(1, 512)];
            var read = new byte[clusterBytes];
            Assert.True(codec.TryDecompress(stored, read));
            Assert.Equal(cluster, read);
        }
    }

    [Theory]
    [MemberData(nameof(ZstdCases))]
    public void A_zstd_cluster_of_any_kind_and_level_reads_back(string kind, int level)
    {
        using var codec = new ZstdClusterCodec(level);
        var cluster = ClusterSamples.Of(kind, 6, ClusterBytes);
        var packed = new byte[2 * ClusterBytes];
        Assert.True(codec.TryCompress(cluster, packed, out var length));
        var read = new byte[ClusterBytes];
        Assert.True(codec.TryDecompress(packed.AsSpan(0, length), read));
        Assert.Equal(cluster, read);
    }

    [Fact]
    public void What_does_not_get_smaller_is_refused_and_not_written_past_its_room()
    {
        foreach (var compression in Enum.GetValues<ClusterCompression>())
        {
            using var codec = ClusterCodec.Create(compression);
            var room = new byte[ClusterBytes + 8];
            room.AsSpan().Fill(0xA5);
            Assert.False(codec.TryCompress(ClusterSamples.Random(3, ClusterBytes), room.AsSpan(0, ClusterBytes - 1), out _));
            Assert.All(room[^9..], value => Assert.Equal(0xA5, value));
        }
    }

    [Fact]
    public void Deflate_with_distances_of_32_KiB_by_another_writer_is_read()
    {
        var cluster = ClusterSamples.Repeating(8, 30000, ClusterBytes);
        using var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            deflate.Write(cluster);
        }

        Assert.Throws<InvalidDataException>(() => new SmallWindowInflater(stream.ToArray()).Inflate());
        foreach (var library in new[] { ZlibLibrary.Framework, ZlibLibrary.System })
        {
            using var codec = new ZlibClusterCodec(6, library);
            var read = new byte[ClusterBytes];
            Assert.True(codec.TryDecompress(stream.ToArray(), read));
            Assert.Equal(cluster, read);
        }
    }

    [Fact]
    public void A_zstd_cluster_made_of_several_frames_is_read_until_it_is_full()
    {
        using var codec = new ZstdClusterCodec();
        var cluster = ClusterSamples.Text(4, ClusterBytes);
        var stored = new List<byte>();
        for (var offset = 0; offset < ClusterBytes; offset += 20000)
        {
            var part = cluster.AsSpan(offset, Math.Min(20000, ClusterBytes - offset));
            var packed = new byte[ClusterBytes];
            Assert.True(codec.TryCompress(part, packed, out var length));
            stored.AddRange(packed.AsSpan(0, length));
        }

        var read = new byte[ClusterBytes];
        Assert.True(codec.TryDecompress(stored.ToArray(), read));
        Assert.Equal(cluster, read);
    }

    [Theory]
    [InlineData(ClusterCompression.Zlib)]
    [InlineData(ClusterCompression.Zstd)]
    public void A_bomb_fills_one_cluster_and_no_more(ClusterCompression compression)
    {
        using var codec = ClusterCodec.Create(compression);
        var packed = new byte[ClusterBytes];
        Assert.True(codec.TryCompress(new byte[16 * 1024 * 1024], packed, out var length));
        var room = new byte[ClusterBytes + 8];
        room.AsSpan(ClusterBytes).Fill(0x5A);
        _ = codec.TryDecompress(packed.AsSpan(0, length), room.AsSpan(0, ClusterBytes));
        Assert.All(room[ClusterBytes..], value => Assert.Equal(0x5A, value));
    }

    [Theory]
    [InlineData(ClusterCompression.Zlib)]
    [InlineData(ClusterCompression.Zstd)]
    public void Damaged_and_short_streams_are_refused_or_give_a_full_cluster_and_the_codec_still_works(ClusterCompression compression)
    {
        using var codec = ClusterCodec.Create(compression);
        var cluster = ClusterSamples.Of("half", 9, ClusterBytes);
        var packed = new byte[ClusterBytes];
        Assert.True(codec.TryCompress(cluster, packed, out var length));
        var random = new Random(17);
        var read = new byte[ClusterBytes];
        for (var step = 0; step < 2000; step++)
        {
            var bad = packed.AsSpan(0, length).ToArray();
            bad[random.Next(length)] ^= (byte)(1 << random.Next(8));
            _ = codec.TryDecompress(bad.AsSpan(0, random.Next(length + 1)), read);
        }

        Assert.False(codec.TryDecompress([], read));
        Assert.False(codec.TryDecompress(packed.AsSpan(0, length / 2), read));
        Assert.True(codec.TryDecompress(packed.AsSpan(0, length), read));
        Assert.Equal(cluster, read);
    }

    [Fact]
    public void A_higher_level_makes_text_smaller()
    {
        foreach (var (compression, low, high) in new[] { (ClusterCompression.Zlib, 1, 9), (ClusterCompression.Zstd, 1, 19) })
        {
            using var fast = ClusterCodec.Create(compression, low);
            using var small = ClusterCodec.Create(compression, high);
            var packed = new byte[ClusterBytes];
            var cluster = ClusterSamples.Text(2, ClusterBytes);
            Assert.True(fast.TryCompress(cluster, packed, out var fastLength));
            Assert.True(small.TryCompress(cluster, packed, out var smallLength));
            Assert.True(smallLength < fastLength, $"{compression}: {smallLength} of level {high}, {fastLength} of level {low}");
        }
    }

    [Theory]
    [InlineData(ClusterCompression.Zlib, 0)]
    [InlineData(ClusterCompression.Zlib, 10)]
    [InlineData(ClusterCompression.Zstd, 0)]
    [InlineData(ClusterCompression.Zstd, 23)]
    public void A_level_that_does_not_exist_is_refused(ClusterCompression compression, int level) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ClusterCodec.Create(compression, level));

    [Fact]
    public void Without_libzstd_the_message_says_what_to_install()
    {
        Assert.Null(ZstdLibrary.Load(["libzstd-of-nowhere.so.9", "libc.so.6"]));
        var missing = ZstdLibrary.Missing();
        Assert.Equal(BlockErrorKind.UnsupportedFeature, missing.Kind);
        Assert.Contains("libzstd1", missing.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', missing.Message);
    }

    [Fact]
    public void Codecs_serve_many_threads_and_allocate_nothing_once_warm()
    {
        foreach (var compression in Enum.GetValues<ClusterCompression>())
        {
            using var codec = ClusterCodec.Create(compression);
            Parallel.For(0, 64, index =>
            {
                var cluster = ClusterSamples.Text(index, 16384);
                var packed = new byte[16384];
                var read = new byte[16384];
                Assert.True(codec.TryCompress(cluster, packed, out var length));
                Assert.True(codec.TryDecompress(packed.AsSpan(0, length), read));
                Assert.Equal(cluster, read);
            });
            var source = ClusterSamples.Text(1, 16384);
            var target = new byte[16384];
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var step = 0; step < 50; step++)
            {
                codec.TryCompress(source, target, out var length);
                codec.TryDecompress(target.AsSpan(0, length), source);
            }

            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }
}
