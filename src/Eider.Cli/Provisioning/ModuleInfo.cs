using System.Buffers.Binary;
using System.Text;
using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>What a kernel module says about itself in its <c>.modinfo</c> section: <c>key=value</c> strings that NUL ends.</summary>
internal sealed class ModuleInfo
{
    private const int Elf64HeaderBytes = 64;
    private const int SectionHeaderBytes = 64;

    private readonly ILookup<string, string> _values;

    private ModuleInfo(ILookup<string, string> values) => _values = values;

    /// <summary>Modules that it needs, by name.</summary>
    public IEnumerable<string> Dependencies =>
        _values["depends"].SelectMany(list => list.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(Normalize);

    /// <summary>Modules or aliases that should be there before it, if there are any.</summary>
    public IEnumerable<string> SoftPredecessors =>
        _values["softdep"].SelectMany(text =>
        {
            var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var pre = Array.IndexOf(words, "pre:");
            return pre < 0 ? [] : words.Skip(pre + 1).TakeWhile(word => !word.EndsWith(':'));
        });

    /// <summary>Names that it answers to besides its own; with wildcards for devices.</summary>
    public IEnumerable<string> Aliases => _values["alias"];

    /// <summary>A module's name as the kernel writes it: hyphens are underscores.</summary>
    public static string Normalize(string name) => name.Replace('-', '_');

    /// <summary>Reads a module that is not compressed.</summary>
    /// <param name="name">For messages.</param>
    /// <param name="elf">A 64-bit little-endian ELF file.</param>
    /// <exception cref="CliException">It is no such file.</exception>
    public static ModuleInfo Parse(string name, ReadOnlySpan<byte> elf)
    {
        if (elf.Length < Elf64HeaderBytes || !elf.StartsWith("\u007fELF"u8) || elf[4] != 2 || elf[5] != 1)
        {
            throw Bad(name);
        }

        // ELF-64 header: e_shoff at 40, e_shentsize at 58, e_shnum at 60, e_shstrndx at 62.
        var table = BinaryPrimitives.ReadUInt64LittleEndian(elf[40..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(elf[60..]);
        var names = Section(name, elf, table, BinaryPrimitives.ReadUInt16LittleEndian(elf[62..]), out _);
        for (var i = 0; i < count; i++)
        {
            var content = Section(name, elf, table, i, out var nameOffset);
            if (nameOffset < names.Length && names[nameOffset..].StartsWith(".modinfo\0"u8))
            {
                return new ModuleInfo(Pairs(content));
            }
        }

        throw Bad(name);
    }

    // Section header: sh_name at 0, sh_type at 4, sh_offset at 24, sh_size at 32.
    private static ReadOnlySpan<byte> Section(
        string name, ReadOnlySpan<byte> elf, ulong table, int index, out int nameOffset)
    {
        const uint NoBits = 8;
        var length = (ulong)elf.Length;
        if (table > length || length - table < ((ulong)index + 1) * SectionHeaderBytes)
        {
            throw Bad(name);
        }

        var header = elf[((int)table + (index * SectionHeaderBytes))..];
        nameOffset = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(header), int.MaxValue);
        var offset = BinaryPrimitives.ReadUInt64LittleEndian(header[24..]);
        var size = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) == NoBits)
        {
            return default;
        }

        return offset <= length && size <= length - offset ? elf.Slice((int)offset, (int)size) : throw Bad(name);
    }

    private static ILookup<string, string> Pairs(ReadOnlySpan<byte> section) =>
        Encoding.UTF8.GetString(section).Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Select(text => text.Split('=', 2)).Where(pair => pair.Length == 2)
            .ToLookup(pair => pair[0], pair => pair[1]);

    private static CliException Bad(string name) =>
        new(ExitCode.BadInput, $"{name}: no kernel module (expected a 64-bit ELF file with a .modinfo section)");
}
