using System.Globalization;
using Eider.Hardware.Memory;

namespace Eider.Machines.Kernels;

/// <summary>
/// Puts kernels and bare-metal programs into guest memory. Files are not trusted: every field is checked before it
/// is used, and compressed data is unpacked straight into the guest's RAM, which bounds it.
/// </summary>
public static class KernelLoader
{
    /// <summary>Where Linux wants its Image unless the header says otherwise, from the start of RAM, in bytes.</summary>
    public const ulong DefaultTextOffset = 2 * MiB;

    private const ulong MiB = 1 << 20;
    private const ulong SupervisorHalf = 1UL << 63;

    /// <summary>Loads a flat Image, a compressed Image or an ELF program.</summary>
    /// <param name="path">The file.</param>
    /// <param name="ram">Where it goes.</param>
    /// <exception cref="MachineConfigurationException">
    /// The file is missing, for another machine, broken, or does not fit; the message says which.
    /// </exception>
    public static LoadedImage Load(string path, GuestRam ram)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(ram);
        using var file = ImageFile.Open(path);
        if (FlatImageHeader.TryRead(file.Head, out var header))
        {
            return LoadFlat(path, file, header, ram);
        }

        if (ElfFile.IsElf(file.Head))
        {
            using var content = file.OpenSeekable();
            return LoadElf(path, content, ram);
        }

