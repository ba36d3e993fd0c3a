using System.Buffers.Binary;
using System.Globalization;

namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>The bitmaps header extension and the directory that it names (qcow2 specification, "Bitmaps extension").</summary>
internal static class BitmapDirectory
{
    /// <summary>Length of the data of the header extension.</summary>
    public const int ExtensionBytes = 24;

    /// <summary>Longest directory; the limit of QEMU.</summary>
    public const long MaxBytes = 1024L * Qcow2Limits.MaxBitmaps;

    /// <summary>
    /// True if the image has bitmaps that are consistent as a whole: the extension, and the autoclear bit that every
    /// program without bitmaps takes away when it writes.
    /// </summary>
    public static bool IsThere(Qcow2Header header) =>
        header.Version >= 3 && header.AutoclearFeatures.HasFlag(Qcow2AutoclearFeatures.Bitmaps)
        && header.Find(Qcow2ExtensionType.Bitmaps) != null;

    /// <summary>Where the directory is.</summary>
    /// <exception cref="BlockStorageException">The extension cannot be.</exception>
    public static (long Offset, int LengthBytes, int Count) PlaceOf(Qcow2Header header, ImageFile file)
    {
        var data = header.Find(Qcow2ExtensionType.Bitmaps)!.Data.Span;
        if (data.Length != ExtensionBytes)
        {
            throw Damaged(file, 0, $"its header extension has {data.Length} bytes, expected {ExtensionBytes}");
        }

        var count = BinaryPrimitives.ReadUInt32BigEndian(data);
        var reserved = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        var length = BinaryPrimitives.ReadUInt64BigEndian(data[8..]);
        var offset = BinaryPrimitives.ReadUInt64BigEndian(data[16..]);
        var end = (ulong)file.Storage.SizeBytes;
        if (count is 0 or > Qcow2Limits.MaxBitmaps || reserved != 0 || length is 0 or > (ulong)MaxBytes || offset == 0
            || (offset & (ulong)(header.ClusterBytes - 1)) != 0 || length > end || offset > end - length)
        {
            throw Damaged(
                file, (long)Math.Min(offset, long.MaxValue),
                $"{count} bitmaps in {length} bytes at {offset}, reserved field {reserved}: that cannot be in a file of {end} bytes");
        }

        return ((long)offset, (int)length, (int)count);
    }

    /// <summary>Reads all entries; none if the image has no bitmaps.</summary>
    /// <exception cref="BlockStorageException">The directory cannot be read as one, or the host failed.</exception>
    public static async ValueTask<List<BitmapEntry>> ReadAsync(Qcow2Header header, ImageFile file, CancellationToken cancellationToken)
    {
        if (!IsThere(header))
        {
            return [];
        }

        var (offset, length, count) = PlaceOf(header, file);
        var bytes = new byte[length];
        await file.ReadAsync(offset, bytes, cancellationToken).ConfigureAwait(false);
        var entries = new List<BitmapEntry>();
        var place = 0;
        while (place < length && entries.Count < count)
        {
            var entry = BitmapEntry.Read(bytes.AsMemory(place))
                ?? throw Damaged(file, offset + place, $"entry {entries.Count} of {count} reaches past the end of the directory");
            entries.Add(entry);
            place += entry.LengthBytes;
        }

        return entries.Count == count && place == length ? entries : throw Damaged(
            file, offset + place, $"found {entries.Count} entries in {place} bytes, expected {count} in {length}");
    }

    /// <summary>The bytes of a directory.</summary>
    public static byte[] Write(IReadOnlyList<BitmapEntry> entries)
    {
        var bytes = new byte[entries.Sum(entry => (long)entry.LengthBytes)];
        var place = 0;
        foreach (var entry in entries)
        {
            entry.Write(bytes.AsSpan(place));
            place += entry.LengthBytes;
        }

        return bytes;
    }

    /// <summary>The data of the header extension.</summary>
    public static byte[] Extension(int count, long lengthBytes, long offset)
    {
        var data = new byte[ExtensionBytes];
        BinaryPrimitives.WriteInt32BigEndian(data, count);
        BinaryPrimitives.WriteInt64BigEndian(data.AsSpan(8), lengthBytes);
        BinaryPrimitives.WriteInt64BigEndian(data.AsSpan(16), offset);
        return data;
    }

    private static BlockStorageException Damaged(ImageFile file, long offset, FormattableString what) => ImageErrors.Corrupt(
        file.Name, BlockOperation.Read, offset,
        "the directory of bitmaps is damaged: " + what.ToString(CultureInfo.InvariantCulture) + "; 'eider img check --repair all' drops the bitmaps");
}
