using System.Buffers.Binary;
using System.Globalization;

namespace Eider.Machines.Kernels;

/// <summary>Names what a file is that is no RISC-V kernel, from its first bytes, so that the user knows what went wrong.</summary>
internal static class ForeignImage
{
    private static readonly (int Offset, byte[] Magic, string Name)[] Magics =
    [
        (0x202, "HdrS"u8.ToArray(), "an x86 Linux kernel (bzImage)"),
        (56, "ARM\x64"u8.ToArray(), "an arm64 Linux kernel (Image)"),
        (0x24, [0x18, 0x28, 0x6F, 0x01], "a 32-bit Arm Linux kernel (zImage)"),
        (56, [0xCD, 0x23, 0x82, 0x81], "a LoongArch Linux kernel (Image)"),
        (0, [0x27, 0x05, 0x19, 0x56], "a U-Boot uImage"),
        (0, [0xD0, 0x0D, 0xFE, 0xED], "a flattened device tree or a FIT image"),
        (0, "070701"u8.ToArray(), "a cpio archive (an initramfs)"),
        (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "a file compressed with xz"),
        (0, [0x28, 0xB5, 0x2F, 0xFD], "a file compressed with zstd"),
        (0, [0x02, 0x21, 0x4C, 0x18], "a file compressed with lz4"),
        (0, [0x04, 0x22, 0x4D, 0x18], "a file compressed with lz4"),
        (0, "BZh"u8.ToArray(), "a file compressed with bzip2"),
        (0, "QFI\xFB"u8.ToArray(), "a qcow2 disk image"),
        (0, "!<arch>"u8.ToArray(), "an archive (a Debian package?)"),
    ];

    /// <summary>What the file is, with its article.</summary>
    /// <param name="head">Its first bytes, as many as there are, up to 4096.</param>
    public static string Describe(ReadOnlySpan<byte> head)
    {
        if (head.IsEmpty)
        {
            return "an empty file";
        }

        return TryRecognize(head) ?? DescribePortableExecutable(head) ?? string.Create(
            CultureInfo.InvariantCulture, $"a file that begins with {Convert.ToHexString(head[..Math.Min(8, head.Length)])}");
    }

    /// <summary>What the file is if its magic is known, else null.</summary>
    public static string? TryRecognize(ReadOnlySpan<byte> head)
    {
        foreach (var (offset, magic, name) in Magics)
        {
            if (head.Length >= offset + magic.Length && head.Slice(offset, magic.Length).SequenceEqual(magic))
            {
                return name;
            }
        }

        return null;
    }

    /// <summary>The name of an ELF machine number (ELF specification, <c>e_machine</c>).</summary>
    public static string ElfMachine(ushort machine) => machine switch
    {
        2 or 43 => "SPARC",
        3 => "x86",
        8 => "MIPS",
        20 or 21 => "PowerPC",
        22 => "S/390",
        40 => "32-bit Arm",
        62 => "x86-64",
        183 => "arm64",
        247 => "BPF",
        258 => "LoongArch",
        _ => string.Create(CultureInfo.InvariantCulture, $"machine number {machine}"),
    };

    // Microsoft PE format, "COFF File Header": the machine stands behind the signature that 0x3C points to.
    private static string? DescribePortableExecutable(ReadOnlySpan<byte> head)
    {
        if (head.Length < 0x40 || head[0] != (byte)'M' || head[1] != (byte)'Z')
        {
            return null;
        }

        var header = BinaryPrimitives.ReadUInt32LittleEndian(head[0x3C..]);
        if (header > head.Length - 6 || !head.Slice((int)header, 4).SequenceEqual("PE\0\0"u8))
        {
            return "an MS-DOS program";
        }

        return BinaryPrimitives.ReadUInt16LittleEndian(head[((int)header + 4)..]) switch
        {
            0x014C => "an x86 EFI program",
            0x8664 => "an x86-64 EFI program",
            0xAA64 => "an arm64 EFI program",
            0x5064 => "a RISC-V EFI program without a flat Image in it",
            _ => "an EFI program of another machine",
        };
    }
}
