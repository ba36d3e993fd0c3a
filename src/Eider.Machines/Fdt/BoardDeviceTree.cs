using System.Globalization;
using Eider.Devices.BlockIo;
using Eider.Devices.Clock;
using Eider.Devices.Ide;
using Eider.Devices.Interrupts;
using Eider.Devices.Memory;
using Eider.Devices.Pci;
using Eider.Devices.Power;
using Eider.Devices.Serial;
using Eider.Devices.SimpleVirtio;
using Eider.Hardware.Interrupts;

namespace Eider.Machines.Fdt;

/// <summary>
/// The RISC-V board's device tree (Devicetree Specification 0.4; bindings of Linux's
/// Documentation/devicetree/bindings for each <c>compatible</c>).
/// </summary>
public static class BoardDeviceTree
{
    /// <summary>Makes the flattened tree of a machine.</summary>
    public static byte[] Build(BoardDescription board)
    {
        ArgumentNullException.ThrowIfNull(board);
        var tree = new FdtWriter();
        var hartPhandles = new uint[board.Harts];
        for (var hart = 0; hart < hartPhandles.Length; hart++)
        {
            hartPhandles[hart] = tree.NewPhandle();
        }

        tree.BeginNode("")
            .Cells("#address-cells", 2)
            .Cells("#size-cells", 2)
            .Strings("compatible", "riscv-virtio")
            .Strings("model", "eider,riscv64");
        AddChosen(tree, board);
        foreach (var (address, size) in board.Ram)
        {
            tree.BeginNode(Unit("memory", address)).Strings("device_type", "memory").Cells64("reg", address, size).EndNode();
        }

        AddCpus(tree, board, hartPhandles);
        tree.BeginNode("soc")
            .Cells("#address-cells", 2)
            .Cells("#size-cells", 2)
            .Strings("compatible", "simple-bus")
            .Flag("ranges");
        var power = AddPower(tree, board.Power);
        var plic = AddPlic(tree, hartPhandles);
        if (board.HasClint)
        {
            AddClint(tree, hartPhandles);
        }

        AddDevice(tree, "rtc", board.Rtc.Base, GoldfishRtc.SizeBytes, plic, board.Rtc.Source, "google,goldfish-rtc").EndNode();
        AddDevice(tree, "serial", board.Serial.Base, Uart16550.SizeBytes, plic, board.Serial.Source, "ns16550a")
            .Cells("clock-frequency", Uart16550.ClockHz)
            .EndNode();
        foreach (var (address, source) in board.VirtioDevices)
        {
            AddDevice(tree, "virtio_mmio", address, BoardLayout.VirtioSlotBytes, plic, source, "virtio,mmio").EndNode();
        }

        foreach (var (address, source, shift) in board.IdeChannels)
        {
            AddIde(tree, address, source, shift, plic);
        }

        foreach (var device in board.CustomDevices)
        {
            AddCustom(tree, device, plic);
        }

        foreach (var (address, stride) in board.SvirtbDevices)
        {
            AddSvirtb(tree, address, stride);
        }

        AddDucky(tree, board, plic);
        if (board.HasPci)
        {
            AddPci(tree, plic);
        }

        tree.EndNode();
        AddSyscon(tree, "poweroff", power, PowerCommand.Pass);
        AddSyscon(tree, "reboot", power, PowerCommand.Reset);
        return tree.EndNode().ToArray();
    }

    private static string Unit(string name, ulong address) => string.Create(CultureInfo.InvariantCulture, $"{name}@{address:x}");

    private static void AddChosen(FdtWriter tree, BoardDescription board)
    {
        tree.BeginNode("chosen")
            .Strings("bootargs", board.CommandLine)
            .Strings("stdout-path", "/soc/" + Unit("serial", board.Serial.Base));
        if (!board.RandomSeed.IsEmpty)
        {
            tree.Bytes("rng-seed", board.RandomSeed.Span);
        }

        if (board.Initrd is var (address, size))
        {
            tree.Cells64("linux,initrd-start", address).Cells64("linux,initrd-end", address + size);
        }

        tree.EndNode();
    }

