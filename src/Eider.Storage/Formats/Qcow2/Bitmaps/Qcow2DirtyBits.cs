using System.Buffers.Binary;
using System.Numerics;

namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>
/// The bits of a bitmap in memory, by pages that are made when the first bit of them is set; a page of ones costs nothing.
/// Bits are set from any thread at once, without a lock; everything else needs the bits alone.
/// </summary>
public sealed class Qcow2DirtyBits
{
    private const int PageBits = 15;
    private const int PageWords = (1 << PageBits) / 64;
    private const long PageMask = (1L << PageBits) - 1;

    private static readonly ulong[] Ones = AllOnes();

    private readonly int _granularityBits;
    private ulong[]?[] _pages;
    private volatile bool _isChanged;

    internal Qcow2DirtyBits(long sizeBytes, int granularityBits)
    {
        SizeBytes = sizeBytes;
        _granularityBits = granularityBits;
        Count = BitmapEntry.BitsFor(sizeBytes, granularityBits);
        _pages = new ulong[]?[(Count + PageMask) >> PageBits];
    }

    /// <summary>Size of the disk in bytes.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>How many bytes of the disk one bit stands for.</summary>
    public long GranularityBytes => 1L << _granularityBits;

    /// <summary>How many bytes of the disk are marked; the last granule counts as far as the disk reaches.</summary>
    public long DirtyBytes
    {
        get
        {
            var total = 0L;
            for (var from = 0L; TryFindRun(from, out var offset, out var length); from = offset + length)
            {
                total += length;
            }

            return total;
        }
    }

    /// <summary>Number of bits.</summary>
    internal long Count { get; private set; }

    /// <summary>True if the bits are not what was read from the file.</summary>
    internal bool IsChanged
    {
        get => _isChanged;
        set => _isChanged = value;
    }

    /// <summary>Finds the next run of marked bytes of the disk.</summary>
    /// <param name="fromBytes">Where to look from.</param>
    /// <param name="offsetBytes">Where the run begins, not before that.</param>
    /// <param name="lengthBytes">How long it is, as far as it goes; within the disk.</param>
    /// <returns>False if there is none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The place is negative.</exception>
    public bool TryFindRun(long fromBytes, out long offsetBytes, out long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromBytes);
        (offsetBytes, lengthBytes) = (0, 0);
        var first = fromBytes >= SizeBytes ? Count : Next(fromBytes >> _granularityBits, isSet: true);
        if (first >= Count)
        {
            return false;
        }

