using Eider.Machines.Building;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Layers;

namespace Eider.Machines.Tests.Building;

public sealed class DiskStackTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("eider-disks-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task An_encrypted_qcow2_disk_opens_with_its_key_file_and_its_layers()
    {
        var image = await CreateAsync("disk.qcow2", new Dictionary<string, string> { ["encrypt.format"] = "luks", ["encrypt.iter-time"] = "1" });
        var key = Path.Combine(_folder.FullName, "key");
        await File.WriteAllTextAsync(key, "secret\n");
        var disk = new DiskConfiguration { Image = image, Format = "qcow2", KeyFile = key, Layers = ["range:offset=4K", "cache:size=1M"] };
        await using (var storage = await OpenAsync(disk))
        {
            Assert.Equal((1 << 20) - 4096, storage.SizeBytes);
            Assert.Equal(BlockResult.Ok, await storage.WriteAsync(0, new byte[] { 42 }));
        }

        await using var whole = await OpenAsync(disk with { Layers = [], ReadOnly = true });
        var read = new byte[1];
        await whole.ReadAsync(4096, read);
        Assert.Equal(42, read[0]);
    }

    [Fact]
    public async Task A_wrong_passphrase_and_a_missing_key_file_are_said_in_one_line()
    {
        var image = await CreateAsync("disk.qcow2", new Dictionary<string, string> { ["encrypt.format"] = "luks", ["encrypt.iter-time"] = "1" });
        var key = Path.Combine(_folder.FullName, "key");
        var disk = new DiskConfiguration { Image = image, Format = "qcow2", KeyFile = key };
        var missing = await Assert.ThrowsAsync<MachineConfigurationException>(() => OpenAsync(disk));
        Assert.Equal(MachineErrorKind.MissingInput, missing.Kind);
        await File.WriteAllTextAsync(key, "wrong");
        var wrong = await Assert.ThrowsAsync<MachineConfigurationException>(() => OpenAsync(disk));
        Assert.Contains("passphrase", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backing_file_opens_only_where_the_chain_allows_it()
    {
        var backing = Path.Combine(_folder.FullName, "base.img");
        await using (var file = FileStorage.Create(backing, 1 << 20))
        {
            await file.WriteAsync(512, new byte[] { 7 });
        }

        var image = await CreateAsync("top.qcow2", new Dictionary<string, string> { ["backing_file"] = "base.img", ["backing_fmt"] = "raw" });
        var disk = new DiskConfiguration { Image = image, Format = "qcow2" };
        var refused = await Assert.ThrowsAsync<MachineConfigurationException>(() => OpenAsync(disk));
        Assert.Contains("base.img", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<MachineConfigurationException>(() => OpenAsync(disk with { Chain = "/nowhere" }));
        foreach (var chain in new[] { "any", _folder.FullName })
        {
            await using var storage = await OpenAsync(disk with { Chain = chain, Layers = ["copy-on-read"] });
            var read = new byte[1];
            await storage.ReadAsync(512, read);
            Assert.Equal(7, read[0]);
            Assert.Equal(65536 * (chain == "any" ? 1 : 0), ((CopyOnReadStorage)storage).CopiedBytes);
        }
    }

    private static Task<BlockStorage> OpenAsync(DiskConfiguration disk) =>
        DiskOpener.OpenAsync(disk, new StorageLayerContext(TimeProvider.System));

    private async Task<string> CreateAsync(string name, Dictionary<string, string> options)
    {
        var path = Path.Combine(_folder.FullName, name);
        await using var file = FileStorage.Create(path, 0);
        await ImageFormats.Qcow2.CreateAsync(file, new ImageCreateOptions { SizeBytes = 1 << 20, Options = options, Key = "secret"u8.ToArray() });
        return path;
    }
}
