using System.Globalization;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Formats;

/// <summary>
/// Random requests on images of every combination of options, compared with an array of bytes, and judged by QEMU: the
/// same image is written by both in turn.
/// </summary>
public sealed class Qcow2RandomTests : IDisposable
{
    private const int DiskBytes = (3 << 20) + 512;
    private const int Steps = 500;
    private const int QemuSteps = 60;

    private readonly TemporaryFolder _folder = new();

    /// <summary>Options as qemu-img takes them, and the size of a backing image in KiB (0 for none).</summary>
    public static TheoryData<string, int> Combinations()
    {
        var data = new TheoryData<string, int>();
        foreach (var cluster in new[] { "512", "1k", "4k", "64k", "2M" })
        {
            data.Add($"compat=0.10,cluster_size={cluster}", 0);
            data.Add($"compat=1.1,cluster_size={cluster}", 0);
            data.Add($"compat=1.1,cluster_size={cluster},lazy_refcounts=on", 1000);
            data.Add($"compat=0.10,cluster_size={cluster}", 2000);
            data.Add($"compat=1.1,cluster_size={cluster}", 5000);
        }

        foreach (var width in new[] { 1, 2, 4, 8, 32, 64 })
        {
            data.Add($"refcount_bits={width},cluster_size=512", 0);
            data.Add($"refcount_bits={width},cluster_size=8k", 700);
        }

        foreach (var cluster in new[] { "16k", "64k", "1M" })
        {
            data.Add($"extended_l2=on,cluster_size={cluster}", 0);
            data.Add($"extended_l2=on,cluster_size={cluster}", 2500);
            data.Add($"extended_l2=on,cluster_size={cluster},lazy_refcounts=on,refcount_bits=8", 0);
        }

        data.Add("preallocation=metadata,cluster_size=4k", 0);
        data.Add("preallocation=falloc", 0);
        data.Add("preallocation=full,cluster_size=32k", 0);
        data.Add("preallocation=metadata,extended_l2=on", 0);
        data.Add("data_file=DATA", 0);
        data.Add("data_file=DATA,cluster_size=4k", 800);
        data.Add("data_file=DATA,data_file_raw=on", 0);
        data.Add("data_file=DATA,data_file_raw=on,cluster_size=2k", 0);
        data.Add("data_file=DATA,extended_l2=on", 0);
        data.Add("compression_type=zstd", 0);
        return data;
    }

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Combinations))]
    public async Task Images_of_qemu_and_of_ours_hold_what_both_wrote(string options, int backingKib)
    {
        foreach (var isOurs in new[] { false, true })
        {
            var (path, content) = await CreateAsync(options, backingKib, isOurs);
            var model = new StorageModel(content);
            var random = new Random(options.Length + backingKib);
            for (var round = 0; round < 2; round++)
            {
                await WriteHereAsync(path, model, random);
                QemuTools.Check(path);
                WriteByQemu(path, model, random);
            }

            await using var image = await OpenAsync(path);
            var found = new byte[DiskBytes];
            Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, found, TestContext.Current.CancellationToken));
            model.Check(0, found);
        }
    }

    public void Dispose() => _folder.Dispose();

    private static async Task WriteHereAsync(string path, StorageModel model, Random random)
    {
        await using var image = await OpenAsync(path);
        for (var step = 0; step < Steps; step++)
        {
            await StepAsync(image, model, random);
        }

        var found = new byte[DiskBytes];
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, found, TestContext.Current.CancellationToken));
        model.Check(0, found);
    }

    private static async Task StepAsync(BlockStorage image, StorageModel model, Random random)
    {
        var length = random.Next(4) switch
        {
            0 => random.Next(1, 200_000),
            1 => 512 * random.Next(1, 20),
            _ => random.Next(1, 5000),
        };
        var offset = random.Next(DiskBytes - length);
        offset = random.Next(3) switch
        {
            0 => offset & ~511,
            1 => offset & ~0xFFFF,
            _ => offset,
        };
        switch (random.Next(20))
        {
            case < 7:
                var data = new byte[length];
                random.NextBytes(data.AsSpan(0, Math.Min(length, 64)));
                data.AsSpan(Math.Min(length, 64)).Fill((byte)random.Next(256));
                Assert.Equal(BlockResult.Ok, await image.WriteAsync(offset, ScatterLists.Cut(random, data, 5)));
                model.Write(offset, data);
                break;
            case < 11:
                Assert.Equal(BlockResult.Ok, await image.WriteZeroesAsync(offset, length, random.Next(2) == 0));
                model.Write(offset, new byte[length]);
                break;
            case < 13:
                var result = await image.DiscardAsync(offset, length);
                model.Discard(offset, result == BlockResult.Ok ? length : 0);
                break;
            case 13:
                Assert.Equal(BlockResult.Ok, await image.FlushAsync());
                break;
            default:
                var read = new byte[length];
                Assert.Equal(BlockResult.Ok, await image.ReadAsync(offset, ScatterLists.Cut(random, read, 5)));
                model.Check(offset, read);
                break;
        }
    }

    private static void WriteByQemu(string path, StorageModel model, Random random)
    {
        var commands = new List<string>();
        for (var step = 0; step < QemuSteps; step++)
        {
            var length = 512 * random.Next(1, random.Next(4) == 0 ? 400 : 20);
            var offset = 512 * random.Next((DiskBytes - length) / 512);
            var value = (byte)random.Next(1, 256);
            if (random.Next(4) == 0)
            {
                commands.Add(string.Create(CultureInfo.InvariantCulture, $"write -z {(random.Next(2) == 0 ? "-u" : "")} {offset} {length}"));
                model.Write(offset, new byte[length]);
            }
            else
            {
                var data = new byte[length];
                data.AsSpan().Fill(value);
                commands.Add(string.Create(CultureInfo.InvariantCulture, $"write -P {value} {offset} {length}"));
                model.Write(offset, data);
                commands.Add(string.Create(CultureInfo.InvariantCulture, $"read -P {value} {offset} {length}"));
            }
        }

        QemuTools.Io(path, commands, "-f", "qcow2", "-d", "unmap", "-t", "unsafe");
    }

    private static ValueTask<BlockStorage> OpenAsync(string path) => StorageOpener.OpenAsync(
        path,
        new StorageOpenOptions
        {
            Format = "qcow2",
            Image = new ImageOpenOptions { Chain = ImageChainPolicy.Allow, CacheBytes = 128 * 1024 },
        },
        TestContext.Current.CancellationToken);

    private async Task<(string Path, byte[] Content)> CreateAsync(string options, int backingKib, bool isOurs)
    {
        var path = _folder[$"disk{isOurs}.qcow2"];
        var content = new byte[DiskBytes];
        options = options.Replace("DATA", path + ".data", StringComparison.Ordinal);
        if (backingKib > 0)
        {
            new Random(backingKib).NextBytes(content.AsSpan(0, Math.Min(DiskBytes, backingKib * 1024)));
            var backing = content.AsSpan(0, Math.Min(DiskBytes, backingKib * 1024)).ToArray();
            Array.Resize(ref backing, backingKib * 1024);
            await File.WriteAllBytesAsync(_folder["base.raw"], backing, TestContext.Current.CancellationToken);
            options += $",backing_file={_folder["base.raw"]},backing_fmt=raw";
        }

        if (!isOurs)
        {
            QemuTools.Img("create", "-q", "-f", "qcow2", "-o", options, path, $"{DiskBytes}");
            return (path, content);
        }

        await using var file = FileStorage.Create(path, 0);
        await using var data = options.Contains("data_file=", StringComparison.Ordinal) ? FileStorage.Create(path + ".data", 0) : null;
        var create = new ImageCreateOptions
        {
            SizeBytes = DiskBytes,
            DataFile = data,
            Options = options.Split(',').Select(option => option.Split('=')).ToDictionary(parts => parts[0], parts => parts[1]),
        };
        await ImageFormats.Qcow2.CreateAsync(file, create, TestContext.Current.CancellationToken);
        return (path, content);
    }
}
