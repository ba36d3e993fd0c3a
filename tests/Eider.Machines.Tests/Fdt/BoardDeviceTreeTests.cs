using System.Diagnostics;
using Eider.Machines.Fdt;

namespace Eider.Machines.Tests.Fdt;

public sealed class BoardDeviceTreeTests
{
    private static readonly BoardDescription Board = new()
    {
        Ram = [(0x8000_0000, 0x4000_0000), (0x1_0000_0000, 0x4000_0000)],
        Harts = 2,
        IsaString = "rv64imafdc_zicsr_zifencei",
        IsaExtensions = ["i", "m", "a", "f", "d", "c", "zicsr", "zifencei"],
        MmuType = "riscv,sv57",
        CommandLine = "console=ttyS0",
        Initrd = (0x8800_0000, 0x9d_f123),
        RandomSeed = new byte[64],
        VirtioDevices = [(0xD000_0000, 40), (0xD000_1000, 41)],
    };

    private static readonly FdtNode Root = FdtReader.Read(BoardDeviceTree.Build(Board)).Root;

    [Fact]
    public void Chosen_tells_command_line_console_ramdisk_and_seed()
    {
        var chosen = Root["chosen"];
        Assert.Equal(["console=ttyS0"], chosen.Strings("bootargs"));
        Assert.Equal(["/soc/serial@10000000"], chosen.Strings("stdout-path"));
        Assert.Equal([0x8800_0000UL], chosen.Cells64("linux,initrd-start"));
        Assert.Equal([0x8800_0000UL + 0x9d_f123], chosen.Cells64("linux,initrd-end"));
        Assert.Equal(64, chosen.Properties["rng-seed"].Length);
        Assert.NotNull(Root["soc/serial@10000000"]);
    }

    [Fact]
    public void Memory_has_a_node_for_each_region()
    {
        Assert.Equal([0x8000_0000UL, 0x4000_0000UL], Root["memory@80000000"].Cells64("reg"));
        Assert.Equal([0x1_0000_0000UL, 0x4000_0000UL], Root["memory@100000000"].Cells64("reg"));
        Assert.Equal(["memory"], Root["memory@80000000"].Strings("device_type"));
    }

    // Linux panics on riscv,isa-base without riscv,isa-extensions.
    [Fact]
    public void Each_hart_says_what_it_can_do_in_both_ways()
    {
        Assert.Equal([10_000_000U], Root["cpus"].Cells("timebase-frequency"));
        for (var hart = 0U; hart < 2; hart++)
        {
            var cpu = Root[$"cpus/cpu@{hart}"];
            Assert.Equal([hart], cpu.Cells("reg"));
            Assert.Equal([Board.IsaString], cpu.Strings("riscv,isa"));
            Assert.Equal(["rv64i"], cpu.Strings("riscv,isa-base"));
            Assert.Equal(Board.IsaExtensions, cpu.Strings("riscv,isa-extensions"));
            Assert.Equal(["riscv,sv57"], cpu.Strings("mmu-type"));
            Assert.Equal(["riscv,cpu-intc"], cpu["interrupt-controller"].Strings("compatible"));
        }
    }

    // Contexts are the order of interrupts-extended: M (11) and S (9) of each hart.
    [Fact]
    public void The_interrupt_controller_lists_both_contexts_of_each_hart()
    {
        var plic = Root["soc/plic@c000000"];
        var harts = Enumerable.Range(0, 2).Select(hart => Root[$"cpus/cpu@{hart}/interrupt-controller"].Cells("phandle")[0]).ToArray();
        Assert.Equal([harts[0], 11U, harts[0], 9U, harts[1], 11U, harts[1], 9U], plic.Cells("interrupts-extended"));
        Assert.Equal([95U], plic.Cells("riscv,ndev"));
        Assert.Equal([0x0c00_0000UL, 0x60_0000UL], plic.Cells64("reg"));
        Assert.Equal(["sifive,plic-1.0.0", "riscv,plic0"], plic.Strings("compatible"));
    }

