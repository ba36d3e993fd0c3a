using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Testing;

namespace Eider.Machines.Tests.Machines;

/// <summary>The bare-metal guest of guests/svirtb on the whole machine: KeOS's driver and its two grader cases.</summary>
public sealed class SvirtbGuestTests
{
    private const int DiskBytes = 1074;

    // What the guest checks, by its own words, and how often.
    private static readonly (string Words, int Times)[] Checks =
    [
        ("the device tree names the device where its document puts it", 1),
        ("each sector is read, the last one as far as it goes", 2),
        ("nor the one behind it", 2),
        ("a reset brings the magic back", 2),
        ("the disk has 1074 bytes", 1),
        ("all sectors are read with one doorbell", 1),
        ("as far as the disk goes, which has not grown", 1),
        ("the disk is as it was", 3),
        ("a head that is not in the ring is an error", 1),
        ("after which it works", 5),
    ];

    [Theory]
    [InlineData(1, null)]
    [InlineData(1, 1UL)]
    [InlineData(2, null)]
    public async Task A_bare_metal_guest_drives_it_as_KeOS_does_while_another_hart_runs(int harts, ulong? seed)
    {
        var content = Content();
        var disk = new MemoryStorage(content);
        BlockStorage storage = harts == 1 ? disk : new DelayStorage(disk, TimeProvider.System, TimeSpan.FromMilliseconds(5));
        await using var machine = await Machine.StartAsync(new MachineConfiguration
        {
            Memory = "2M",
            Harts = harts,
            Kernel = Path.Combine(ProjectTree.Root, "guests", "svirtb", "svirtb.elf"),
            Seed = seed,
            Svirtb = [new SvirtbConfiguration { Storage = storage }],
        });

        var exit = await machine.WaitForExitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        var said = machine.Console.Transcript;
        Assert.True(exit is { Reason: MachineExitReason.PoweredOff, Code: 0, Fault: null }, $"{exit}: {said}");
        Assert.EndsWith("svirtb: all is well\n", said, StringComparison.Ordinal);
        Assert.All(Checks, check => Assert.Equal(check.Times, said.Split($"ok: {check.Words}\n").Length - 1));
        Assert.Equal(harts > 1, said.Contains("ok: another hart ran while this one waited\n", StringComparison.Ordinal));
        Assert.Equal(Content(), content);
        Assert.Equal(0, disk.SizeBytes - DiskBytes);
    }

    // As disk_byte of guests/svirtb/grader.c.
    private static byte[] Content() =>
        [.. Enumerable.Range(0, DiskBytes).Select(index => unchecked((byte)((index * 31) + (index / 512))))];
}
