using System.Buffers.Binary;
using Eider.Hardware.Memory;
using Eider.Machines.Fdt;
using Eider.Machines.Kernels;
using Eider.Machines.Tests.Fdt;

namespace Eider.Machines.Tests.Kernels;

public sealed class BootLoaderTests : IDisposable
{
    private const ulong MiB = 1 << 20;

    private readonly string _directory = Directory.CreateTempSubdirectory("eider-boot").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Ramdisk_and_device_tree_lie_above_the_kernel_and_the_tree_says_where()
    {
        using var ram = new GuestRam((0x8000_0000, 16 * MiB));
        var initrd = new byte[10_001];
        new Random(1).NextBytes(initrd);
        var plan = BootLoader.Load(ram, Board(ram), Write("Image", TestImages.Flat(imageSize: 4 * MiB)), null, Write("initrd", initrd));

        Assert.Equal(BootMode.Supervisor, plan.Mode);
        Assert.Equal(0x8020_0000UL, plan.EntryPoint);
        var (address, size) = Assert.NotNull(plan.Initrd);
        Assert.Equal(10_001UL, size);
        Assert.Equal(0UL, address % 4096);
        Assert.Equal(initrd, Memory(ram, address, 10_001));
        Assert.Equal(0UL, plan.DeviceTreeAddress % 8);
        Assert.True(plan.DeviceTreeAddress >= 0x8060_0000);
        var total = BinaryPrimitives.ReadUInt32BigEndian(Memory(ram, plan.DeviceTreeAddress + 4, 4));
        Assert.True(plan.DeviceTreeAddress + total + 65_536 <= address);
        var chosen = FdtReader.Read(Memory(ram, plan.DeviceTreeAddress, (int)total)).Root["chosen"];
        Assert.Equal([address], chosen.Cells64("linux,initrd-start"));
        Assert.Equal([address + size], chosen.Cells64("linux,initrd-end"));
    }

    [Fact]
    public void Too_little_memory_for_kernel_and_ramdisk_is_refused_with_numbers()
    {
        using var ram = new GuestRam((0x8000_0000, 8 * MiB));
        var kernel = Write("Image", TestImages.Flat(imageSize: 4 * MiB));
        var error = Assert.Throws<MachineConfigurationException>(
            () => BootLoader.Load(ram, Board(ram), kernel, null, Write("initrd", new byte[2 * MiB])));
        Assert.Equal(MachineErrorKind.NotEnoughMemory, error.Kind);
        Assert.Contains("8M of memory", error.Message, StringComparison.Ordinal);
        Assert.Contains("give at least", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_ramdisk_and_a_missing_kernel_are_refused()
    {
        using var ram = new GuestRam((0x8000_0000, 8 * MiB));
        var error = Assert.Throws<MachineConfigurationException>(
            () => BootLoader.Load(ram, Board(ram), Write("Image", TestImages.Flat()), null, Path.Combine(_directory, "none")));
        Assert.Equal(MachineErrorKind.MissingInput, error.Kind);
        Assert.Equal(MachineErrorKind.BadSetting, Assert.Throws<MachineConfigurationException>(
            () => BootLoader.Load(ram, Board(ram), null, null, null)).Kind);
    }

    // OpenSBI include/sbi/fw_dynamic.h: magic, version, next_addr, next_mode, options, boot_hart; a2 points to it.
    [Fact]
    public void A_firmware_is_told_where_the_kernel_lies()
    {
        using var ram = new GuestRam((0x8000_0000, 16 * MiB));
        var plan = BootLoader.Load(ram, Board(ram), Write("Image", TestImages.Flat()), Write("fw.bin", [0x13, 0, 0, 0]), null);
        Assert.Equal(BootMode.Machine, plan.Mode);
        var start = Memory(ram, plan.EntryPoint, 80);
        ulong Word(int at) => BinaryPrimitives.ReadUInt64LittleEndian(start.AsSpan(at));
        Assert.Equal(0x8000_0000UL, Word(24));
        Assert.Equal(0x4942534FUL, Word(32));
        Assert.Equal(2UL, Word(40));
        Assert.Equal(0x8020_0000UL, Word(48));
        Assert.Equal(1UL, Word(56));
    }

    [Fact]
    public void A_firmware_that_lies_where_the_kernel_does_is_refused()
    {
        using var ram = new GuestRam((0x8000_0000, 16 * MiB));
        Assert.Equal(MachineErrorKind.Conflict, Assert.Throws<MachineConfigurationException>(
            () => BootLoader.Load(ram, Board(ram), Write("a.elf", TestImages.Elf()), Write("fw.bin", [0x13, 0, 0, 0]), null)).Kind);
    }

    private static BoardDescription Board(GuestRam ram) => new()
    {
        Ram = [.. ram.Regions.Select(region => (region.Base, region.SizeBytes))],
        Harts = 1,
        IsaString = "rv64i",
        IsaExtensions = ["i"],
        MmuType = "riscv,sv39",
    };

    private static byte[] Memory(GuestRam ram, ulong address, int length)
    {
        var bytes = new byte[length];
        Assert.True(ram.TryRead(address, bytes));
        return bytes;
    }

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
