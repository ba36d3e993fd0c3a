using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Eider.Storage.Layers;

/// <summary>
/// How a <see cref="PersistentCacheStorage"/> keeps blocks in a file: a header with the version of what is cached, a
/// table with an entry for each slot, the slots. Each entry bears a checksum of its slot and of itself, mixed with the
/// version, so that nothing of another version and nothing half written is ever taken for a block; the order in which
/// the writes reach the disk does not matter, and none has to be flushed.
/// </summary>
internal sealed class PersistentCacheLayout
{
    public const int HeaderBytes = 8192;
    public const int BlockBytes = CacheStorage.BlockBytes;
    public const int EntryBytes = 16;
    public const int MaxIdentityBytes = 4096;

    private const ulong Magic = 0x3148_4341_4352_4445; // "EDRCACH1"
    private const int IdentityAt = 64;

    public PersistentCacheLayout(int slots, string identity)
    {
        Slots = slots;
        Identity = identity;
        Salt = Crc(0xFFFF_FFFF, Encoding.UTF8.GetBytes(identity));
        DataOffset = (HeaderBytes + (slots * (long)EntryBytes) + BlockBytes - 1) / BlockBytes * BlockBytes;
    }

    public int Slots { get; }

    public string Identity { get; }

    public uint Salt { get; }

    public long DataOffset { get; }

    public long FileBytes => DataOffset + (Slots * (long)BlockBytes);

    public static uint Crc(uint seed, ReadOnlySpan<byte> bytes)
    {
        var crc = seed;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return crc;
    }

    /// <summary>The layout that a file's header speaks of; null if it is none.</summary>
    public static PersistentCacheLayout? Read(ReadOnlySpan<byte> header)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(header[16..]);
        var slots = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        return BinaryPrimitives.ReadUInt64LittleEndian(header) == Magic
            && BinaryPrimitives.ReadInt32LittleEndian(header[12..]) == BlockBytes
            && length is >= 0 and <= MaxIdentityBytes && slots > 0
            && BinaryPrimitives.ReadUInt32LittleEndian(header[20..]) == Crc(0, header.Slice(IdentityAt, length))
            ? new PersistentCacheLayout(slots, Encoding.UTF8.GetString(header.Slice(IdentityAt, length)))
            : null;
    }

    public byte[] Header()
    {
        var header = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Slots);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), BlockBytes);
        var length = Encoding.UTF8.GetBytes(Identity, header.AsSpan(IdentityAt, MaxIdentityBytes));
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(16), length);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(20), Crc(0, header.AsSpan(IdentityAt, length)));
        return header;
    }

    public static long EntryOffset(int slot) => HeaderBytes + (slot * (long)EntryBytes);

    public long SlotOffset(int slot) => DataOffset + (slot * (long)BlockBytes);

    public uint DataChecksum(ReadOnlySpan<byte> block) => Crc(Salt, block);

    public void WriteEntry(Span<byte> entry, long block, uint dataChecksum)
    {
        BinaryPrimitives.WriteInt64LittleEndian(entry, block + 1);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], dataChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], Crc(Salt, entry[..12]));
    }

    /// <summary>The block of an entry; -1 if it has none.</summary>
    public long ReadEntry(ReadOnlySpan<byte> entry, out uint dataChecksum)
    {
        dataChecksum = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]) == Crc(Salt, entry[..12])
            ? BinaryPrimitives.ReadInt64LittleEndian(entry) - 1 : -1;
    }
}
