using System.Buffers.Binary;
using System.Globalization;
using Eider.Hardware.Memory;

namespace Eider.Machines.Kernels;

/// <summary>
/// Ducky's boot image (<c>ducky-img --bio</c>): blocks of 1024 bytes. Block 0 has the number of blocks, itself included, as its first word, and
/// zeroes behind it; the program follows from block 1 on. A loader puts it to <see cref="BoardLayout.BootImageBase"/> and jumps to its first byte.
/// </summary>
public static class BootImage
{
    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = 1024;

    /// <summary>Most bytes of the program in an image.</summary>
    public const int MaxProgramBytes = 64 << 20;

    /// <summary>Makes an image of a program.</summary>
    /// <param name="program">A flat binary, or an ELF program that is linked to <see cref="BoardLayout.BootImageBase"/> and begins there.</param>
    /// <returns>The whole image, a multiple of 1024 bytes.</returns>
    /// <exception cref="MachineConfigurationException">It is missing, empty, too large, or belongs somewhere else.</exception>
    public static byte[] Make(string program)
    {
        ArgumentNullException.ThrowIfNull(program);
        using var file = ImageFile.Open(program);
        var content = ElfFile.IsElf(file.Head) ? ReadElf(program, file) : ReadFlat(program, file);
        var blocks = 1 + ((content.Length + BlockBytes - 1) / BlockBytes);
        var image = new byte[blocks * BlockBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(image, (uint)blocks);
        content.CopyTo(image.AsSpan(BlockBytes));
        return image;
    }

    /// <summary>Reads the header of an image and checks it.</summary>
    /// <param name="path">The image.</param>
    /// <exception cref="MachineConfigurationException">It is missing, or none.</exception>
    public static BootImageInfo Inspect(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = HostFiles.OpenRead(path);
        return Inspect(path, file);
    }

    /// <summary>Does what ducky's loader does: puts the program of an image to its place in RAM.</summary>
    /// <param name="path">The image.</param>
    /// <param name="ram">Where it goes.</param>
    /// <exception cref="MachineConfigurationException">It is missing, none, or does not fit.</exception>
    public static LoadedImage Load(string path, GuestRam ram)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(ram);
        using var file = HostFiles.OpenRead(path);
        var info = Inspect(path, file);
        var bytes = (ulong)info.ProgramBytes;
        if (!ram.Contains(BoardLayout.BootImageBase, bytes))
        {
            throw new MachineConfigurationException(
                MachineErrorKind.NotEnoughMemory, path,
                Invariant($"its {info.ProgramBytes} bytes from 0x{BoardLayout.BootImageBase:x} on do not lie in RAM"), "give more memory");
        }

        file.Position = BlockBytes;
        RamFiller.Fill(ram, BoardLayout.BootImageBase, file, bytes);
        return new LoadedImage(
            KernelFormat.BootImage, BoardLayout.BootImageBase, BoardLayout.BootImageBase + bytes, BoardLayout.BootImageBase, BootMode.Machine);
    }

    private static BootImageInfo Inspect(string path, FileStream file)
    {
        var header = new byte[BlockBytes];
        var length = file.ReadAtLeast(header, BlockBytes, throwOnEndOfStream: false);
        if (length < BlockBytes || header.AsSpan(sizeof(uint)).ContainsAnyExcept((byte)0))
        {
            throw Bad(path, length < BlockBytes ? Invariant($"found {length} bytes") : "found other bytes than zeroes behind the first word",
                "a boot image: a block of 1024 bytes with nothing but the number of blocks, then the program");
        }

        var blocks = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var there = file.Length / BlockBytes;
        return blocks >= 2 && blocks <= there
            ? new BootImageInfo(blocks, (blocks - 1L) * BlockBytes, file.Length - ((long)blocks * BlockBytes))
            : throw Bad(path, Invariant($"found {blocks} as the number of blocks"), Invariant($"2 to {there}, which the file has"));
    }

    private static byte[] ReadFlat(string path, ImageFile file)
    {
        if (ForeignImage.TryRecognize(file.Head) is { } found)
        {
            throw Bad(path, $"found {found}", "a RISC-V program, flat binary or ELF");
        }

        using var content = file.OpenContent();
        using var bytes = new MemoryStream();
        try
        {
            var piece = new byte[64 << 10];
            while (content.Read(piece) is > 0 and var read)
            {
                ThrowIfTooLarge(path, bytes.Length + read);
                bytes.Write(piece, 0, read);
            }
        }
        catch (InvalidDataException cause)
        {
            throw ImageFile.Broken(path, cause);
        }

        return bytes.Length != 0 ? bytes.ToArray() : throw Bad(path, "found an empty file", "a program");
    }

    // As they lie in memory, the zeroes of .bss included: the loader clears nothing.
    private static byte[] ReadElf(string path, ImageFile file)
    {
        using var content = file.OpenSeekable();
        var elf = ElfFile.Read(content, path);
        var end = 0UL;
        foreach (var segment in elf.Segments)
        {
            if (segment.PhysicalAddress < BoardLayout.BootImageBase)
            {
                throw Bad(path, Invariant($"found a segment at 0x{segment.PhysicalAddress:x}"), Invariant($"a program that is linked to 0x{BoardLayout.BootImageBase:x}"));
            }

            end = Math.Max(end, segment.PhysicalAddress - BoardLayout.BootImageBase + segment.MemoryBytes);
            ThrowIfTooLarge(path, end > long.MaxValue ? long.MaxValue : (long)end);
        }

        var entry = KernelLoader.PhysicalEntry(path, elf);
        if (entry != BoardLayout.BootImageBase)
        {
            throw Bad(path, Invariant($"found the entry point 0x{entry:x}"), Invariant($"0x{BoardLayout.BootImageBase:x}, where loaders jump to"));
        }

        var program = new byte[end];
        foreach (var segment in elf.Segments)
        {
            content.Position = (long)segment.FileOffset;
            content.ReadExactly(program.AsSpan((int)(segment.PhysicalAddress - BoardLayout.BootImageBase), (int)segment.FileBytes));
        }

        return program;
    }

    private static void ThrowIfTooLarge(string path, long bytes)
    {
        if (bytes > MaxProgramBytes)
        {
            throw Bad(path, Invariant($"found a program of at least {bytes} bytes"), Invariant($"at most {MaxProgramBytes}"));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static MachineConfigurationException Bad(string path, string found, string expected) =>
        new(MachineErrorKind.BadInput, path, $"{found}, expected {expected}");
}
