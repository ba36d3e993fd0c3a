using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;
using Eider.Storage.Operations;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Operations;

/// <summary>Compressed copies, read back by qemu-img.</summary>
public sealed class CompressedCopierTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData((byte)0, 65536, 1, true)]
    [InlineData((byte)0, 65536, 3, false)]
    [InlineData((byte)1, 65536, 2, true)]
    [InlineData((byte)0, 512, 2, true)]
    [InlineData((byte)1, 2 << 20, 2, false)]
    public async Task Qemu_reads_the_same_bytes_from_less_space(byte compression, int clusterBytes, int workers, bool isOrdered)
    {
        var content = Content(4_500_480);
        await MakeAsync(content, new Qcow2CreateOptions { CompressionType = compression, ClusterBytes = clusterBytes }, workers, isOrdered);
        Assert.Equal(content, ImageFiles.ContentOf(_folder["disk.qcow2"], "qcow2"));
        QemuTools.Check(_folder["disk.qcow2"]);
        if (clusterBytes <= 65536)
        {
            Assert.InRange(new FileInfo(_folder["disk.qcow2"]).Length, 1, content.Length * 9 / 10);
        }
    }

    [Fact]
    public async Task An_unreadable_place_ends_it_unless_the_user_salvages()
    {
        var content = Content(1_000_448);
        var lost = new List<long>();
        await Assert.ThrowsAsync<BlockStorageException>(() => CopyAsync(content, ImageCopyOptions.Default));
        await CopyAsync(content, new ImageCopyOptions { SkipsUnreadable = true, OnUnreadable = (at, _, _) => lost.Add(at) });
        Assert.Equal([300_000 / 4096 * 4096], lost);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task CopyAsync(byte[] content, ImageCopyOptions options)
    {
        await using var source = new FaultStorage(
            await DiskAsync(content), [new FaultRule { Operation = BlockOperation.Read, OffsetBytes = 300_000 }]);
        await using var file = new MemoryStorage(0, "file");
        await Qcow2Format.CreateAsync(file, content.Length, new Qcow2CreateOptions(), cancellationToken: Token);
        await using var target = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(file, ImageOpenOptions.Default, Token);
        await CompressedCopier.CopyAsync(source, target, options, cancellationToken: Token);
    }

    private async Task MakeAsync(byte[] content, Qcow2CreateOptions create, int workers, bool isOrdered)
    {
        await using var source = await DiskAsync(content);
        var file = FileStorage.Create(_folder["disk.qcow2"], 0);
        await Qcow2Format.CreateAsync(file, content.Length, create, cancellationToken: Token);
        await using var target = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(file, ImageOpenOptions.Default, Token);
        var done = 0L;
        var options = new ImageCopyOptions { Workers = workers, IsOrdered = isOrdered, Progress = (bytes, _) => done = bytes };
        await CompressedCopier.CopyAsync(source, target, options, cancellationToken: Token);
        await target.FlushAsync(Token);
        Assert.Equal(content.Length, done);
    }

    private static byte[] Content(int length)
    {
        var random = new Random(3);
        var content = new byte[length];
        for (var at = 0; at < length; at += 30_000)
        {
            var run = content.AsSpan(at, Math.Min(30_000, length - at));
            switch (random.Next(4))
            {
                case 0:
                    random.NextBytes(run);
                    break;
                case 1:
                    run.Fill((byte)random.Next(256));
                    break;
                case 2:
                    for (var i = 0; i < run.Length; i++)
                    {
                        run[i] = (byte)('a' + (i * 7 % 11));
                    }

                    break;
                default:
                    break;
            }
        }

        return content;
    }

    private static async Task<MemoryStorage> DiskAsync(byte[] content)
    {
        var disk = new MemoryStorage(content.Length, "disk");
        await disk.WriteAsync(0, content, Token);
        return disk;
    }
}
