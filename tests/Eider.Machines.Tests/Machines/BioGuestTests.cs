using Eider.Devices.BlockIo;
using Eider.Machines.Kernels;
using Eider.Storage.Backends;
using Eider.Testing;

namespace Eider.Machines.Tests.Machines;

/// <summary>
/// The bare-metal guests of guests/bio on the whole machine: ducky's loader, which reads the hardware table and a boot image, and in that image
/// the driver of ducky's FORTH.
/// </summary>
public sealed class BioGuestTests
{
    private const int Blocks = 48;
    private const int ChecksOfLoader = 5;

    private static readonly string Folder = Path.Combine(ProjectTree.Root, "guests", "bio");

    // What the guest checks, by its own words.
    private static readonly string[] Checks =
    [
        "the hardware table is in order",
        "the device tree names the same places",
        "a block past the end is, told by the next instruction",
        "so is a buffer that is no RAM",
        "the program is loaded",
        "the program of the boot image runs",
        "and read again as they were",
        "a block that is not there is an error, and the driver does not hang",
        "the data port gives the words that DMA gives",
        "what the data port takes is written",
        "past the last word there are ones and an error",
        "a storage that is read-only refuses a write",
        "the end of a command interrupts, by the source that the table tells",
        "reading STATUS took the interrupt back",
    ];

    [Theory]
    [InlineData(null, true)]
    [InlineData(1UL, true)]
    [InlineData(null, false)] // the board loads the image itself, as a loader would
    public async Task Duckys_loader_and_block_driver_work(ulong? seed, bool hasLoader)
    {
        await using var disk = new MemoryStorage((Blocks * BioLimits.BlockBytes) + 100);
        await using var second = new MemoryStorage("0123".SelectMany(digit => Enumerable.Repeat((byte)digit, 512)).ToArray().AsMemory());
        var image = Path.Combine(Folder, "forth.img");
        await using var machine = await Machine.StartAsync(new MachineConfiguration
        {
            Memory = "16M",
            Seed = seed,
            Kernel = hasLoader ? Path.Combine(Folder, "loader.elf") : null,
            BootImage = hasLoader ? null : image,
            Hdt = new HardwareTableConfiguration
            {
                Arguments = [new HardwareTableArgument { Name = "who", Text = "loader" }, new HardwareTableArgument { Name = "blocks", Number = Blocks }],
            },
            Bio =
            [
                new BioConfiguration
                {
                    Storages =
                    [
                        new BioStorageConfiguration { Sid = 0, Image = image, ReadOnly = true },
                        new BioStorageConfiguration { Sid = 1, Storage = disk },
                    ],
                },
                new BioConfiguration { Interrupt = true, Storages = [new BioStorageConfiguration { Sid = 2, Storage = second, BlockSize = 512 }] },
            ],
        });

        var exit = await machine.WaitForExitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        var said = machine.Console.Transcript;
        Assert.True(exit is { Reason: MachineExitReason.PoweredOff, Code: 0, Fault: null }, $"{exit}: {said}");
        Assert.DoesNotContain("WRONG", said, StringComparison.Ordinal);
        Assert.EndsWith("bio: all is well\n", said, StringComparison.Ordinal);
        Assert.All(hasLoader ? Checks : Checks[ChecksOfLoader..], check => Assert.Contains($"ok: {check}\n", said, StringComparison.Ordinal));
        await AssertMarkedAsync(disk);
    }

    [Fact]
    public async Task The_machine_file_beside_them_runs_as_the_page_says()
    {
        await using var machine = await Machine.StartAsync(MachineFile.Load(Path.Combine(Folder, "machine.json")));
        var exit = await machine.WaitForExitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal((MachineExitReason.PoweredOff, 0), (exit.Reason, exit.Code));
        Assert.EndsWith("bio: all is well\n", machine.Console.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_in_the_tree_is_in_order()
    {
        var info = BootImage.Inspect(Path.Combine(Folder, "forth.img"));
        Assert.Equal(new FileInfo(Path.Combine(Folder, "forth.img")).Length, info.ProgramBytes + BootImage.BlockBytes);
        Assert.Equal(0, info.RestBytes);
    }

    // What the guest left: the pattern of mark() in forth.c, its change to block 3, and two blocks by the port.
    private static async Task AssertMarkedAsync(MemoryStorage disk)
    {
        for (var block = 1; block <= Blocks; block++)
        {
            var data = new byte[BioLimits.BlockBytes];
            await disk.ReadAsync((block - 1) * BioLimits.BlockBytes, data, TestContext.Current.CancellationToken);
            if (block is 45 or 46)
            {
                Assert.Equal(0xABCD_0000U + (block == 45 ? 0U : 256U), BitConverter.ToUInt32(data));
                continue;
            }

            var expected = Enumerable.Range(0, BioLimits.BlockBytes).Select(place => unchecked((byte)((block * 7) + (place * 3) + (place >> 8)))).ToArray();
            if (block == 3)
            {
                expected[5] = 0xEE;
            }

            Assert.Equal(expected, data);
        }
    }
}
