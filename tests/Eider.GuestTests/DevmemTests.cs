using Eider.Machines;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Testing;

namespace Eider.GuestTests;

/// <summary>
/// The program of guests/devmem under a stock kernel: devices that Linux has no driver for, through <c>/dev/mem</c>, with buffers that it finds in its
/// own pagemap. Debian's STRICT_DEVMEM closes RAM alone; nothing is needed on the kernel's command line.
/// </summary>
[Trait("Category", "Slow")]
public sealed class DevmemTests
{
    private const int KeosDiskBytes = 1074;
    private const int BlockBytes = 1024;
    private const int Blocks = 8;

    [Theory]
    [MemberData(nameof(GuestSuite.EachRelease), MemberType = typeof(GuestSuite))]
    public async Task A_program_under_Linux_drives_devices_that_have_no_driver(string release)
    {
        using var folder = new TestFolder();
        var guest = new AgentGuest(await GuestSuite.FilesAsync(release), folder.At("root.img"));
        var content = KeosDisk();
        await using var disk = new MemoryStorage(content);
        var blocks = DuckyStorage();
        await using var storage = new MemoryStorage(blocks);
        await using var program = await ProgramAsync();
        guest.Configuration.Disks = [guest.Configuration.Disks[0], program];
        guest.Configuration.Svirtb = [new SvirtbConfiguration { Storage = disk }];
        guest.Configuration.Bio = [new BioConfiguration { Storages = [new BioStorageConfiguration { Sid = 1, Storage = storage }] }];

        var result = await guest.RunAsync("dd if=/dev/vdb of=/tmp/devmem bs=4k 2>/dev/null; chmod +x /tmp/devmem; /tmp/devmem");

        Assert.True(result is { Code: 0, Errors: "" }, result.ToString());
        Assert.EndsWith("devmem: all is well\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("ok: the disk has 1074 bytes\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("ok: all are written with one doorbell, past the end\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("ok: an unknown command is an error\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("ok: bio: three blocks come by DMA before the command returns\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("ok: bio: the last one commits them\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("ok: bio: so is a buffer that is not RAM\n", result.Output, StringComparison.Ordinal);
        Assert.Equal(KeosDisk(), content);
        Assert.Equal(DuckyStorage(), blocks);
        Assert.Empty(guest.Exit!.HostErrors);
    }

    // As disk_byte of guests/svirtb/grader.c.
    private static byte[] KeosDisk() =>
        [.. Enumerable.Range(0, KeosDiskBytes).Select(index => unchecked((byte)((index * 31) + (index / 512))))];

    // As storage_byte of guests/devmem/bio.c.
    private static byte[] DuckyStorage() =>
        [.. Enumerable.Range(0, Blocks * BlockBytes).Select(index => unchecked((byte)((index * 13) + (index / BlockBytes))))];

    private static async Task<BlockStorage> ProgramAsync()
    {
        var file = await File.ReadAllBytesAsync(
            Path.Combine(ProjectTree.Root, "guests", "devmem", "devmem"), TestContext.Current.CancellationToken);
        Array.Resize(ref file, (file.Length + 511) / 512 * 512);
        return new MemoryStorage(file);
    }
}
