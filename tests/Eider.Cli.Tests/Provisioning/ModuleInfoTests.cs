using System.Buffers.Binary;
using System.Text;
using Eider.Cli.Errors;
using Eider.Cli.Provisioning;

namespace Eider.Cli.Tests.Provisioning;

public sealed class ModuleInfoTests
{
    [Fact]
    public void Dependencies_soft_predecessors_and_aliases_come_from_the_modinfo_section()
    {
        var info = ModuleInfo.Parse("ext4.ko", Elf(
            "license=GPL\0softdep=pre: crypto-crc32c post: late\0depends=jbd2,mb-cache,crc16\0alias=ext3\0alias=fs-ext4\0"));

        Assert.Equal(["jbd2", "mb_cache", "crc16"], info.Dependencies);
        Assert.Equal(["crypto-crc32c"], info.SoftPredecessors);
        Assert.Equal(["ext3", "fs-ext4"], info.Aliases);
    }

    [Fact]
    public void Without_dependencies_there_are_none() =>
        Assert.Empty(ModuleInfo.Parse("crc16.ko", Elf("depends=\0")).Dependencies);

    [Fact]
    public void Whatever_is_cut_or_changed_is_refused_or_read_and_never_throws_otherwise()
    {
        var elf = Elf("depends=jbd2\0");
        var random = new Random(20260);
        for (var round = 0; round < 20_000; round++)
        {
            var copy = elf[..random.Next(elf.Length + 1)];
            for (var i = random.Next(4); i > 0 && copy.Length > 0; i--)
            {
                copy[random.Next(copy.Length)] = (byte)random.Next(256);
            }

            try
            {
                _ = ModuleInfo.Parse("m.ko", copy).Dependencies.Count();
            }
            catch (CliException)
            {
                // Refused: fine.
            }
        }
    }

    // An ELF-64 file of three sections: nothing, the names, .modinfo.
    private static byte[] Elf(string modinfo)
    {
        var names = "\0.shstrtab\0.modinfo\0"u8.ToArray();
        var content = Encoding.ASCII.GetBytes(modinfo);
        var table = 64 + names.Length + content.Length;
        var elf = new byte[table + (3 * 64)];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(elf);
        BinaryPrimitives.WriteUInt64LittleEndian(elf.AsSpan(40), (ulong)table);
        BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(60), 3);
        BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(62), 1);
        names.CopyTo(elf, 64);
        content.CopyTo(elf, 64 + names.Length);
        Section(elf.AsSpan(table + 64), nameOffset: 1, 64, names.Length);
        Section(elf.AsSpan(table + 128), nameOffset: 11, 64 + names.Length, content.Length);
        return elf;
    }

    private static void Section(Span<byte> header, uint nameOffset, int offset, int size)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, nameOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], (ulong)offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], (ulong)size);
    }
}
