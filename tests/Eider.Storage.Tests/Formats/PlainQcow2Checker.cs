using System.Buffers.Binary;
using System.Globalization;

namespace Eider.Storage.Tests.Formats;

/// <summary>
/// A checker of its own, straight from the specification and without anything of the product: every reference points
/// inside, no cluster is referred to more often than its refcount says, and COPIED means exactly one.
/// </summary>
internal sealed class PlainQcow2Checker
{
    private const ulong OffsetMask = 0x00FF_FFFF_FFFF_FE00;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly Dictionary<long, long> _references = [];
    private readonly int _bits;
    private readonly int _order;
    private readonly bool _isExtended;
    private readonly bool _isDirty;
    private readonly bool _hasDataFile;

    private PlainQcow2Checker(ReadOnlyMemory<byte> file)
    {
        _file = file;
        _bits = (int)Word(20);
        var isVersion3 = Word(4) == 3;
        _order = isVersion3 ? (int)Word(96) : 4;
        var features = isVersion3 ? Long(72) : 0;
        _isDirty = (features & 1) != 0;
        _hasDataFile = (features & 4) != 0;
        _isExtended = (features & 16) != 0;
    }

    private long ClusterBytes => 1L << _bits;

    /// <summary>Checks the bytes of an image; leaks are not looked at.</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? Check(ReadOnlyMemory<byte> file)
    {
        try
        {
            return new PlainQcow2Checker(file).Run();
        }
        catch (Exception exception) when (exception is ArgumentException or IndexOutOfRangeException or OverflowException or FormatException)
        {
            return $"a reference points outside of the file: {exception.Message}";
        }
    }

    private string? Run()
    {
        var copied = new List<(long Cluster, bool IsCopied)>();
        Refer(0, 1);
        Refer(Long(48), Word(56));
        Refer(Long(40), ((Word(36) * 8L) + ClusterBytes - 1) / ClusterBytes);
        var table = (long)Long(48);
        for (var entry = table; entry < table + ((long)Word(56) << _bits); entry += 8)
        {
            if ((Long(entry) & ~0x1FFUL) is var block and not 0)
            {
                Refer((long)block, 1);
            }
        }

        for (var index = 0L; index < Word(36); index++)
        {
            var l1 = Long((long)Long(40) + (index * 8));
            if ((l1 & OffsetMask) != 0)
            {
                Refer((long)(l1 & OffsetMask), 1);
                copied.Add(((long)(l1 & OffsetMask) >> _bits, l1 >> 63 != 0));
                ReferTable((long)(l1 & OffsetMask), copied);
            }
        }

        ReferSnapshots();
        ReferBitmaps();
        return Compare(copied);
    }

    private void ReferSnapshots()
    {
        var start = (long)Long(64);
        var place = start;
        for (var index = 0; index < Word(60); index++)
        {
            var l1 = (long)Long(place);
            var entries = (long)Word((int)place + 8);
            Refer(l1, ((entries * 8) + ClusterBytes - 1) / ClusterBytes);
            for (var entry = l1; entry < l1 + (entries * 8); entry += 8)
            {
                if ((Long(entry) & OffsetMask) is var table and not 0)
                {
                    Refer((long)table, 1);
                    ReferTable((long)table, []);
                }
            }

            var lengths = Word((int)place + 12);
            place += (40 + Word((int)place + 36) + (lengths >> 16) + (lengths & 0xFFFF) + 7) & ~7L;
        }

        if (place > start)
        {
            Refer(start, (place - start + ClusterBytes - 1) / ClusterBytes);
        }
    }

