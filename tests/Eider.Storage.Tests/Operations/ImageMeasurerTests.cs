using System.Text.Json;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Operations;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Operations;

/// <summary>The size of an image before there is one, against qemu-img measure.</summary>
public sealed class ImageMeasurerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(0, 65536, 16, false)]
    [InlineData(1, 65536, 16, false)]
    [InlineData(1L << 20, 512, 64, false)]
    [InlineData(10_000_000_000, 65536, 16, false)]
    [InlineData(8L << 40, 65536, 16, false)]
    [InlineData(1L << 40, 2 << 20, 1, false)]
    [InlineData(100L << 30, 131072, 16, true)]
    [InlineData(123_456_789, 4096, 8, false)]
    public void The_size_of_an_empty_and_of_a_full_image_is_what_qemu_says(long size, int cluster, int bits, bool isExtended)
    {
        var options = new Qcow2CreateOptions { ClusterBytes = cluster, RefcountBits = bits, HasExtendedL2 = isExtended };
        var expected = Measure("--size", $"{size}", "-O", "qcow2", "-o", $"cluster_size={cluster},refcount_bits={bits},extended_l2={(isExtended ? "on" : "off")}");
        Assert.Equal(expected, ImageMeasurer.MeasureQcow2(size, options));
    }

    [Theory]
    [InlineData(65536, ImagePreallocation.Off)]
    [InlineData(4096, ImagePreallocation.Off)]
    [InlineData(65536, ImagePreallocation.Metadata)]
    [InlineData(65536, ImagePreallocation.Full)]
    public async Task The_size_for_a_disk_counts_its_data(int cluster, ImagePreallocation preallocation)
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", path, "40M");
        QemuTools.Io(path, ["write -P 1 100k 1k", "write -P 1 1M 3M", "write -z 5M 1M", "write -P 1 39M 1M"], "-f", "qcow2");
        var expected = Measure(
            "-f", "qcow2", "-O", "qcow2", "-o", $"cluster_size={cluster},preallocation={preallocation.ToString().ToLowerInvariant()}", path);
        await using var image = await ImageFiles.OpenAsync(path, "qcow2", isReadOnly: true);
        var options = new Qcow2CreateOptions { ClusterBytes = cluster, Preallocation = preallocation };
        Assert.Equal(expected, await ImageMeasurer.MeasureQcow2Async(image, options, TestContext.Current.CancellationToken));
    }

    public void Dispose() => _folder.Dispose();

    private static ImageMeasurement Measure(params string[] arguments)
    {
        using var json = JsonDocument.Parse(QemuTools.Img(["measure", "--output=json", .. arguments]));
        return new ImageMeasurement(
            json.RootElement.GetProperty("required").GetInt64(), json.RootElement.GetProperty("fully-allocated").GetInt64())
        {
            BitmapBytes = json.RootElement.TryGetProperty("bitmaps", out var bitmaps) ? bitmaps.GetInt64() : null,
        };
    }
}
