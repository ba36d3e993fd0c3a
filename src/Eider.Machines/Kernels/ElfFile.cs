using System.Buffers.Binary;
using System.Globalization;

namespace Eider.Machines.Kernels;

/// <summary>The headers of a 64-bit RISC-V ELF program (System V ABI, "Object Files" and "Program Header").</summary>
internal sealed class ElfFile
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int MaxProgramHeaders = 256;
    private const byte Class64 = 2;
    private const byte LittleEndian = 1;
    private const ushort Executable = 2;
    private const ushort SharedObject = 3;
    private const ushort RiscV = 243;
    private const uint Load = 1;

    private ElfFile(ulong entryPoint, IReadOnlyList<ElfSegment> segments)
    {
        EntryPoint = entryPoint;
        Segments = segments;
    }

    /// <summary>The entry point, a virtual address.</summary>
    public ulong EntryPoint { get; }

    /// <summary>The loadable segments that occupy memory; at least one.</summary>
    public IReadOnlyList<ElfSegment> Segments { get; }

    public static bool IsElf(ReadOnlySpan<byte> head) => head.StartsWith("\u007fELF"u8);

    /// <summary>Reads and checks all headers.</summary>
    /// <exception cref="MachineConfigurationException">Of another machine, no program, or broken.</exception>
    public static ElfFile Read(Stream file, string path)
    {
        var header = new byte[HeaderBytes];
        file.Position = 0;
        if (file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes)
        {
            throw Bad(path, "an ELF file that ends inside its header");
        }

        CheckMachine(path, header);
        var type = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(16));
        if (type is not (Executable or SharedObject))
        {
            throw Bad(path, string.Create(CultureInfo.InvariantCulture, $"an ELF file of type {type}, not a program"));
        }

        var offset = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(32));
        var entrySize = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(54));
        var count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(56));
        if (entrySize != ProgramHeaderBytes || count is 0 or > MaxProgramHeaders)
        {
            throw Bad(path, string.Create(
                CultureInfo.InvariantCulture, $"an ELF file with {count} program headers of {entrySize} bytes"));
        }

        var segments = ReadSegments(file, path, offset, count);
        return segments.Count > 0
            ? new ElfFile(BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(24)), segments)
            : throw Bad(path, "an ELF file with nothing to load");
    }

    private static void CheckMachine(string path, ReadOnlySpan<byte> header)
    {
        var little = header[5] == LittleEndian;
        var machine = little
            ? BinaryPrimitives.ReadUInt16LittleEndian(header[18..])
            : BinaryPrimitives.ReadUInt16BigEndian(header[18..]);
        if (machine != RiscV)
        {
            throw Bad(path, $"an ELF file for {ForeignImage.ElfMachine(machine)}");
        }

        if (!little || header[4] != Class64)
        {
            throw Bad(path, little ? "a 32-bit RISC-V ELF file" : "a big-endian RISC-V ELF file");
        }
    }

    private static List<ElfSegment> ReadSegments(Stream file, string path, ulong offset, int count)
    {
        var fileBytes = (ulong)file.Length;
        var tableBytes = (ulong)(count * ProgramHeaderBytes);
        if (offset > fileBytes || tableBytes > fileBytes - offset)
        {
            throw Bad(path, "an ELF file that ends before its program headers");
        }

        var table = new byte[tableBytes];
        file.Position = (long)offset;
        file.ReadExactly(table);
        var segments = new List<ElfSegment>();
        for (var i = 0; i < count; i++)
        {
            var entry = table.AsSpan(i * ProgramHeaderBytes, ProgramHeaderBytes);
            var segment = new ElfSegment(
                BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]),
                BinaryPrimitives.ReadUInt64LittleEndian(entry[24..]),
                BinaryPrimitives.ReadUInt64LittleEndian(entry[32..]),
                BinaryPrimitives.ReadUInt64LittleEndian(entry[40..]));
            if (BinaryPrimitives.ReadUInt32LittleEndian(entry) == Load && segment.MemoryBytes > 0)
            {
                Check(path, segment, fileBytes);
                segments.Add(segment);
            }
        }

        return segments;
    }

    private static void Check(string path, ElfSegment segment, ulong fileBytes)
    {
        if (segment.FileBytes > segment.MemoryBytes
            || segment.FileOffset > fileBytes
            || segment.FileBytes > fileBytes - segment.FileOffset
            || segment.MemoryBytes > ulong.MaxValue - segment.PhysicalAddress)
        {
            throw Bad(path, string.Create(
                CultureInfo.InvariantCulture,
                $"an ELF file whose segment at 0x{segment.PhysicalAddress:x} lies outside of the file or of memory"));
        }
    }

    private static MachineConfigurationException Bad(string path, string found) => new(
        MachineErrorKind.BadInput, path, $"found {found}, expected a 64-bit RISC-V program or kernel");
}