    /// <summary>The directory of bitmaps, their tables and their bits, if the autoclear bit says that they count.</summary>
    private void ReferBitmaps()
    {
        var bitmaps = PlainBitmap.ReadAll(_file.Span, out var directory);
        foreach (var bitmap in bitmaps)
        {
            Refer(bitmap.TableOffset, ((bitmap.Table.Length * 8) + ClusterBytes - 1) / ClusterBytes);
            foreach (var entry in bitmap.Table.Where(entry => entry > 1))
            {
                Refer((long)entry, 1);
            }
        }

        if (directory.Length > 0)
        {
            Refer(directory.Offset, (directory.Length + ClusterBytes - 1) / ClusterBytes);
        }
    }

    private void ReferTable(long table, List<(long Cluster, bool IsCopied)> copied)
    {
        for (var entry = table; entry < table + ClusterBytes; entry += _isExtended ? 16 : 8)
        {
            var descriptor = Long(entry);
            if ((descriptor & (1UL << 62)) != 0)
            {
                var shift = 62 - (_bits - 8);
                var offset = (long)(descriptor & ((1UL << shift) - 1));
                var sectors = (long)((descriptor & ((1UL << 62) - 1)) >> shift);
                var end = (offset & ~511L) + ((sectors + 1) * 512);
                for (var cluster = offset >> _bits; cluster <= (end - 1) >> _bits; cluster++)
                {
                    _references[cluster] = _references.GetValueOrDefault(cluster) + 1;
                }
            }
            else if ((descriptor & OffsetMask) != 0 && !_hasDataFile)
            {
                Refer((long)(descriptor & OffsetMask), 1);
                copied.Add(((long)(descriptor & OffsetMask) >> _bits, descriptor >> 63 != 0));
            }
        }
    }

    private string? Compare(List<(long Cluster, bool IsCopied)> copied)
    {
        foreach (var (cluster, references) in _references)
        {
            if (Refcount(cluster) < (ulong)references && !_isDirty)
            {
                return Text($"cluster {cluster} has refcount {Refcount(cluster)} and {references} references");
            }
        }

        foreach (var (cluster, isCopied) in copied)
        {
            // A flag without a reason would let two owners write; a missing one only costs a copy.
            if (isCopied && _references[cluster] > 1)
            {
                return Text($"cluster {cluster} is marked as copied and has {_references[cluster]} references");
            }
        }

        return null;
    }

    private ulong Refcount(long cluster)
    {
        var perBlock = ClusterBytes * 8 >> _order;
        if (cluster / perBlock >= (long)Word(56) << (_bits - 3))
        {
            return 0;
        }

        var block = (long)(Long((long)Long(48) + (cluster / perBlock * 8)) & ~0x1FFUL);
        if (block == 0)
        {
            return 0;
        }

        var bit = (cluster % perBlock) << _order;
        return _order switch
        {
            < 3 => (ulong)(_file.Span[(int)(block + (bit >> 3))] >> (int)(bit & 7)) & ((1UL << (1 << _order)) - 1),
            3 => _file.Span[(int)(block + (bit >> 3))],
            4 => BinaryPrimitives.ReadUInt16BigEndian(_file.Span[(int)(block + (bit >> 3))..]),
            5 => BinaryPrimitives.ReadUInt32BigEndian(_file.Span[(int)(block + (bit >> 3))..]),
            _ => BinaryPrimitives.ReadUInt64BigEndian(_file.Span[(int)(block + (bit >> 3))..]),
        };
    }

    private void Refer(ulong offset, long clusters) => Refer((long)offset, clusters);

    private void Refer(long offset, long clusters)
    {
        for (var cluster = offset >> _bits; cluster < (offset >> _bits) + clusters; cluster++)
        {
            _references[cluster] = _references.GetValueOrDefault(cluster) + 1;
        }
    }

    private uint Word(int offset) => BinaryPrimitives.ReadUInt32BigEndian(_file.Span[offset..]);

    // Behind the end of the file everything is zero: an image may end inside of a table.
    private ulong Long(long offset) =>
        offset >= _file.Length ? 0 : BinaryPrimitives.ReadUInt64BigEndian(_file.Span[checked((int)offset)..]);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
