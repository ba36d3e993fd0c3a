using System.Text;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Tests.Compression;

namespace Eider.Storage.Tests.Formats;

/// <summary>Compressed and encrypted clusters, with QEMU on the other side.</summary>
public sealed class Qcow2CodecTests
{
    private const string Password = "correct horse";
    private const int DiskBytes = 4 * 1024 * 1024;

    [Theory]
    [InlineData("compression_type=zlib")]
    [InlineData("compression_type=zstd")]
    [InlineData("compression_type=zlib,cluster_size=4096")]
    [InlineData("compression_type=zstd,cluster_size=2M")]
    [InlineData("compat=0.10,cluster_size=512")]
    [InlineData("compression_type=zstd,extended_l2=on,cluster_size=128k")]
    public async Task Clusters_that_QEMU_compressed_are_read(string options)
    {
        using var folder = new TemporaryFolder();
        var content = Mixed();
        await File.WriteAllBytesAsync(folder["raw"], content);
        HostTool.Run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", options, folder["raw"], folder["image"]);
        await using var image = await OpenAsync(folder["image"], null);
        Assert.Equal(content, await ReadAsync(image));
        var part = new byte[5000];
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(130_001, part));
        Assert.Equal(content.AsSpan(130_001, 5000).ToArray(), part);
    }

    [Theory]
    [InlineData("encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10")]
    [InlineData("encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10,cluster_size=512")]
    [InlineData("encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10,encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv")]
    [InlineData("encrypt.format=aes,encrypt.key-secret=s")]
    [Trait("Category", "Slow")]
    public async Task An_image_that_QEMU_encrypted_is_read_with_its_passphrase_only(string options)
    {
        using var folder = new TemporaryFolder();
        var content = Mixed();
        await File.WriteAllBytesAsync(folder["raw"], content);
        await File.WriteAllTextAsync(folder["key"], Password);
        HostTool.Run(
            "qemu-img", "convert", "--object", $"secret,id=s,file={folder["key"]}", "-f", "raw", "-O", "qcow2", "-o", options,
            folder["raw"], folder["image"]);
        await using (var image = await OpenAsync(folder["image"], Password))
        {
            Assert.True(image is { IsEncrypted: true, NeedsKey: false });
            Assert.Equal(content, await ReadAsync(image));
            var part = new byte[5000];
            Assert.Equal(BlockResult.Ok, await image.ReadAsync(130_001, part));
            Assert.Equal(content.AsSpan(130_001, 5000).ToArray(), part);
        }

        await using (var locked = await OpenAsync(folder["image"], null))
        {
            var refused = await Assert.ThrowsAsync<BlockStorageException>(async () => await locked.ReadAsync(0, new byte[512]));
            Assert.Equal(BlockErrorKind.AccessDenied, refused.Kind);
        }

        // The old kind cannot tell a wrong passphrase; it gives other bytes.
        if (options.Contains("luks", StringComparison.Ordinal))
        {
            var wrong = await Assert.ThrowsAsync<BlockStorageException>(async () => await OpenAsync(folder["image"], "wrong"));
            Assert.Equal(BlockErrorKind.AccessDenied, wrong.Kind);
            Assert.DoesNotContain('\n', wrong.Message);
        }
    }

    private static byte[] Mixed() =>
    [
        .. ClusterSamples.Text(1, DiskBytes / 4), .. ClusterSamples.Random(2, DiskBytes / 4), .. new byte[DiskBytes / 4],
        .. ClusterSamples.Text(3, DiskBytes / 4),
    ];

    private static async Task<ImageStorage> OpenAsync(string path, string? password)
    {
        var file = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = true });
        try
        {
            return await ImageFormats.Qcow2.OpenAsync(file, new ImageOpenOptions
            {
                IsReadOnly = true,
                KeyOf = password == null ? null : _ => Encoding.UTF8.GetBytes(password),
            });
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    private static async Task<byte[]> ReadAsync(ImageStorage image)
    {
        var bytes = new byte[image.SizeBytes];
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, bytes));
        return bytes;
    }
}
