using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// A cached piece of an L2 table or a refcount block. Readers take no lock; who changes it holds <see cref="Gate"/> and
/// has seen that it is not evicted.
/// </summary>
internal sealed class MetadataSlice(long offset, MetadataKind kind, byte[] bytes)
{
    private readonly byte[] _bytes = bytes;
    private int _sequence;

    /// <summary>Where it lies in the file.</summary>
    public long Offset { get; } = offset;

    public MetadataKind Kind { get; } = kind;

    /// <summary>Held by who changes the content or the state, never over I/O.</summary>
    public Lock Gate { get; } = new();

    /// <summary>True once the cache has forgotten it; whoever finds that looks it up again.</summary>
    public bool IsEvicted { get; set; }

    /// <summary>Set by each use, cleared by the search for something to evict.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Number of changes; under the gate.</summary>
    public long Changes { get; private set; }

    /// <summary>How many of the changes are in the file; under the gate.</summary>
    public long WrittenChanges { get; set; }

    public bool IsDirty => Changes != WrittenChanges;

    /// <summary>The content, big endian, as in the file; to change it, hold the gate and call <see cref="Changed"/>.</summary>
    public Span<byte> Content => _bytes;

    public Memory<byte> Memory => _bytes;

    /// <summary>An entry of 8 bytes.</summary>
    public ulong ReadWord(int index)
    {
        // Aligned in the array, so that one read sees all of one write.
        var word = Volatile.Read(ref Unsafe.As<byte, ulong>(
            ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_bytes), (nint)(uint)Checked(index, 8) * 8)));
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
    }

    /// <summary>An entry of 16 bytes: both halves of the same moment.</summary>
    public L2Entry ReadPair(int index)
    {
        while (true)
        {
            var before = Volatile.Read(ref _sequence);
            var entry = new L2Entry(ReadWord(2 * index), ReadWord((2 * index) + 1));
            if ((before & 1) == 0 && Volatile.Read(ref _sequence) == before)
            {
                return entry;
            }

            default(SpinWait).SpinOnce();
        }
    }

    /// <summary>Changes an entry of 8 bytes, under the gate.</summary>
    public void WriteWord(int index, ulong value)
    {
        Volatile.Write(
            ref Unsafe.As<byte, ulong>(
                ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_bytes), (nint)(uint)Checked(index, 8) * 8)),
            BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);
        Changes++;
    }

    /// <summary>Changes an entry of 16 bytes, under the gate.</summary>
    public void WritePair(int index, L2Entry entry)
    {
        Interlocked.Increment(ref _sequence);
        WriteWord(2 * index, entry.Descriptor);
        WriteWord((2 * index) + 1, entry.Bitmap);
        Interlocked.Increment(ref _sequence);
    }

    /// <summary>Says that <see cref="Content"/> was changed, under the gate.</summary>
    public void Changed() => Changes++;

    private int Checked(int index, int entryBytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)(_bytes.Length / entryBytes), nameof(index));
        return index;
    }
}
