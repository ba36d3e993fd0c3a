using System.Buffers.Binary;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// qcow2 images: good ones of several kinds, with fields of the header, entries of tables and any bytes overwritten, cut off; opened, read, asked
/// for extents, written, and closed. No other file is ever opened, a read-only image does not change, an image that nobody spoiled reads as it
/// was written. Accepted: it was opened and a read was answered.
/// </summary>
public sealed class Qcow2ImageTarget : FuzzTarget
{
    private const int DiskBytes = 512 << 10;
    private const long MaxFileBytes = 64 << 20;

    private static readonly (byte[] File, byte[] Disk)[] Templates =
    [
        Make(new Qcow2CreateOptions { ClusterBytes = 4096 }),
        Make(new Qcow2CreateOptions { ClusterBytes = 512 }),
        Make(new Qcow2CreateOptions { ClusterBytes = 4096, Version = 2 }),
        Make(new Qcow2CreateOptions { ClusterBytes = 16384, HasExtendedL2 = true }),
        Make(new Qcow2CreateOptions { ClusterBytes = 4096, HasLazyRefcounts = true, RefcountBits = 1 }),
        Make(new Qcow2CreateOptions { ClusterBytes = 8192, RefcountBits = 64 }),
        Make(new Qcow2CreateOptions { ClusterBytes = 512 }, hasBitmaps: true),
        Make(new Qcow2CreateOptions { ClusterBytes = 4096 }, hasBitmaps: true),
    ];

    // Offset and length of the fields of a header (qcow2 specification, "Header").
    private static readonly (int Offset, int Bytes)[] Fields =
    [
        (4, 4), (8, 8), (16, 4), (20, 4), (24, 8), (32, 4), (36, 4), (40, 8), (48, 8), (56, 4), (60, 4), (64, 8), (72, 8), (80, 8), (88, 8),
        (96, 4), (100, 4), (104, 1), (112, 4), (116, 4),
    ];

    private readonly byte[] _bytes = new byte[128 << 10];
    private readonly byte[] _file = new byte[Templates.Max(template => template.File.Length)];

    /// <inheritdoc/>
    public override string Name => "qcow2-image";

    /// <summary>Tables may take as much as the limits of the format allow, and the cache what it was given.</summary>
    public override long MaxAllocatedBytes => 64 << 20;

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var (template, disk) = Templates[input.Below(Templates.Length)];
        var content = _file.AsSpan(0, template.Length);
        template.CopyTo(content);
        var spoils = input.Below(4);
        for (var i = 0; i < spoils; i++)
        {
            Spoil(input, content);
        }

