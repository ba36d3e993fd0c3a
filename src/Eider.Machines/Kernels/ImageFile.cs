using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;

namespace Eider.Machines.Kernels;

/// <summary>
/// A program file, unpacked if it is compressed with gzip: by itself (Image.gz) or inside of an EFI zboot image
/// (Linux drivers/firmware/efi/libstub/zboot-header.S).
/// </summary>
internal sealed class ImageFile : IDisposable
{
    /// <summary>How much of a file's start is looked at to tell what it is.</summary>
    public const int HeadBytes = 4096;

    // An ELF program is read out of order, so a compressed one is unpacked into memory of the host first.
    private const int MaxUnpackedElfBytes = 1 << 30;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly byte[] _head;

    private ImageFile(string path, FileStream file)
    {
        _path = path;
        _file = file;
        var head = ReadHead(file);
        (PayloadOffset, PayloadBytes) = FindCompressed(path, head, file.Length);
        IsCompressed = PayloadBytes > 0;
        _head = IsCompressed ? ReadCompressedHead() : head;
    }

    /// <summary>The first bytes of the unpacked file.</summary>
    public ReadOnlySpan<byte> Head => _head;

    /// <summary>True if it was packed.</summary>
    public bool IsCompressed { get; }

    private long PayloadOffset { get; }

    private long PayloadBytes { get; }

    /// <summary>Length of the unpacked file if it is known without unpacking.</summary>
    public long? LengthBytes => IsCompressed ? null : _file.Length;

    /// <summary>Opens a file and looks at its start.</summary>
    /// <exception cref="MachineConfigurationException">It is missing, cannot be read, or its compression is broken.</exception>
    public static ImageFile Open(string path)
    {
        var file = HostFiles.OpenRead(path);
        try
        {
            return new ImageFile(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Gives the unpacked bytes from the start, once, forward only; a broken one throws when it is met.</summary>
    public Stream OpenContent()
    {
        _file.Position = PayloadOffset;
        return IsCompressed
            ? new GZipStream(new BoundedStream(_file, PayloadBytes), CompressionMode.Decompress, leaveOpen: true)
            : _file;
    }

    /// <summary>Gives the unpacked bytes for reading in any order.</summary>
    /// <exception cref="MachineConfigurationException">It unpacks to more than 1 GiB, or is broken.</exception>
    public Stream OpenSeekable()
    {
        if (!IsCompressed)
        {
            return _file;
        }

        using var packed = OpenContent();
        var unpacked = new MemoryStream();
        var piece = new byte[1 << 16];
        while (ReadPacked(packed, piece) is > 0 and var read)
        {
            if (unpacked.Length > MaxUnpackedElfBytes - read)
            {
                throw new MachineConfigurationException(
                    MachineErrorKind.BadInput, _path, "found a compressed ELF file of more than 1 GiB, expected less", "unpack it first");
            }

            unpacked.Write(piece, 0, read);
        }

        return unpacked;
    }

    /// <summary>What a broken compressed file is reported as.</summary>
    public static MachineConfigurationException Broken(string path, Exception cause) => new(
        MachineErrorKind.BadInput, path, $"the compressed data is broken ({cause.Message})", innerException: cause);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static byte[] ReadHead(Stream stream)
    {
        var head = new byte[HeadBytes];
        return head[..stream.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false)];
    }

    private static (long Offset, long Bytes) FindCompressed(string path, ReadOnlySpan<byte> head, long fileBytes)
    {
        if (head.Length >= 2 && head[0] == 0x1F && head[1] == 0x8B)
        {
            return (0, fileBytes);
        }

        if (head.Length < 64 || !head.StartsWith("MZ"u8) || !head[4..].StartsWith("zimg"u8))
        {
            return (0, 0);
        }

        var method = head.Slice(24, 32);
        method = method[..Math.Max(0, method.IndexOf((byte)0))];
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(head[8..]);
        var bytes = BinaryPrimitives.ReadUInt32LittleEndian(head[12..]);
        if (!method.SequenceEqual("gzip"u8) || bytes == 0 || (long)offset + bytes > fileBytes)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.BadInput,
                path,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"found an EFI zboot image packed with '{System.Text.Encoding.Latin1.GetString(method)}' ({bytes} bytes at {offset}), expected gzip inside of the file"),
                "unpack it first");
        }

        return (offset, bytes);
    }

    private byte[] ReadCompressedHead()
    {
        using var content = OpenContent();
        try
        {
            return ReadHead(content);
        }
        catch (InvalidDataException cause)
        {
            throw Broken(_path, cause);
        }
    }

    private int ReadPacked(Stream packed, byte[] piece)
    {
        try
        {
            return packed.Read(piece);
        }
        catch (InvalidDataException cause)
        {
            throw Broken(_path, cause);
        }
    }
}