    [Theory]
    [InlineData("serial@10000000", "ns16550a", 0x1000_0000UL, 0x100UL, 10U)]
    [InlineData("rtc@101000", "google,goldfish-rtc", 0x0010_1000UL, 0x1000UL, 11U)]
    [InlineData("virtio_mmio@d0000000", "virtio,mmio", 0xD000_0000UL, 0x1000UL, 40U)]
    [InlineData("virtio_mmio@d0001000", "virtio,mmio", 0xD000_1000UL, 0x1000UL, 41U)]
    public void Devices_stand_where_the_memory_map_says(string node, string compatible, ulong address, ulong size, uint source)
    {
        var device = Root[$"soc/{node}"];
        Assert.Equal([compatible], device.Strings("compatible"));
        Assert.Equal([address, size], device.Cells64("reg"));
        Assert.Equal([source], device.Cells("interrupts"));
        Assert.Equal(Root["soc/plic@c000000"].Cells("phandle"), device.Cells("interrupt-parent"));
    }

    [Fact]
    public void Power_off_and_reboot_are_syscons_on_the_power_device()
    {
        var power = Root["soc/test@100000"];
        Assert.Equal(["sifive,test1", "sifive,test0", "syscon"], power.Strings("compatible"));
        Assert.Equal(power.Cells("phandle"), Root["poweroff"].Cells("regmap"));
        Assert.Equal([0x5555U], Root["poweroff"].Cells("value"));
        Assert.Equal([0x7777U], Root["reboot"].Cells("value"));
    }

    [Fact]
    public void The_CLINT_is_named_only_for_machine_mode_software()
    {
        Assert.DoesNotContain(Root["soc"].Children, node => node.Name.StartsWith("clint", StringComparison.Ordinal));
        var withFirmware = FdtReader.Read(BoardDeviceTree.Build(Board with { HasClint = true })).Root;
        var clint = withFirmware["soc/clint@2000000"];
        Assert.Equal([0x0200_0000UL, 0x1_0000UL], clint.Cells64("reg"));
        Assert.Equal([1U, 3U, 1U, 7U, 2U, 3U, 2U, 7U], clint.Cells("interrupts-extended"));
    }

    // Binding host-generic-pci.yaml, and IEEE 1275's for PCI.
    [Fact]
    public void The_PCI_bus_is_named_when_there_is_one_with_its_windows_and_wires()
    {
        Assert.DoesNotContain(Root["soc"].Children, node => node.Name.StartsWith("pci", StringComparison.Ordinal));
        var root = FdtReader.Read(BoardDeviceTree.Build(Board with { HasPci = true })).Root;
        var pci = root["soc/pci@30000000"];
        Assert.Equal(["pci-host-ecam-generic"], pci.Strings("compatible"));
        Assert.Equal(["pci"], pci.Strings("device_type"));
        Assert.Equal([0x3000_0000UL, 0x1000_0000UL], pci.Cells64("reg"));
        Assert.Equal([0U, 255U], pci.Cells("bus-range"));
        Assert.Equal(
            [0x0100_0000U, 0, 0, 0, 0x0300_0000, 0, 0x1_0000, 0x0200_0000, 0, 0x4000_0000, 0, 0x4000_0000, 0, 0x4000_0000],
            pci.Cells("ranges"));
        Assert.Equal([0x1800U, 0, 0, 7], pci.Cells("interrupt-map-mask"));
        var map = pci.Cells("interrupt-map").Chunk(6).ToList();
        Assert.Equal(16, map.Count);
        var plic = root["soc/plic@c000000"].Cells("phandle")[0];
        Assert.Contains(map, row => row.SequenceEqual(new uint[] { 0x0000, 0, 0, 1, plic, 32 }));
        Assert.Contains(map, row => row.SequenceEqual(new uint[] { 0x0800, 0, 0, 1, plic, 33 }));
        Assert.Contains(map, row => row.SequenceEqual(new uint[] { 0x1800, 0, 0, 2, plic, 32 }));
        Assert.Contains(map, row => row.SequenceEqual(new uint[] { 0x1000, 0, 0, 4, plic, 33 }));
    }

    [Fact]
    public void The_device_tree_compiler_reads_it_without_a_warning()
    {
        using var dtc = Process.Start(new ProcessStartInfo("dtc", ["-I", "dtb", "-O", "dts", "-"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        dtc.StandardInput.BaseStream.Write(BoardDeviceTree.Build(Board with { HasClint = true, HasPci = true }));
        dtc.StandardInput.Close();
        var source = dtc.StandardOutput.ReadToEnd();
        Assert.Equal("", dtc.StandardError.ReadToEnd());
        dtc.WaitForExit();
        Assert.Equal(0, dtc.ExitCode);
        Assert.Contains("compatible = \"ns16550a\";", source, StringComparison.Ordinal);
    }
}