        var end = Next(first, isSet: false);
        offsetBytes = Math.Max(fromBytes, first << _granularityBits);
        lengthBytes = (end >= Count ? SizeBytes : end << _granularityBits) - offsetBytes;
        return true;
    }

    /// <summary>Marks a range of the disk; from any thread.</summary>
    internal void Set(long offsetBytes, long lengthBytes)
    {
        var end = Math.Min(offsetBytes + lengthBytes, SizeBytes);
        if (offsetBytes < end)
        {
            SetBits(offsetBytes >> _granularityBits, (end - 1) >> _granularityBits);
        }
    }

    /// <summary>Takes all marks away.</summary>
    internal void Clear()
    {
        Array.Clear(_pages);
        _isChanged = true;
    }

    /// <summary>Marks what other bits mark, which may be coarser or finer.</summary>
    internal void Merge(Qcow2DirtyBits other)
    {
        for (var from = 0L; other.TryFindRun(from, out var offset, out var length); from = offset + length)
        {
            Set(offset, length);
        }
    }

    /// <summary>Makes the disk larger or smaller; what is added is not marked.</summary>
    internal void Resize(long sizeBytes)
    {
        var count = BitmapEntry.BitsFor(sizeBytes, _granularityBits);
        Array.Resize(ref _pages, (int)((count + PageMask) >> PageBits));
        if (count < Count && (count & PageMask) != 0 && _pages[^1] is { } last)
        {
            // Bits behind the end stay zero: a page of ones becomes one of its own.
            var page = _pages[^1] = (ulong[])last.Clone();
            var used = (int)(count & PageMask);
            for (var word = used / 64; word < PageWords; word++)
            {
                page[word] &= word == used / 64 ? (1UL << (used & 63)) - 1 : 0;
            }
        }

        (SizeBytes, Count, _isChanged) = (sizeBytes, count, true);
    }

    /// <summary>Takes bits over as they lie in a file: bit n of the image is bit n % 8 of byte n / 8.</summary>
    /// <param name="firstBit">The first bit; a multiple of 64.</param>
    /// <param name="bytes">The bytes; a multiple of 8, and behind the last bit they are not looked at.</param>
    internal void Load(long firstBit, ReadOnlySpan<byte> bytes)
    {
        for (var bit = firstBit; bytes.Length > 0 && bit < Count; bit += 64, bytes = bytes[8..])
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            word &= Count - bit < 64 ? (1UL << (int)(Count - bit)) - 1 : ulong.MaxValue;
            if (word != 0)
            {
                OwnPage((int)(bit >> PageBits))[(bit & PageMask) / 64] |= word;
            }
        }
    }

    /// <summary>Marks bits of a file that are all set.</summary>
    internal void LoadOnes(long firstBit, long count)
    {
        if (firstBit < Count)
        {
            SetBits(firstBit, Math.Min(firstBit + count, Count) - 1);
        }
    }

    /// <summary>Puts bits out as they lie in a file; those behind the last are zero.</summary>
    internal void Store(long firstBit, Span<byte> bytes)
    {
        for (var bit = firstBit; bytes.Length > 0; bit += 64, bytes = bytes[8..])
        {
            var page = bit < Count ? _pages[bit >> PageBits] : null;
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, page == null ? 0 : page[(bit & PageMask) / 64]);
        }
    }

    private static ulong[] AllOnes()
    {
        var ones = new ulong[PageWords];
        Array.Fill(ones, ulong.MaxValue);
        return ones;
    }

    private void SetBits(long first, long last)
    {
        while (first <= last)
        {
            var end = Math.Min(last, first | PageMask);
            SetInPage((int)(first >> PageBits), (int)(first & PageMask), (int)(end & PageMask));
            first = end + 1;
        }
    }

    private void SetInPage(int index, int first, int last)
    {
        var page = Volatile.Read(ref _pages[index]);
        if (ReferenceEquals(page, Ones))
        {
            return;
        }

        if (first == 0 && last == PageMask)
        {
            // Who sets bits of the old page at the same time sets nothing that is not set here.
            Volatile.Write(ref _pages[index], Ones);
            _isChanged = true;
            return;
        }

        page ??= AddPage(index);
        for (var word = first >> 6; word <= last >> 6; word++)
        {
            var mask = ulong.MaxValue << (word == first >> 6 ? first & 63 : 0);
            mask &= ulong.MaxValue >> (word == last >> 6 ? 63 - (last & 63) : 0);
            if ((Volatile.Read(ref page[word]) & mask) != mask)
            {
                Interlocked.Or(ref page[word], mask);
                _isChanged = true;
            }
        }
    }

    private ulong[] AddPage(int index)
    {
        var page = new ulong[PageWords];
        return Interlocked.CompareExchange(ref _pages[index], page, null) ?? page;
    }

    private ulong[] OwnPage(int index)
    {
        var page = _pages[index] ?? new ulong[PageWords];
        return _pages[index] = ReferenceEquals(page, Ones) ? (ulong[])page.Clone() : page;
    }

    /// <summary>The first bit from a place on that is set, or not set; the number of bits if there is none.</summary>
    private long Next(long bit, bool isSet)
    {
        while (bit < Count)
        {
            var page = _pages[bit >> PageBits];
            if (page == null || ReferenceEquals(page, Ones))
            {
                if (page != null == isSet)
                {
                    return bit;
                }

                bit = (bit | PageMask) + 1;
                continue;
            }

            var word = page[(bit & PageMask) / 64];
            word = (isSet ? word : ~word) >> (int)(bit & 63);
            if (word != 0)
            {
                return Math.Min(Count, bit + BitOperations.TrailingZeroCount(word));
            }

            bit = (bit | 63) + 1;
        }

        return Count;
    }
}
