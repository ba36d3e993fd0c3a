using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// The active L1 table in memory. Entries are read without a lock; changed ones are remembered by sector until they are
/// written.
/// </summary>
internal sealed class L1Table
{
    private const int SectorEntries = 64;
    private const int EntriesAtOnce = 8192;

    private readonly SortedSet<int> _dirtySectors = [];
    private readonly Lock _gate = new();
    private ulong[] _entries;

    public L1Table(long offset, ulong[] entries)
    {
        Offset = offset;
        _entries = entries;
    }

    /// <summary>Where it lies in the file.</summary>
    public long Offset { get; private set; }

    /// <summary>Number of entries.</summary>
    public int Count => Volatile.Read(ref _entries).Length;

    /// <summary>True if an entry waits to be written.</summary>
    public bool IsDirty
    {
        get
        {
            lock (_gate)
            {
                return _dirtySectors.Count > 0;
            }
        }
    }

    /// <summary>An entry; 0 behind the end.</summary>
    public ulong this[int index]
    {
        get
        {
            var entries = Volatile.Read(ref _entries);
            return (uint)index < (uint)entries.Length ? Volatile.Read(ref entries[index]) : 0;
        }
    }

    /// <summary>Reads a table.</summary>
    public static async ValueTask<ulong[]> ReadAsync(ImageFile file, long offset, int count, CancellationToken cancellationToken)
    {
        // In pieces: a header may claim the longest table there is, in a file that is a hole.
        var entries = new ulong[count];
        var bytes = new byte[Math.Min(count, EntriesAtOnce) * 8];
        for (var first = 0; first < count; first += EntriesAtOnce)
        {
            var piece = bytes.AsMemory(0, Math.Min(count - first, EntriesAtOnce) * 8);
            await file.ReadAsync(offset + (first * 8L), piece, cancellationToken).ConfigureAwait(false);
            for (var index = 0; index < piece.Length / 8; index++)
            {
                entries[first + index] = BinaryPrimitives.ReadUInt64BigEndian(piece.Span[(index * 8)..]);
            }
        }

        return entries;
    }

    /// <summary>Changes an entry; it is written by the next commit.</summary>
    public void Set(int index, ulong value)
    {
        lock (_gate)
        {
            Volatile.Write(ref _entries[index], value);
            _dirtySectors.Add(index / SectorEntries);
        }
    }

    /// <summary>Puts another table in place, which is in the file already.</summary>
    public void Replace(long offset, ulong[] entries)
    {
        lock (_gate)
        {
            Volatile.Write(ref _entries, entries);
            Offset = offset;
            _dirtySectors.Clear();
        }
    }

    /// <summary>All entries, for whoever is alone in the image.</summary>
    public ReadOnlySpan<ulong> AsSpan() => Volatile.Read(ref _entries);

    /// <summary>A copy of all entries.</summary>
    public ulong[] ToArray()
    {
        lock (_gate)
        {
            return (ulong[])_entries.Clone();
        }
    }

    /// <summary>Takes the changed sectors out, to write them; each with its offset in the file.</summary>
    public List<(int Sector, long Offset, byte[] Bytes)> TakeDirty()
    {
        lock (_gate)
        {
            var taken = _dirtySectors.Select(sector => (sector, Offset + (sector * 512L), BytesOf(sector))).ToList();
            _dirtySectors.Clear();
            return taken;
        }
    }

    /// <summary>Puts a sector back that could not be written.</summary>
    public void PutBack(int sector)
    {
        lock (_gate)
        {
            _dirtySectors.Add(sector);
        }
    }

    private byte[] BytesOf(int sector)
    {
        var bytes = new byte[512];
        var first = sector * SectorEntries;
        for (var index = first; index < Math.Min(first + SectorEntries, _entries.Length); index++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan((index - first) * 8), _entries[index]);
        }

        return bytes;
    }
}
