using System.Text;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;
using Eider.Storage.Operations;
using Eider.Storage.Tests.Compression;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Formats;

public sealed class EncryptedQcow2Conformance : BlockStorageConformance
{
    protected override int SizeMultiple => 512;

    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        await Qcow2CodecTests.EncryptedAsync(content, "encrypt.format=luks,encrypt.iter-time=1", file => file);

    protected override async ValueTask<BlockStorage> CreateFaultyAsync(byte[] content, int seed)
    {
        FaultStorage? faults = null;
        var image = await Qcow2CodecTests.EncryptedAsync(
            content, "encrypt.format=aes,extended_l2=on,cluster_size=16k", file => faults = new FaultStorage(file, []));
        foreach (var rule in FaultRules(seed))
        {
            // No disk tears a sector, and one that is half old and half new cannot be decrypted.
            faults!.Add(rule with { TornBytes = rule.TornBytes / 512 * 512 });
        }

        return image;
    }
}

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

    [Theory]
    [InlineData("compression_type=zlib", 0, true)]
    [InlineData("compression_type=zlib", 9, false)]
    [InlineData("compression_type=zstd", 0, false)]
    [InlineData("compression_type=zstd", 19, true)]
    [InlineData("compression_type=zlib,cluster_size=4096", 0, false)]
    [InlineData("compression_type=zstd,cluster_size=2M", 0, false)]
    [InlineData("compat=0.10,cluster_size=512", 0, false)]
    [InlineData("compression_type=zstd,extended_l2=on,cluster_size=128k", 0, false)]
    [InlineData("compression_type=zlib,refcount_bits=1", 0, false)]
    public async Task What_is_compressed_here_QEMU_checks_reads_and_finds_no_larger(string options, int level, bool isOrdered)
    {
        using var folder = new TemporaryFolder();
        var content = Mixed();
        await File.WriteAllBytesAsync(folder["raw"], content);
        await CreateAsync(folder["image"], content.Length, options, null);
        await using (var image = (Qcow2Image)await OpenAsync(folder["image"], null, isReadOnly: false))
        {
            await using var source = FileStorage.Open(folder["raw"], new FileStorageOptions { IsReadOnly = true });
            var seen = 0L;
            await CompressedImageCopier.CopyAsync(source, image, new CompressedCopyOptions
            {
                Level = level == 0 ? null : level,
                Threads = 3,
                IsOrdered = isOrdered,
                TargetIsZero = true,
                Progress = (done, _) => seen = done,
            });
            Assert.Equal(content.Length, seen);
            Assert.Equal(content, await ReadAsync(image));
        }

        HostTool.Run("qemu-img", "check", "-f", "qcow2", folder["image"]);
        HostTool.Run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", folder["raw"], folder["image"]);
        HostTool.Run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", options, folder["raw"], folder["theirs"]);
        var (ours, theirs) = (new FileInfo(folder["image"]).Length, new FileInfo(folder["theirs"]).Length);
        Assert.True(ours <= theirs * 1.05, $"{ours} bytes here, {theirs} by QEMU");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(4096)]
    [InlineData(65535)]
    [InlineData(65537)]
    public async Task Disks_that_end_inside_a_cluster_and_holes_that_do_are_compressed_wholly(int more)
    {
        using var folder = new TemporaryFolder();
        var size = (5 * 65536) + (more / 512 * 512);
        var content = new byte[size];
        ClusterSamples.Text(1, 70_000).CopyTo(content, 30_000);
        content[^1] = 1;
        await CreateAsync(folder["image"], size, "", null);
        await using (var image = (Qcow2Image)await OpenAsync(folder["image"], null, isReadOnly: false))
        {
            // What was there before must go.
            await image.WriteAsync(0, ClusterSamples.Random(5, size));
            await using var source = new MemoryStorage(size);
            await source.WriteAsync(30_000, content.AsMemory(30_000, 70_000).ToArray());
            await source.WriteAsync(size - 1, new byte[] { 1 });
            await CompressedImageCopier.CopyAsync(source, image);
            Assert.Equal(content, await ReadAsync(image));
        }

        HostTool.Run("qemu-img", "check", "-f", "qcow2", folder["image"]);
    }

    [Theory]
    [InlineData("encrypt.format=luks,encrypt.iter-time=10")]
    [InlineData("encrypt.format=luks,encrypt.iter-time=10,cluster_size=512")]
    [InlineData("encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,cluster_size=2M")]
    [InlineData("encrypt.format=luks,encrypt.iter-time=10,extended_l2=on,cluster_size=32k")]
    [InlineData("encrypt.format=aes")]
    [InlineData("encryption=on,compat=0.10")]
    public async Task An_image_that_is_encrypted_here_QEMU_checks_and_reads(string options)
    {
        using var folder = new TemporaryFolder();
        var content = Mixed();
        await File.WriteAllTextAsync(folder["key"], Password);
        await CreateAsync(folder["image"], content.Length, options, Password);
        await using (var image = await OpenAsync(folder["image"], Password, isReadOnly: false))
        {
            var random = new Random(4);
            for (var offset = 0; offset < content.Length;)
            {
                var length = Math.Min(content.Length - offset, random.Next(1, 200_000));
                await image.WriteAsync(offset, content.AsMemory(offset, length).ToArray());
                offset += length;
            }

            for (var step = 0; step < 100; step++)
            {
                var patch = ClusterSamples.Random(step, random.Next(1, 5000));
                var place = random.Next(content.Length - patch.Length);
                patch.CopyTo(content, place);
                await image.WriteAsync(place, patch);
            }

            Assert.Equal(content, await ReadAsync(image));
        }

        await using (var again = await OpenAsync(folder["image"], Password))
        {
            Assert.Equal(content, await ReadAsync(again));
        }

        var opened = options.Contains("luks", StringComparison.Ordinal) ? "luks" : "aes";
        var name = $"driver=qcow2,encrypt.format={opened},encrypt.key-secret=s,file.driver=file,file.filename={folder["image"]}";
        var secret = $"secret,id=s,file={folder["key"]}";
        HostTool.Run("qemu-img", "check", "--object", secret, "--image-opts", name);
        HostTool.Run("qemu-img", "convert", "--object", secret, "--image-opts", name, "-O", "raw", folder["out"]);
        Assert.Equal(content, await File.ReadAllBytesAsync(folder["out"]));
    }

    [Theory]
    [InlineData("encrypt.format=luks2", "found encrypt.format=luks2")]
    [InlineData("encrypt.format=luks,encrypt.cipher-alg=serpent-256", "found encrypt.cipher-alg=serpent-256")]
    [InlineData("encrypt.format=luks,encrypt.iter-time=fast", "found encrypt.iter-time=fast")]
    [InlineData("encrypt.cipher-alg=aes-128", "needs encrypt.format=luks")]
    [InlineData("encrypt.format=luks", "needs a passphrase")]
    public async Task Impossible_options_of_encryption_are_refused_before_anything_is_written(string options, string found)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["image"], "untouched");
        var key = options == "encrypt.format=luks" ? null : Password;
        var refused = await Assert.ThrowsAsync<BlockStorageException>(async () => await CreateAsync(folder["image"], 1 << 20, options, key));
        Assert.Contains(found, refused.Message, StringComparison.Ordinal);
        Assert.Equal("untouched", await File.ReadAllTextAsync(folder["image"]));
    }

    [Fact]
    public async Task An_encrypted_image_holds_no_compressed_clusters()
    {
        using var folder = new TemporaryFolder();
        await CreateAsync(folder["image"], 1 << 20, "encrypt.format=aes", Password);
        await using var image = (Qcow2Image)await OpenAsync(folder["image"], Password, isReadOnly: false);
        await using var source = new MemoryStorage(1 << 20);
        var refused = await Assert.ThrowsAsync<BlockStorageException>(async () => await CompressedImageCopier.CopyAsync(source, image));
        Assert.Equal(BlockErrorKind.UnsupportedFeature, refused.Kind);
    }

    [Fact]
    public async Task Copy_on_read_fetches_each_block_from_behind_once_and_never_covers_a_write()
    {
        using var folder = new TemporaryFolder();
        var content = ClusterSamples.Random(8, 1 << 20);
        await CreateAsync(folder["image"], content.Length, "", null);
        var behind = new StatisticsStorage(new MemoryStorage((byte[])content.Clone()), TimeProvider.System);
        var options = new ImageOpenOptions { Backing = behind };
        await using (var image = new CopyOnReadStorage(await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(folder["image"]), options)))
        {
            var random = new Random(8);
            await Parallel.ForAsync(0, 400, async (step, token) =>
            {
                int place;
                bool isWrite;
                lock (random)
                {
                    place = random.Next(content.Length / 4096);
                    isWrite = random.Next(4) == 0;
                }

                // Each place is written with one content only, so that readers can tell the two apart.
                var written = ClusterSamples.Random(1000 + place, 4096);
                if (isWrite)
                {
                    await image.WriteAsync(place * 4096, written, token);
                }
                else
                {
                    var read = new byte[4096];
                    await image.ReadAsync(place * 4096, read, token);
                    Assert.True(read.AsSpan().SequenceEqual(written) || read.AsSpan().SequenceEqual(content.AsSpan(place * 4096, 4096)));
                    if (read.AsSpan().SequenceEqual(written))
                    {
                        await image.ReadAsync(place * 4096, read, token);
                        Assert.Equal(written, read);
                    }
                }
            });
            await image.ReadAsync(0, new byte[content.Length]);
            var fetched = behind[BlockOperation.Read].Bytes;
            await image.ReadAsync(0, new byte[content.Length]);
            Assert.Equal(fetched, behind[BlockOperation.Read].Bytes);
            Assert.True(image.CopiedBytes > 0);
        }

        HostTool.Run("qemu-img", "check", "-f", "qcow2", folder["image"]);
    }

    internal static async Task<ImageStorage> EncryptedAsync(byte[] content, string options, Func<BlockStorage, BlockStorage> wrap)
    {
        // The file goes when the image is closed: its name may go at once.
        using var folder = new TemporaryFolder();
        await CreateAsync(folder["image"], content.Length, options, Password);
        var file = FileStorage.Open(folder["image"]);
        var image = await ImageFormats.Qcow2.OpenAsync(wrap(file), new ImageOpenOptions { KeyOf = _ => Encoding.UTF8.GetBytes(Password) });
        await image.WriteAsync(0, (byte[])content.Clone());
        return image;
    }

    private static async Task CreateAsync(string path, long size, string options, string? password)
    {
        await using var file = File.Exists(path) ? FileStorage.Open(path) : FileStorage.Create(path, 0);
        await ImageFormats.Qcow2.CreateAsync(file, new ImageCreateOptions
        {
            SizeBytes = size,
            Key = password == null ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(password),
            Options = options.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(option => option.Split('='))
                .ToDictionary(pair => pair[0], pair => pair[1]),
        });
    }

    private static byte[] Mixed() =>
    [
        .. ClusterSamples.Text(1, DiskBytes / 4), .. ClusterSamples.Random(2, DiskBytes / 4), .. new byte[DiskBytes / 4],
        .. ClusterSamples.Text(3, DiskBytes / 4),
    ];

    private static async Task<ImageStorage> OpenAsync(string path, string? password, bool isReadOnly = true)
    {
        var file = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = isReadOnly });
        try
        {
            return await ImageFormats.Qcow2.OpenAsync(file, new ImageOpenOptions
            {
                IsReadOnly = isReadOnly,
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
