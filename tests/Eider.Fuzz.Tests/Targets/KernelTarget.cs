using System.Buffers.Binary;
using System.IO.Compression;
using Eider.Hardware.Memory;
using Eider.Machines;
using Eider.Machines.Fdt;
using Eider.Machines.Kernels;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// The loaders of kernels, firmware and initial ramdisks: flat Images, ELF programs, gzip and EFI zboot around them, with header fields at their
/// edges, cut off or overwritten. Accepted: the machine would start; then everything lies in RAM, and the entry point too.
/// </summary>
public sealed class KernelTarget : FuzzTarget
{
    private const ulong RamBase = 0x8000_0000;
    private const ulong RamBytes = 8 << 20;
    private const int MaxFile = 16 << 10;

    private static readonly string[] Names = ["kernel", "firmware", "initrd"];

    private readonly GuestRam _ram = new((RamBase, RamBytes));
    private readonly DirectoryInfo _folder = Directory.CreateDirectory(
        Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"eider-fuzz-{Guid.NewGuid():n}"));

    private readonly Dictionary<string, FileStream> _files = [];
    private readonly byte[] _content = new byte[MaxFile];

    /// <inheritdoc/>
    public override string Name => "kernel";

    /// <summary>A head of the file, a table of segments, and what gzip needs; the file itself goes into RAM.</summary>
    public override long MaxAllocatedBytes => 1 << 20;

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        try
        {
            if (input.OneIn(6))
            {
                return Boot(input);
            }

            var asFirmware = input.OneIn(4);
            var path = Make(input, "kernel");
            var image = asFirmware ? KernelLoader.LoadFirmware(path, _ram) : KernelLoader.Load(path, _ram);
            Check(image);
            input.Saw($"{(asFirmware ? "firmware" : "program")} {image.Format} {image.Mode}");
            return true;
        }
        catch (MachineConfigurationException error)
        {
            UserErrors.Check(input, error);
            return false;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var file in _files.Values)
            {
                file.Dispose();
            }

            _folder.Delete(recursive: true);
            _ram.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool Boot(FuzzInput input)
    {
        var board = new BoardDescription
        {
            Ram = [(RamBase, RamBytes)],
            Harts = 1,
            IsaString = "rv64imac",
            IsaExtensions = ["i", "m"],
            MmuType = "riscv,sv39",
        };
        var plan = BootLoader.Load(
            _ram, board, input.OneIn(8) ? null : Make(input, "kernel"), input.OneIn(3) ? Make(input, "firmware") : null,
            input.OneIn(2) ? Make(input, "initrd") : null);
        FuzzException.Unless(IsInRam(plan.EntryPoint, 2), $"the entry point 0x{plan.EntryPoint:x} is no RAM");
        input.Saw($"boots in {plan.Mode} mode");
        return true;
    }

    private static void Check(LoadedImage image)
    {
        FuzzException.Unless(
            image.End >= image.Base && IsInRam(image.Base, image.End - image.Base), $"0x{image.Base:x} to 0x{image.End:x} is no RAM");
        FuzzException.Unless((image.EntryPoint & 1) == 0, $"the entry point 0x{image.EntryPoint:x} is odd");
    }

    private static bool IsInRam(ulong address, ulong lengthBytes) =>
        address >= RamBase && address - RamBase <= RamBytes && lengthBytes <= RamBytes - (address - RamBase);

    private string Make(FuzzInput input, string name)
    {
        var length = 64 + input.Below(input.OneIn(4) ? MaxFile - 64 : 512);
        var content = _content.AsSpan(0, length);
        content.Clear();
        if (name != "initrd")
        {
            MakeProgram(input, content);
        }

        for (var spoiled = input.OneIn(4) ? 1 + input.Below(6) : 0; spoiled > 0; spoiled--)
        {
            content[input.Below(Math.Min(length, 256))] = input.Byte();
        }

        var cut = input.OneIn(8) ? input.Below(length + 1) : length;
        return Write(name, input.OneIn(12) ? Pack(input, content[..cut]) : content[..cut]);
    }

    private static void MakeProgram(FuzzInput input, Span<byte> content)
    {
        switch (input.Below(4))
        {
            case 0:
                MakeFlat(input, content);
                break;
            case < 3:
                MakeElf(input, content);
                break;
            default:
                content[0] = 0x13; // a flat firmware, or nothing that anybody knows
                break;
        }
    }

    private static void MakeFlat(FuzzInput input, Span<byte> content)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(content[8..], input.OneIn(4) ? input.Edge(RamBytes) : 0x20_0000);
        BinaryPrimitives.WriteUInt64LittleEndian(content[16..], input.OneIn(4) ? input.Edge(RamBytes) : (ulong)content.Length);
        content[24] = (byte)(input.OneIn(8) ? input.Below(4) : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(content[56..], 0x0543_5352);
    }

    private static void MakeElf(FuzzInput input, Span<byte> content)
    {
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(content);
        BinaryPrimitives.WriteUInt16LittleEndian(content[16..], (ushort)(2 + input.Below(2)));
        BinaryPrimitives.WriteUInt16LittleEndian(content[18..], (ushort)(input.OneIn(16) ? 62 : 243));
        var home = input.Pick<ulong>([RamBase, 0, 0xFFFF_FFFF_8000_0000, RamBase + RamBytes - 4096]);
        BinaryPrimitives.WriteUInt64LittleEndian(content[24..], input.OneIn(8) ? input.Edge(home) : home);
        BinaryPrimitives.WriteUInt64LittleEndian(content[32..], input.OneIn(16) ? input.Edge((ulong)content.Length) : 64);
        BinaryPrimitives.WriteUInt16LittleEndian(content[54..], 56);
        var count = 1 + input.Below(3);
        BinaryPrimitives.WriteUInt16LittleEndian(content[56..], input.OneIn(16) ? input.TwoBytes() : (ushort)count);
        for (var i = 0; i < count && 64 + (56 * (i + 1)) <= content.Length; i++)
        {
            var entry = content.Slice(64 + (56 * i), 56);
            entry[0] = (byte)(input.OneIn(8) ? input.Below(8) : 1);
            var physical = home >= RamBase && home < RamBase + RamBytes ? home : input.Pick<ulong>([0, RamBase]);
            var size = (ulong)input.Below(content.Length);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], input.OneIn(8) ? input.Edge((ulong)content.Length) : 0);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], home);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[24..], input.OneIn(8) ? input.Edge(RamBase + RamBytes) : physical);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[32..], input.OneIn(8) ? input.Edge(size) : size);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[40..], input.OneIn(8) ? input.Edge(RamBytes) : size + 16);
        }
    }

    /// <summary>Compresses it, perhaps inside of an EFI zboot image, and spoils a byte of that at times.</summary>
    private static byte[] Pack(FuzzInput input, ReadOnlySpan<byte> content)
    {
        using var packed = new MemoryStream();
        if (input.OneIn(2))
        {
            Span<byte> header = stackalloc byte[64];
            header.Clear();
            "MZ"u8.CopyTo(header);
            "zimg"u8.CopyTo(header[4..]);
            BinaryPrimitives.WriteUInt32LittleEndian(header[8..], input.OneIn(4) ? unchecked((uint)input.Edge(64)) : 64);
            BinaryPrimitives.WriteUInt32LittleEndian(header[12..], input.OneIn(4) ? unchecked((uint)input.Edge(64)) : 20);
            "gzip"u8.CopyTo(header[24..]);
            packed.Write(header);
        }

        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        var bytes = packed.ToArray();
        if (bytes.Length > 0 && input.OneIn(3))
        {
            bytes[input.Below(bytes.Length)] = input.Byte();
        }

        return bytes;
    }

    private string Write(string name, ReadOnlySpan<byte> content)
    {
        var path = Path.Combine(_folder.FullName, name);
        if (!_files.TryGetValue(name, out var file))
        {
            FuzzException.Unless(Names.Contains(name), "a name that is fixed");
            _files[name] = file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        }

        RandomAccess.SetLength(file.SafeFileHandle, content.Length);
        RandomAccess.Write(file.SafeFileHandle, content, 0);
        return path;
    }
}
