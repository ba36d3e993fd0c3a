using System.Buffers.Binary;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Testing;

namespace Eider.Machines.Tests.Machines;

/// <summary>The bare-metal guest of guests/ide on the whole machine: registers, data port, bus master and packets of both controllers.</summary>
public sealed class IdeGuestTests
{
    // As guests/ide/ide.h has them.
    private const int DiskSectors = 2048;
    private const int DiscSectors = 64 * 4;
    private const int BadSector = 1000;

    // Some of what the guest checks, by its own words, and on how many channels it does.
    private static readonly (string Words, int Times)[] Checks =
    [
        ("with one interrupt, which reading Status ends", 2),
        ("READ MULTIPLE gives 8, 8 and 4 sectors", 2),
        ("the bad one is named", 2),
        ("a sector that did not come whole is not written", 2),
        ("regions that are too short leave neither ACTIVE nor INTERRUPT", 1),
        ("SRST during a transfer leaves no late data and no late interrupt", 1),
        ("as zeroes, and its neighbours are as they were", 1),
        ("a packet moves its data by the bus master with one interrupt", 1),
        ("or in parts of blocks", 2),
        ("the medium may be another one: that is told once", 2),
    ];

    [Theory]
    [InlineData(null)]
    [InlineData(1UL)]
    public async Task A_bare_metal_guest_drives_disks_and_drives_on_both_controllers(ulong? seed)
    {
        await using var machine = await Machine.StartAsync(new MachineConfiguration
        {
            Memory = "2M",
            Kernel = Path.Combine(ProjectTree.Root, "guests", "ide", "ide.elf"),
            Seed = seed,
            Ide =
            [
                new IdeConfiguration { Primary = [await DiskAsync()], Secondary = [await DiscAsync()] },
                new IdeConfiguration
                {
                    Controller = IdeControllerKind.AtaGeneric,
                    RegisterShift = 2,
                    Irq = 14,
                    Primary = [await DiskAsync(), await DiscAsync()],
                },
            ],
        });

        var exit = await machine.WaitForExitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        var said = machine.Console.Transcript;
        Assert.True(exit is { Reason: MachineExitReason.PoweredOff, Code: 0, Fault: null }, $"{exit}: {said}");
        Assert.EndsWith("ide: all is well\n", said, StringComparison.Ordinal);
        Assert.All(Checks, check => Assert.Equal(check.Times, said.Split($"ok: {check.Words}\n").Length - 1));
        Assert.NotEmpty(exit.HostErrors); // of the bad sectors
    }

    private static async Task<IdeDeviceConfiguration> DiskAsync() => new()
    {
        Storage = new FaultStorage(
            await PatternAsync(DiskSectors),
            [new FaultRule { Operation = BlockOperation.Read, OffsetBytes = BadSector * 512 }]),
    };

    private static async Task<IdeDeviceConfiguration> DiscAsync() => new() { Type = IdeDeviceKind.Cdrom, Storage = await PatternAsync(DiscSectors) };

    // Sector n is 128 words of n << 8 | place in the sector.
    private static async Task<MemoryStorage> PatternAsync(int sectors)
    {
        var data = new byte[sectors * 512];
        for (var word = 0; word < data.Length / 4; word++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(word * 4), (word / 128 << 8) | (word % 128));
        }

        var storage = new MemoryStorage(data.Length);
        await storage.WriteAsync(0, data, cancellationToken: TestContext.Current.CancellationToken);
        return storage;
    }
}
