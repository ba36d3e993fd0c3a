using System.Buffers.Binary;
using System.Text.Json;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Checking;

namespace Eider.Storage.Tests.Formats;

/// <summary>Check and repair, judged by qemu-img check.</summary>
public sealed class Qcow2CheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("cluster_size=4k")]
    [InlineData("cluster_size=512,refcount_bits=8")]
    [InlineData("cluster_size=64k")]
    [InlineData("cluster_size=16k,extended_l2=on")]
    public async Task Damage_is_found_as_qemu_finds_it_and_mended(string options)
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", options, path, "2M");
        QemuTools.Io(path, ["write -P 1 0 700k", "write -P 2 1M 100k"], "-f", "qcow2");
        QemuTools.Img("snapshot", "-c", "one", path);
        QemuTools.Io(path, ["write -P 3 100k 300k", "write -c -P 4 1536k 64k"], "-f", "qcow2");
        var good = await File.ReadAllBytesAsync(path, Cancel);
        var damaged = _folder["damaged.qcow2"];
        var random = new Random(options.Length);
        var mended = 0;
        for (var round = 0; round < 55; round++)
        {
            var bytes = (byte[])good.Clone();
            var what = Damage(bytes, random);
            await File.WriteAllBytesAsync(damaged, bytes, Cancel);
            var theirs = CheckByQemu(damaged);
            var ours = await CheckAsync(damaged, Qcow2Repair.None);
            Assert.True(
                (theirs.Leaks, theirs.Corruptions > 0) == (ours.Leaks, ours.Corruptions > 0),
                $"{what}: QEMU finds {theirs}, we find {ours.Leaks} leaks, {ours.Corruptions} corruptions: {string.Join("; ", ours.Findings.Take(3))}");
            Assert.Equal(bytes, await File.ReadAllBytesAsync(damaged, Cancel));
            var repaired = await CheckAsync(damaged, Qcow2Repair.All);
            if (repaired.CorruptionsFixed == repaired.Corruptions)
            {
                mended++;
                QemuTools.Check(damaged);
            }
        }

        Assert.True(mended > 35, $"only {mended} were mended");
    }

    [Fact]
    public async Task An_image_whose_refcounts_were_not_written_is_repaired_when_it_is_opened_for_writing()
    {
        var path = _folder["disk.qcow2"];
        await using (var file = FileStorage.Create(path, 0))
        {
            await Qcow2Format.CreateAsync(file, 4 << 20, new Qcow2CreateOptions { HasLazyRefcounts = true, ClusterBytes = 1024 }, null, Cancel);
        }

        var data = new byte[300_000];
        new Random(1).NextBytes(data);
        await using (var image = await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(path), ImageOpenOptions.Default, Cancel))
        {
            Assert.Equal(BlockResult.Ok, await image.WriteAsync(12_345, data, Cancel));
            Assert.Equal(BlockResult.Ok, await image.FlushAsync(Cancel));

            // As after a kill: what is in the file now, without the end of the program.
            File.Copy(path, _folder["killed.qcow2"]);
        }

        Assert.NotEqual(0, QemuTools.TryImg("check", "-f", "qcow2", _folder["killed.qcow2"]).Code);
        await using (var image = await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(_folder["killed.qcow2"]), ImageOpenOptions.Default, Cancel))
        {
            Assert.False(((Qcow2Image)image).Header.IsDirty);
            var found = new byte[data.Length];
            Assert.Equal(BlockResult.Ok, await image.ReadAsync(12_345, found, Cancel));
            Assert.Equal(data, found);
            Assert.Equal(BlockResult.Ok, await image.WriteAsync(2_000_000, data, Cancel));
        }

        QemuTools.Check(_folder["killed.qcow2"]);
    }

    [Fact]
    public async Task A_write_over_metadata_is_refused_and_the_image_is_marked_as_corrupt()
    {
        foreach (var target in new[] { 0L, 65536, 2 * 65536, 3 * 65536, 4 * 65536 })
        {
            var path = _folder[$"overlap{target}.qcow2"];
            QemuTools.Img("create", "-q", "-f", "qcow2", path, "2M");
            QemuTools.Io(path, ["write -P 1 0 64k", "write -P 1 1M 64k"], "-f", "qcow2");
            var bytes = await File.ReadAllBytesAsync(path, Cancel);

            // The first data cluster now lies over the header, refcount table, refcount block, L1 table or L2 table.
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(4 * 65536), (ulong)target | (1UL << 63));
            if (target == 0)
            {
                continue;
            }

            await File.WriteAllBytesAsync(path, bytes, Cancel);
            await using (var image = await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(path), ImageOpenOptions.Default, Cancel))
            {
                var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await image.WriteAsync(0, new byte[512], Cancel));
                Assert.Equal(BlockErrorKind.CorruptImage, failure.Kind);
                await Assert.ThrowsAsync<BlockStorageException>(async () => await image.WriteAsync(1 << 20, new byte[512], Cancel));
                Assert.True(((Qcow2Image)image).Header.IsCorrupt);
            }

            await Assert.ThrowsAsync<BlockStorageException>(
                async () => await StorageOpener.OpenAsync(path, new StorageOpenOptions { Format = "qcow2" }, Cancel));
            var after = await File.ReadAllBytesAsync(path, Cancel);
            bytes[79] |= 2;
            Assert.Equal(bytes, after);
        }
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<Qcow2CheckResult> CheckAsync(string path, Qcow2Repair repair)
    {
        var isReadOnly = repair == Qcow2Repair.None;
        var options = new ImageOpenOptions { IsReadOnly = isReadOnly, IsForRepair = true };
        await using var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(
            FileStorage.Open(path, new FileStorageOptions { IsReadOnly = isReadOnly }), options, Cancel);
        return await image.CheckAsync(repair, Cancel);
    }

    private static (long Leaks, long Corruptions) CheckByQemu(string path)
    {
        var (_, output) = QemuTools.TryImg("check", "-f", "qcow2", "--output=json", path);
        using var json = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..(output.LastIndexOf('}') + 1)]);
        return (Number(json, "leaks"), Number(json, "corruptions"));
    }

    private static long Number(JsonDocument json, string name) =>
        json.RootElement.TryGetProperty(name, out var value) ? value.GetInt64() : 0;

    /// <summary>Changes a refcount, a flag or an entry.</summary>
    private static string Damage(byte[] bytes, Random random)
    {
        var bits = bytes[23];
        var order = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(96));
        var block = (long)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan((int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(48))));
        var l1 = (int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(40));
        var table = (int)(BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(l1)) & 0x00FF_FFFF_FFFF_FE00);
        var entry = table + (random.Next(Math.Min(20, 1 << (bits - 4))) * ((bytes[79] & 16) != 0 ? 16 : 8));
        switch (random.Next(5))
        {
            case 0:
                var cluster = random.Next(bytes.Length >> bits >> 1);
                var place = (int)block + (cluster << order >> 3);
                bytes[place + ((1 << order) / 8) - 1] = (byte)random.Next(0, 4);
                return $"refcount of cluster {cluster}";
            case 1:
                bytes[entry] ^= 0x80;
                return $"COPIED of entry {entry}";
            case 2:
                bytes.AsSpan(entry, (bytes[79] & 16) != 0 ? 16 : 8).Clear();
                return $"entry {entry} cleared";
            case 3:
                bytes[l1] ^= 0x80;
                return "COPIED of the L1 entry";
            default:
                var unused = (int)block + ((bytes.Length >> bits) + 3 << order >> 3);
                bytes[unused + ((1 << order) / 8) - 1] = 1;
                return "a refcount behind the end";
        }
    }
}