        throw new MachineConfigurationException(
            MachineErrorKind.BadInput,
            path,
            $"found {ForeignImage.Describe(file.Head)}, expected a RISC-V kernel (flat Image, Image.gz or ELF)",
            "give the riscv64 kernel's Image");
    }

    /// <summary>
    /// Loads a machine-mode firmware such as OpenSBI: an ELF program, or a flat binary, which goes to the start
    /// of RAM. One that is linked to run anywhere goes there too.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="ram">Where it goes.</param>
    /// <exception cref="MachineConfigurationException">It is missing, for another machine, broken, or does not fit.</exception>
    public static LoadedImage LoadFirmware(string path, GuestRam ram)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(ram);
        using var file = ImageFile.Open(path);
        if (ElfFile.IsElf(file.Head))
        {
            using var program = file.OpenSeekable();
            return LoadElf(path, program, ram) with { Mode = BootMode.Machine };
        }

        var found = file.Head.IsEmpty ? "an empty file"
            : FlatImageHeader.TryRead(file.Head, out _) ? "a Linux kernel"
            : ForeignImage.TryRecognize(file.Head);
        if (found is not null)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadInput, path, $"found {found}, expected a RISC-V firmware (flat binary or ELF)");
        }

        var region = ram.Regions[0];
        var end = region.Base + CopyFlat(path, file, ram, region.Base, region.SizeBytes);
        return new LoadedImage(KernelFormat.FlatImage, region.Base, end, region.Base, BootMode.Machine);
    }

    private static LoadedImage LoadFlat(string path, ImageFile file, FlatImageHeader header, GuestRam ram)
    {
        if (header.IsBigEndian)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadInput, path, "found a big-endian RISC-V kernel, expected a little-endian one");
        }

        var region = ram.Regions[0];
        if (header.TextOffset % 4096 != 0 || header.TextOffset >= BoardLayout.LowRamEnd - BoardLayout.RamBase)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadInput,
                path,
                string.Create(CultureInfo.InvariantCulture, $"found text offset 0x{header.TextOffset:x} in the header, expected a multiple of 4096 below 1 GiB"));
        }

        var needed = Math.Max(header.ImageSizeBytes, (ulong)(file.LengthBytes ?? FlatImageHeader.Bytes));
        var room = region.SizeBytes > header.TextOffset ? region.SizeBytes - header.TextOffset : 0;
        if (needed > room)
        {
            throw TooLarge(path, needed, header.TextOffset, region.SizeBytes);
        }

        var address = region.Base + header.TextOffset;
        var copied = CopyFlat(path, file, ram, address, room);
        return new LoadedImage(
            KernelFormat.FlatImage, address, address + Math.Max(copied, header.ImageSizeBytes), address, BootMode.Supervisor);
    }

    private static ulong CopyFlat(string path, ImageFile file, GuestRam ram, ulong address, ulong room)
    {
        using var content = file.OpenContent();
        try
        {
            var copied = RamFiller.Fill(ram, address, content, room);
            return copied < room || content.ReadByte() < 0
                ? copied
                : throw TooLarge(path, room + 1, address - BoardLayout.RamBase, ram.Regions[0].SizeBytes);
        }
        catch (InvalidDataException cause)
        {
            throw ImageFile.Broken(path, cause);
        }
    }

    private static LoadedImage LoadElf(string path, Stream content, GuestRam ram)
    {
        var elf = ElfFile.Read(content, path);
        var lowest = ulong.MaxValue;
        foreach (var segment in elf.Segments)
        {
            lowest = Math.Min(lowest, segment.PhysicalAddress);
        }

        var isKernel = elf.EntryPoint >= SupervisorHalf;

        // A vmlinux is linked to the upper half, and its physical addresses may count from 0 and not from the start of
        // RAM. So do those of a position-independent firmware.
        var home = BoardLayout.RamBase + (isKernel ? DefaultTextOffset : 0);
        var shift = (isKernel || lowest == 0) && lowest < BoardLayout.RamBase ? home - lowest : 0;
        var end = 0UL;
        foreach (var segment in elf.Segments)
        {
            var address = Place(path, segment, shift, ram);
            content.Position = (long)segment.FileOffset;
            RamFiller.Fill(ram, address, content, segment.FileBytes);
            end = Math.Max(end, address + segment.MemoryBytes);
        }

        // A kernel starts at its first byte; both sides of a segment may be odd although the entry point is even.
        var entry = isKernel ? lowest + shift : PhysicalEntry(path, elf) + shift;
        ThrowIfOdd(path, elf.EntryPoint);
        ThrowIfOdd(path, entry);
        return new LoadedImage(KernelFormat.Elf, lowest + shift, end, entry, isKernel ? BootMode.Supervisor : BootMode.Machine);
    }

    private static void ThrowIfOdd(string path, ulong entryPoint)
    {
        if ((entryPoint & 1) != 0)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadInput,
                path,
                string.Create(CultureInfo.InvariantCulture, $"found the odd entry point 0x{entryPoint:x}, expected an even one"));
        }
    }

    private static ulong Place(string path, ElfSegment segment, ulong shift, GuestRam ram)
    {
        var fits = segment.PhysicalAddress <= ulong.MaxValue - shift
            && ram.Contains(segment.PhysicalAddress + shift, segment.MemoryBytes);
        if (fits)
        {
            return segment.PhysicalAddress + shift;
        }

        var ranges = string.Join(", ", ram.Regions.Select(region => string.Create(
            CultureInfo.InvariantCulture, $"0x{region.Base:x} to 0x{region.Base + (region.SizeBytes - 1):x}")));
        throw new MachineConfigurationException(
            MachineErrorKind.NotEnoughMemory,
            path,
            string.Create(
                CultureInfo.InvariantCulture,
                $"the segment at 0x{segment.PhysicalAddress:x} of {segment.MemoryBytes} bytes does not lie in RAM ({ranges})"),
            "give more memory, or link the program to 0x80000000");
    }

    // The entry point is a virtual address; in a bare-metal program both are usually the same.
    internal static ulong PhysicalEntry(string path, ElfFile elf)
    {
        foreach (var segment in elf.Segments)
        {
            var offset = unchecked(elf.EntryPoint - segment.VirtualAddress);
            if (offset < segment.MemoryBytes)
            {
                return segment.PhysicalAddress + offset;
            }
        }

        throw new MachineConfigurationException(
            MachineErrorKind.BadInput,
            path,
            string.Create(CultureInfo.InvariantCulture, $"the entry point 0x{elf.EntryPoint:x} lies in no segment of the ELF file"));
    }

    private static MachineConfigurationException TooLarge(string path, ulong needed, ulong offset, ulong memory) => new(
        MachineErrorKind.NotEnoughMemory,
        path,
        string.Create(
            CultureInfo.InvariantCulture,
            $"needs {MegabytesUp(needed)}M at {offset / MiB}M, found {memory / MiB}M of memory"),
        string.Create(CultureInfo.InvariantCulture, $"give at least {MegabytesUp(needed) + MegabytesUp(offset) + 32}M"));

    private static ulong MegabytesUp(ulong bytes) => (bytes / MiB) + (bytes % MiB == 0 ? 0UL : 1);
}