    private static void AddCpus(FdtWriter tree, BoardDescription board, uint[] hartPhandles)
    {
        tree.BeginNode("cpus")
            .Cells("#address-cells", 1)
            .Cells("#size-cells", 0)
            .Cells("timebase-frequency", BoardLayout.TimebaseFrequencyHz);
        for (var hart = 0U; hart < hartPhandles.Length; hart++)
        {
            tree.BeginNode(Unit("cpu", hart))
                .Strings("device_type", "cpu")
                .Cells("reg", hart)
                .Strings("status", "okay")
                .Strings("compatible", "riscv")
                .Strings("riscv,isa", board.IsaString)
                .Strings("riscv,isa-base", "rv64i")
                .Strings("riscv,isa-extensions", [.. board.IsaExtensions])
                .Strings("mmu-type", board.MmuType)
                .BeginNode("interrupt-controller")
                .Cells("#interrupt-cells", 1)
                .Cells("#address-cells", 0)
                .Flag("interrupt-controller")
                .Strings("compatible", "riscv,cpu-intc")
                .Cells("phandle", hartPhandles[hart])
                .EndNode()
                .EndNode();
        }

        tree.EndNode();
    }

    // The test finisher twice: as what it is, for firmware, and as a syscon, for kernels without SBI system reset.
    private static uint AddPower(FdtWriter tree, ulong address)
    {
        var phandle = tree.NewPhandle();
        tree.BeginNode(Unit("test", address))
            .Strings("compatible", "sifive,test1", "sifive,test0", "syscon")
            .Cells64("reg", address, PowerDevice.SizeBytes)
            .Cells("phandle", phandle)
            .EndNode();
        return phandle;
    }

    private static void AddSyscon(FdtWriter tree, string action, uint power, PowerCommand command) =>
        tree.BeginNode(action)
            .Strings("compatible", "syscon-" + action)
            .Cells("regmap", power)
            .Cells("offset", (uint)PowerRegister.Finisher)
            .Cells("value", (uint)command)
            .EndNode();

    // Contexts are the order of interrupts-extended: machine mode, then supervisor mode, hart by hart.
    private static uint AddPlic(FdtWriter tree, uint[] hartPhandles)
    {
        var phandle = tree.NewPhandle();
        tree.BeginNode(Unit("plic", BoardLayout.PlicBase))
            .Strings("compatible", "sifive,plic-1.0.0", "riscv,plic0")
            .Cells64("reg", BoardLayout.PlicBase, Plic.SizeBytes)
            .Cells("#interrupt-cells", 1)
            .Cells("#address-cells", 0)
            .Flag("interrupt-controller")
            .Cells("interrupts-extended", Pins(hartPhandles, HartPin.Meip, HartPin.Seip))
            .Cells("riscv,ndev", Plic.MaxSources)
            .Cells("phandle", phandle)
            .EndNode();
        return phandle;
    }

    private static void AddClint(FdtWriter tree, uint[] hartPhandles) =>
        tree.BeginNode(Unit("clint", BoardLayout.ClintBase))
            .Strings("compatible", "sifive,clint0", "riscv,clint0")
            .Cells64("reg", BoardLayout.ClintBase, Clint.SizeBytes)
            .Cells("interrupts-extended", Pins(hartPhandles, HartPin.Msip, HartPin.Mtip))
            .EndNode();

    // Binding ata-generic (pata-common.yaml, and what pata_of_platform reads): command block, control block.
    private static void AddIde(FdtWriter tree, ulong address, int source, int shift, uint plic) =>
        tree.BeginNode(Unit("ide", address))
            .Strings("compatible", "ata-generic")
            .Cells64("reg", address, IdeMmio.CommandBlockBytes(shift), address + IdeMmio.ControlOffset, 4)
            .Cells("reg-shift", (uint)shift)
            .Cells("pio-mode", 4)
            .Cells("interrupt-parent", plic)
            .Cells("interrupts", (uint)source)
            .EndNode();

    private static void AddCustom(
        FdtWriter tree, (string Name, string Compatible, ulong Base, ulong SizeBytes, int? Source) device, uint plic)
    {
        tree.BeginNode(Unit(device.Name, device.Base)).Strings("compatible", device.Compatible).Cells64("reg", device.Base, device.SizeBytes);
        if (device.Source is { } source)
        {
            tree.Cells("interrupt-parent", plic).Cells("interrupts", (uint)source);
        }

        tree.EndNode();
    }

    // A binding of our own: KeOS knows its address by heart.
    private static void AddSvirtb(FdtWriter tree, ulong address, int strideBytes) =>
        tree.BeginNode(Unit("svirtb", address))
            .Strings("compatible", "keos,svirtb")
            .Cells64("reg", address, SvirtbLimits.WindowBytes)
            .Cells("entry-stride", (uint)strideBytes)
            .EndNode();