        var length = input.OneIn(12) ? input.Below(content.Length) : content.Length;
        var isReadOnly = input.OneIn(2);
        return RunAsync(input, _file.AsMemory(0, length), isReadOnly, spoils == 0 && length == content.Length ? disk : null)
            .GetAwaiter().GetResult();
    }

    private static (byte[] File, byte[] Disk) Make(Qcow2CreateOptions options, bool hasBitmaps = false)
    {
        var path = Path.GetTempFileName();
        File.Delete(path);
        var file = FileStorage.Create(path, 0);
        Qcow2Format.CreateAsync(file, DiskBytes, options).AsTask().GetAwaiter().GetResult();
        var image = ImageFormats.Qcow2.OpenAsync(file, ImageOpenOptions.Default).AsTask().GetAwaiter().GetResult();
        var disk = new byte[DiskBytes];
        if (hasBitmaps)
        {
            ((Qcow2Image)image).Bitmaps.AddAsync("tracks", 512).AsTask().GetAwaiter().GetResult();
            ((Qcow2Image)image).Bitmaps.AddAsync("rests", 4096, isEnabled: false).AsTask().GetAwaiter().GetResult();
        }

        foreach (var (offset, length) in new[] { (0, 12_000), (100_000, 3_000), (300_000, 10_000), (DiskBytes - 512, 512) })
        {
            new Random(offset).NextBytes(disk.AsSpan(offset, length));
            image.WriteAsync(offset, disk.AsMemory(offset, length)).AsTask().GetAwaiter().GetResult();
        }

        image.WriteZeroesAsync(8192, 2048, mayUnmap: false).AsTask().GetAwaiter().GetResult();
        disk.AsSpan(8192, 2048).Clear();
        image.DisposeAsync().AsTask().GetAwaiter().GetResult();
        var content = File.ReadAllBytes(path);
        File.Delete(path);
        return (content, disk);
    }

    private static void Spoil(FuzzInput input, Span<byte> file)
    {
        switch (input.Below(4))
        {
            case 0:
                var (offset, bytes) = Fields[input.Below(Fields.Length)];
                WriteField(file.Slice(offset, bytes), Value(input, file.Length));
                break;
            case 1 or 2:
                WriteField(file.Slice(8 * input.Below(file.Length / 8), 8), Entry(input, file.Length));
                break;
            default:
                file[input.Below(input.OneIn(2) ? 256 : file.Length)] = input.Byte();
                break;
        }
    }

    private static void WriteField(Span<byte> field, ulong value)
    {
        Span<byte> whole = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(whole, value);
        whole[^field.Length..].CopyTo(field);
    }

    private static ulong Value(FuzzInput input, int fileBytes) =>
        input.OneIn(2) ? (ulong)input.Below(40) : input.OneIn(2) ? (ulong)input.Below(fileBytes / 512) * 512 : input.Edge((ulong)fileBytes);

    /// <summary>Something that looks like an entry of L1, L2 or refcount table: flags, and an offset inside, at the end or far away.</summary>
    private static ulong Entry(FuzzInput input, int fileBytes)
    {
        var flags = (ulong)input.Below(8) << 61;
        var zero = (ulong)input.Below(2);
        return flags | zero | (input.OneIn(4) ? input.Edge((ulong)fileBytes) & ((1UL << 61) - 1) : (ulong)input.Below((fileBytes / 512) + 8) * 512);
    }

    private async Task<bool> RunAsync(FuzzInput input, ReadOnlyMemory<byte> content, bool isReadOnly, byte[]? expected)
    {
        var file = new MemoryStorage(content.Length, "fuzz.qcow2");
        await file.WriteAsync(0, _file.AsMemory(0, content.Length));
        var options = new ImageOpenOptions
        {
            IsReadOnly = isReadOnly,
            CacheBytes = 64 << 10,
            OpenFile = (name, _, _) => throw new FuzzException($"opens {name}"),
        };
        var good = false;
        try
        {
            var image = await ImageFormats.Qcow2.OpenAsync(file, options);
            input.Saw(isReadOnly ? "opened read-only" : "opened");
            good = await UseAsync(input, image, isReadOnly, expected);
            if (isReadOnly)
            {
                await CheckUnchangedAsync(file, content);
            }

            // Not its size: an entry far behind the end of the file is written where it says, and that costs the host nothing.
            FuzzException.Unless(file.AllocatedBytes <= MaxFileBytes, $"the file came to take {file.AllocatedBytes} bytes");
            await CloseAsync(input, image);
        }
        catch (BlockStorageException failure)
        {
            FuzzException.Unless(expected is null, $"an image that nobody spoiled is refused: {failure.Message}");
            FuzzException.Unless(!failure.Message.Contains('\n', StringComparison.Ordinal), "a failure is not one line");
            input.Saw($"refused: {failure.Kind}");
            await CheckUnchangedAsync(file, isReadOnly ? content : default);
        }

        await file.DisposeAsync();
        return good;
    }

    private static async Task CloseAsync(FuzzInput input, ImageStorage image)
    {
        try
        {
            await image.DisposeAsync();
        }
        catch (BlockStorageException failure)
        {
            input.Saw($"close: {failure.Kind}");
        }
    }

    private async Task CheckUnchangedAsync(MemoryStorage file, ReadOnlyMemory<byte> content)
    {
        if (content.IsEmpty || file.IsClosed)
        {
            return;
        }

        FuzzException.Unless(file.SizeBytes == content.Length, "a file that is only read changes its size");
        for (var at = 0; at < content.Length; at += _bytes.Length)
        {
            var piece = _bytes.AsMemory(0, Math.Min(_bytes.Length, content.Length - at));
            await file.ReadAsync(at, piece);
            FuzzException.Unless(piece.Span.SequenceEqual(content.Span.Slice(at, piece.Length)), "a file that is only read changes");
        }
    }

    private async Task<bool> UseAsync(FuzzInput input, ImageStorage image, bool isReadOnly, byte[]? expected)
    {
        var good = false;
        for (var operations = 1 + input.Below(6); operations > 0; operations--)
        {
            var kind = input.Below(isReadOnly ? 3 : 9);
            var offset = input.OneIn(8) ? (long)(input.Edge((ulong)image.SizeBytes) & long.MaxValue) : 512L * input.Below(DiskBytes / 512);
            var length = 512 * (1 + input.Below(input.OneIn(8) ? 200 : 24));
            expected = kind is 3 or 4 or 5 ? null : expected;
            try
            {
                good |= await OperateAsync(input, image, kind, offset, length, expected);
            }
            catch (BlockStorageException failure)
            {
                // A bitmap that is there already, or not any more, is the caller's mistake.
                FuzzException.Unless(expected is null || kind > 6, $"an image that nobody spoiled fails: {failure.Message}");
                FuzzException.Unless(!failure.Message.Contains('\n', StringComparison.Ordinal), "a failure is not one line");
                input.Saw($"operation: {failure.Kind}");
            }
        }

        return good;
    }

    private async Task<bool> OperateAsync(FuzzInput input, ImageStorage image, int kind, long offset, int length, byte[]? expected)
    {
        var bytes = _bytes.AsMemory(0, length);
        switch (kind)
        {
            case 0:
                var isRead = await image.ReadAsync(offset, bytes) == BlockResult.Ok;
                FuzzException.Unless(
                    !isRead || expected is null || bytes.Span.SequenceEqual(expected.AsSpan((int)offset, length)), "an image reads other bytes than were written");
                return isRead;
            case 1:
                if (offset < image.SizeBytes)
                {
                    var extent = await image.GetExtentAsync(offset, Math.Min(length, image.SizeBytes - offset));
                    FuzzException.Unless(extent.LengthBytes > 0, "an extent is empty");
                }

                break;
            case 2:
                await LookAtBitmapsAsync(input, (Qcow2Image)image);
                break;
            case 3 or 4:
                input.Fill(bytes.Span);
                await image.WriteAsync(offset, bytes);
                break;
            case 5:
                await (input.OneIn(2)
                    ? image.DiscardAsync(offset, length)
                    : image.WriteZeroesAsync(offset, length, mayUnmap: input.OneIn(2)));
                break;
            case 6:
                await image.FlushAsync();
                break;
            default:
                await ChangeBitmapsAsync(input, (Qcow2Image)image);
                break;
        }

        return false;
    }

    private static async Task LookAtBitmapsAsync(FuzzInput input, Qcow2Image image)
    {
        var bitmaps = await image.Bitmaps.ListAsync();
        if (bitmaps.Count > 0 && bitmaps[input.Below(bitmaps.Count)] is { Name.Length: > 0 } bitmap)
        {
            var bits = await image.Bitmaps.ReadAsync(bitmap.Name);
            FuzzException.Unless(bits.DirtyBytes <= image.SizeBytes, "more is marked than there is");
            input.Saw("bitmap: read");
        }
    }

    private static async Task ChangeBitmapsAsync(FuzzInput input, Qcow2Image image)
    {
        var name = input.OneIn(2) ? "tracks" : "rests";
        await (input.Below(6) switch
        {
            0 => image.Bitmaps.AddAsync(name),
            1 => image.Bitmaps.RemoveAsync(name),
            2 => image.Bitmaps.ClearAsync(name),
            3 => image.Bitmaps.EnableAsync(name),
            4 => image.Bitmaps.DisableAsync(name),
            _ => image.Bitmaps.MergeAsync("tracks", "rests"),
        });
        input.Saw("bitmap: changed");
    }
}
