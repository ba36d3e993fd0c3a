using System.Buffers.Binary;
using System.Globalization;
using Eider.Hardware.Memory;
using Eider.Machines.Fdt;

namespace Eider.Machines.Kernels;

/// <summary>
/// Fills the RAM of a machine that is about to start: firmware and kernel from the bottom, initial ramdisk and device
/// tree at the top of the first region (Linux Documentation/arch/riscv/boot.rst).
/// </summary>
public static class BootLoader
{
    private const ulong PageBytes = 4096;
    private const ulong MiB = 1 << 20;

    // Firmware adds nodes in place, so there is room behind the tree.
    private const ulong TreeSlackBytes = 64 << 10;

    // OpenSBI include/sbi/fw_dynamic.h: struct fw_dynamic_info, version 2; next_mode 1 is S-mode.
    private const ulong FirmwareInfoMagic = 0x4942_534F;
    private const ulong FirmwareInfoVersion = 2;
    private const ulong SupervisorMode = 1;

    /// <summary>Loads all files and the device tree.</summary>
    /// <param name="ram">The machine's RAM, zero so far.</param>
    /// <param name="board">What the tree says; where the ramdisk lies is filled in here.</param>
    /// <param name="kernel">The kernel or bare-metal program; may be null if there is a firmware.</param>
    /// <param name="firmware">The machine-mode firmware; null for the built-in SBI.</param>
    /// <param name="initrd">The initial ramdisk; null for none.</param>
    /// <param name="bootImage">A boot image of ducky instead of a kernel; null for none.</param>
    /// <exception cref="MachineConfigurationException">A file is wrong, or the memory does not hold them all.</exception>
    public static BootPlan Load(GuestRam ram, BoardDescription board, string? kernel, string? firmware, string? initrd, string? bootImage = null)
    {
        ArgumentNullException.ThrowIfNull(ram);
        ArgumentNullException.ThrowIfNull(board);
        LoadedImage? program = kernel is not null ? KernelLoader.Load(kernel, ram) : bootImage is not null ? BootImage.Load(bootImage, ram) : null;
        LoadedImage? below = firmware is null ? null : KernelLoader.LoadFirmware(firmware, ram);
        CheckApart(firmware, below, program);
        if ((program ?? below) is not { } main)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadSetting, "kernel", "found neither kernel nor firmware, expected one of them", "give a kernel");
        }

        var region = ram.Regions[0];
        var free = Math.Max(main.End, below?.End ?? 0);
        using var ramdisk = initrd is null ? null : HostFiles.OpenRead(initrd);
        var ramdiskBytes = (ulong)(ramdisk?.Length ?? 0);
        var treeRoom = TreeSlackBytes + ((ulong)BoardDeviceTree.Build(board with { Initrd = (0, 0) }).Length + PageBytes);
        var top = region.Base + region.SizeBytes;
        if (free > top || ramdiskBytes + treeRoom + (2 * PageBytes) > top - free)
        {
            throw TooLittle(kernel ?? bootImage ?? firmware!, free - region.Base, ramdiskBytes, region.SizeBytes);
        }

        var ramdiskBase = (top - ramdiskBytes) / PageBytes * PageBytes;
        var treeBase = (ramdiskBase - treeRoom) / PageBytes * PageBytes;
        if (ramdisk is not null)
        {
            Copy(ramdisk, initrd!, ram, ramdiskBase);
            board = board with { Initrd = (ramdiskBase, ramdiskBytes) };
        }

        ram.TryWrite(treeBase, BoardDeviceTree.Build(board));
        var entry = below is { } sbi ? WriteFirmwareStart(ram, treeBase - PageBytes, sbi, program) : main.EntryPoint;
        return new BootPlan(entry, (below ?? main).Mode, treeBase, board.Initrd);
    }

    private static void CheckApart(string? firmware, LoadedImage? below, LoadedImage? program)
    {
        if (below is { } first && program is { } second && first.Base < second.End && second.Base < first.End)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.Conflict,
                firmware!,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"occupies 0x{first.Base:x} to 0x{first.End - 1:x}, where the kernel lies (0x{second.Base:x} to 0x{second.End - 1:x})"),
                "run a bare-metal program without a firmware");
        }
    }

    private static void Copy(Stream ramdisk, string path, GuestRam ram, ulong address)
    {
        var length = (ulong)ramdisk.Length;
        if (RamFiller.Fill(ram, address, ramdisk, length) != length)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadInput, path, "the file became shorter while it was read", "try again when nobody writes it");
        }
    }

    private static MachineConfigurationException TooLittle(string path, ulong used, ulong ramdisk, ulong memory)
    {
        var needed = ((used + ramdisk) / MiB) + 2;
        return new MachineConfigurationException(
            MachineErrorKind.NotEnoughMemory,
            path,
            string.Create(
                CultureInfo.InvariantCulture,
                $"kernel ({(used / MiB) + 1}M from the start of RAM) and initial ramdisk ({(ramdisk / MiB) + 1}M) do not fit into {memory / MiB}M of memory"),
            string.Create(CultureInfo.InvariantCulture, $"give at least {needed + 64}M"));
    }

    // Firmware of the dynamic kind wants to be told in a2 what comes next: a few instructions do that, then jump.
    private static ulong WriteFirmwareStart(GuestRam ram, ulong address, LoadedImage firmware, LoadedImage? next)
    {
        ReadOnlySpan<uint> code =
        [
            0x0000_0297, // auipc t0, 0
            0x0202_8613, // addi a2, t0, 32
            0x0182_B283, // ld t0, 24(t0)
            0x0002_8067, // jr t0
        ];
        ReadOnlySpan<ulong> info =
            [FirmwareInfoMagic, FirmwareInfoVersion, next?.EntryPoint ?? 0, SupervisorMode, 0, 0];
        Span<byte> page = stackalloc byte[32 + (info.Length * 8)];
        for (var i = 0; i < code.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(page[(i * 4)..], code[i]);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(page[16..], 0);
        BinaryPrimitives.WriteUInt64LittleEndian(page[24..], firmware.EntryPoint);
        for (var i = 0; i < info.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(page[(32 + (i * 8))..], info[i]);
        }

        ram.TryWrite(address, page);
        return address;
    }
}
