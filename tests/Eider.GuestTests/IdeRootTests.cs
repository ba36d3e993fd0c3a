using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Eider.Cli.Provisioning;

namespace Eider.GuestTests;

/// <summary>A stock kernel with <c>pata_cmd64x</c>: its root on an IDE disk, and CDs in an ATAPI drive.</summary>
[Trait("Category", "Slow")]
public sealed class IdeRootTests
{
    private const int BadSector = 12345;

    [Theory]
    [MemberData(nameof(GuestSuite.EachRelease), MemberType = typeof(GuestSuite))]
    public async Task A_root_on_CMD646_works_by_DMA_with_TRIM_discs_that_change_and_a_bad_sector(string release)
    {
        using var folder = new TestFolder();
        var image = folder.At("root.img");
        WriteDisc(folder.At("one.iso"), "ONE");
        WriteDisc(folder.At("two.iso"), "TWO");
        var files = await GuestSuite.FilesAsync(release);
        var before = await AllocatedKibibytesAsync(files.Root);
        var command =
            $$"""
            {{GuestCommands.WriteAndHash}}
            cat /sys/class/ata_device/dev?.?/xfer_mode | sort | uniq -c
            tr -d ' \n' </sys/class/ata_device/dev1.0/id; echo
            modprobe isofs
            insert() { for try in $(seq 50); do mount -t iso9660 -o ro /dev/sr0 /mnt 2>/dev/null && return; usleep 50000; done; echo 'no disc'; }
            for round in 1 2 3; do
                insert
                cat /mnt/volume.txt
                sha256sum </mnt/data.bin
                sha256sum </dev/sr0
                eject /dev/sr0 2>/dev/null && echo 'ejected while it was mounted'
                umount /mnt
                eject
            done
            set +e
            dd if=/dev/sdb of=/dev/null bs=4k iflag=direct 2>/dev/null && echo 'the bad sector was read'
            dmesg | grep -o 'dev sdb, sector [0-9]*' | sort -u
            dd if=/dev/zero of=/junk bs=1M count=48 2>/dev/null; sync
            rm /junk; sync
            fstrim / || echo 'no TRIM'
            """;

        var bad = string.Create(CultureInfo.InvariantCulture, $"mem:16M,transport=ide,layers=fault:op=read:at={BadSector * 512}");
        var result = await EiderProcess.QuickstartAsync(
            release, command, "--bus", "ide", "--keep", image, "--cdrom", folder.At("one.iso"), "--cdrom", folder.At("two.iso"), "--attach", bad);

        // The host told of its bad sector, and of nothing else.
        Assert.Equal(74, result.Code);
        Assert.All(
            result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Contains("injected", line, StringComparison.OrdinalIgnoreCase));
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(await HostImage.Sha256InsideAsync(image, "/data", folder.At("data")), lines[0]);
        Assert.Equal(["1 XFER_PIO_SLOW", "3 XFER_UDMA_2"], lines[1..3].Select(line => line.Trim())); // none: root, the bad disk, the drive
        AssertIdentity(lines[3], new FileInfo(image).Length / 512);
        var (one, two) = (await DiscAsync(folder, "ONE"), await DiscAsync(folder, "TWO"));
        Assert.Equal([.. one, .. two, .. one, $"dev sdb, sector {BadSector}"], lines[4..].Select(line => line.Replace("  -", "", StringComparison.Ordinal)));
        await HostImage.AssertCleanAsync(image);
        var after = await AllocatedKibibytesAsync(image);
        Assert.InRange(after, 0, before + ((GuestSuite.DataMebibytes + 24) << 10)); // without TRIM there were 24 MiB more
    }

    [Theory]
    [MemberData(nameof(GuestSuite.EachRelease), MemberType = typeof(GuestSuite))]
    public async Task A_root_on_CMD646_and_a_disc_work_by_PIO(string release)
    {
        using var folder = new TestFolder();
        var image = folder.At("root.img");
        WriteDisc(folder.At("one.iso"), "ONE");
        var command =
            $"""
            {GuestCommands.WriteAndHash}
            cat /sys/class/ata_device/dev?.0/xfer_mode | sort | uniq -c
            sha256sum </dev/sr0
            """;

        var result = await EiderProcess.QuickstartAsync(
            release, command, "--bus", "ide", "--append", "libata.dma=0", "--keep", image, "--cdrom", folder.At("one.iso"));

        Assert.Equal((0, ""), (result.Code, result.Errors));
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(await HostImage.Sha256InsideAsync(image, "/data", folder.At("data")), lines[0]);
        Assert.Equal("2 XFER_PIO_4", lines[1].Trim());
        Assert.Equal(await HostImage.Sha256Async(folder.At("one.iso")) + "  -", lines[2]);
        await HostImage.AssertCleanAsync(image);
    }

    private static void WriteDisc(string path, string volume)
    {
        var data = new byte[700_001];
        new Random(volume[0]).NextBytes(data);
        IsoImage.Write(path, volume, ("VOLUME.TXT", Encoding.ASCII.GetBytes(volume + "\n")), ("DATA.BIN", data));
    }

    // What the guest prints of a disc: its name, the file, the whole disc.
    private static async Task<string[]> DiscAsync(TestFolder folder, string volume)
    {
        var path = folder.At(volume.ToLowerInvariant() + ".iso");
        var image = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        var record = image.AsSpan(image.AsSpan().IndexOf("DATA.BIN;1"u8) - 33);
        var data = image.AsSpan(BinaryPrimitives.ReadInt32LittleEndian(record[2..]) * 2048, BinaryPrimitives.ReadInt32LittleEndian(record[10..]));
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(data));
        return [volume, hash, await HostImage.Sha256Async(path)];
    }

    // The guest has the words of IDENTIFY DEVICE as the device sent them: serial number at 10, model at 27, capacity at 60.
    private static void AssertIdentity(string hex, long sectors)
    {
        var words = Enumerable.Range(0, hex.Length / 4)
            .Select(i => ushort.Parse(hex.AsSpan(i * 4, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(256, words.Count);
        Assert.Equal(("eider-root", "EIDER HARDDISK"), (Text(10, 10), Text(27, 20)));
        Assert.Equal(sectors, words[60] | (words[61] << 16));

        string Text(int first, int count) =>
            string.Concat(words.Skip(first).Take(count).Select(word => $"{(char)(word >> 8)}{(char)(word & 0xFF)}")).Trim();
    }

    private static async Task<long> AllocatedKibibytesAsync(string image)
    {
        var text = await HostTool.Find("du", "coreutils").RunAsync(["-k", image], TestContext.Current.CancellationToken);
        return long.Parse(text.Split('\t')[0], CultureInfo.InvariantCulture);
    }
}
