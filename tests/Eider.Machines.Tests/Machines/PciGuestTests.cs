using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Testing;

namespace Eider.Machines.Tests.Machines;

/// <summary>The bare-metal guest of guests/pci on the whole machine: MSI-X, which Linux does not use on this board, and the wire.</summary>
public sealed class PciGuestTests
{
    // What the guest checks, by its own words; the same check for each queue or vector comes several times.
    private static readonly string[] Checks =
    [
        "its own message came",
        "a masked vector becomes pending",
        "without the mask it is sent, and not pending any more",
        "the function's mask holds all vectors",
        "the tables moved as they were",
        "a message interrupted this hart once",
        "without messages the wire interrupts",
        "interrupt disable keeps the wire low",
    ];

    [Theory]
    [InlineData(VirtioRing.Packed, null, null)]
    [InlineData(VirtioRing.Split, null, 7)]
    [InlineData(VirtioRing.Packed, 1UL, null)]
    [InlineData(VirtioRing.Packed, 1UL, 30)]
    public async Task A_bare_metal_guest_sees_a_vector_for_each_queue_masks_pending_bits_and_tables_that_move(
        VirtioRing ring, ulong? seed, int? slot)
    {
        var storage = new MemoryStorage(1 << 20);
        for (var sector = 0; sector < 8; sector++)
        {
            var data = new byte[512];
            Array.Fill(data, (byte)('a' + sector));
            await storage.WriteAsync(sector * 512, new BufferList(data), cancellationToken: TestContext.Current.CancellationToken);
        }

        await using var machine = await Machine.StartAsync(new MachineConfiguration
        {
            Memory = "2M",
            Kernel = Path.Combine(ProjectTree.Root, "guests", "pci", "pci.elf"),
            Seed = seed,
            Disks = [new DiskConfiguration { Storage = storage, Transport = VirtioTransportKind.Pci, Queues = 3, Ring = ring, Slot = slot }],
        });

        var exit = await machine.WaitForExitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        var said = machine.Console.Transcript;
        Assert.True(exit is { Reason: MachineExitReason.PoweredOff, Code: 0, Fault: null }, $"{exit}: {said}");
        Assert.DoesNotContain("WRONG", said, StringComparison.Ordinal);
        Assert.EndsWith("pci: all is well\n", said, StringComparison.Ordinal);
        Assert.All(Checks, check => Assert.Contains($"ok: {check}\n", said, StringComparison.Ordinal));
        Assert.Equal(0, machine.VirtioDevices[0].DriverErrors);
    }
}