    // No binding but ours: ducky's programs know the addresses by heart, or read the hardware table.
    private static void AddDucky(FdtWriter tree, BoardDescription board, uint plic)
    {
        if (board.HasHardwareTable)
        {
            tree.BeginNode(Unit("rom", BoardLayout.HardwareTableBase))
                .Strings("compatible", "ducky,hdt")
                .Cells64("reg", BoardLayout.HardwareTableBase, RomPage.SizeBytes - (BoardLayout.HardwareTableBase - BoardLayout.HardwareTablePageBase))
                .EndNode();
        }

        foreach (var (address, size) in board.MappedFiles)
        {
            tree.BeginNode(Unit("mmap", address)).Strings("compatible", "ducky,mmap").Cells64("reg", address, size).EndNode();
        }

        foreach (var (address, source, sids) in board.BioDevices)
        {
            tree.BeginNode(Unit("bio", address))
                .Strings("compatible", "ducky,bio")
                .Cells64("reg", address, BioDevice.SizeBytes)
                .Cells("ducky,sids", [.. sids]);
            if (source is { } wire)
            {
                tree.Cells("interrupt-parent", plic).Cells("interrupts", (uint)wire);
            }

            tree.EndNode();
        }
    }

    // Binding host-generic-pci.yaml; the cells of "ranges" and "interrupt-map" are those of IEEE 1275's PCI binding, sections 2.2
    // and 2.4: space and register in the first one, then an address of 64 bits. Pins are swizzled by the device number, so four
    // devices tell for all.
    private static void AddPci(FdtWriter tree, uint plic)
    {
        const uint IoSpace = 1U << 24;
        const uint MemorySpace = 2U << 24;
        const int DeviceShift = 11;
        var map = new List<uint>();
        for (var device = 0U; device < BoardLayout.PciWires; device++)
        {
            for (var pin = 1U; pin <= BoardLayout.PciWires; pin++)
            {
                var wire = (device + pin - 1) % BoardLayout.PciWires;
                map.AddRange([device << DeviceShift, 0, 0, pin, plic, BoardLayout.PciFirstSource + wire]);
            }
        }

        tree.BeginNode(Unit("pci", BoardLayout.PciEcamBase))
            .Strings("compatible", "pci-host-ecam-generic")
            .Strings("device_type", "pci")
            .Cells64("reg", BoardLayout.PciEcamBase, PciEcam.SizeBytes)
            .Cells("#address-cells", 3)
            .Cells("#size-cells", 2)
            .Cells("#interrupt-cells", 1)
            .Cells("bus-range", 0, 0xFF)
            .Cells("linux,pci-domain", 0)
            .Flag("dma-coherent")
            .Cells(
                "ranges",
                IoSpace, 0, 0, High(BoardLayout.PciPortBase), Low(BoardLayout.PciPortBase), 0, Low(PciPortWindow.SizeBytes),
                MemorySpace, High(BoardLayout.PciMemoryBase), Low(BoardLayout.PciMemoryBase),
                High(BoardLayout.PciMemoryBase), Low(BoardLayout.PciMemoryBase), 0, Low(BoardLayout.PciMemoryBytes))
            .Cells("interrupt-map-mask", (BoardLayout.PciWires - 1) << DeviceShift, 0, 0, 7)
            .Cells("interrupt-map", [.. map])
            .EndNode();
    }

    private static uint High(ulong value) => (uint)(value >> 32);

    private static uint Low(ulong value) => (uint)(value & uint.MaxValue);

    private static uint[] Pins(uint[] hartPhandles, HartPin first, HartPin second)
    {
        var cells = new uint[hartPhandles.Length * 4];
        for (var hart = 0; hart < hartPhandles.Length; hart++)
        {
            cells[hart * 4] = cells[(hart * 4) + 2] = hartPhandles[hart];
            cells[(hart * 4) + 1] = (uint)first;
            cells[(hart * 4) + 3] = (uint)second;
        }

        return cells;
    }

    private static FdtWriter AddDevice(
        FdtWriter tree, string name, ulong address, ulong sizeBytes, uint plic, int source, string compatible) =>
        tree.BeginNode(Unit(name, address))
            .Strings("compatible", compatible)
            .Cells64("reg", address, sizeBytes)
            .Cells("interrupt-parent", plic)
            .Cells("interrupts", (uint)source);
}
