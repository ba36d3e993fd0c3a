using System.Buffers.Binary;
using System.Text;

namespace Eider.Storage.Encryption;

/// <summary>A LUKS1 header (LUKS1 On-Disk Format Specification 1.2.3, 4.1: <c>struct phdr</c>).</summary>
public sealed record LuksHeader
{
    /// <summary>Size of the header in bytes.</summary>
    public const int SizeBytes = 592;

    /// <summary>Number of key slots.</summary>
    public const int SlotCount = 8;

    /// <summary>The only number of stripes that is written and read.</summary>
    public const int Stripes = 4000;

    /// <summary>Bytes of a salt.</summary>
    public const int SaltBytes = 32;

    /// <summary>Bytes of the digest of the master key.</summary>
    public const int DigestBytes = 20;

    /// <summary>The most iterations that a new key slot gets, and that the digest of the master key may have.</summary>
    public const uint MaxIterations = 30_000_000;

    private const uint Active = 0x00AC_71F3;
    private const uint Inactive = 0x0000_DEAD;
    private const int SlotBytes = 48;
    private const int SlotsAt = 208;

    /// <summary>The cipher, its mode and the hash.</summary>
    public required LuksCipherName Cipher { get; init; }

    /// <summary>Where the data begin, in sectors from the header.</summary>
    public required uint PayloadSector { get; init; }

    /// <summary>Digest of the master key.</summary>
    public required ReadOnlyMemory<byte> Digest { get; init; }

    /// <summary>Salt of the digest.</summary>
    public required ReadOnlyMemory<byte> DigestSalt { get; init; }

    /// <summary>Iterations of the digest.</summary>
    public required uint DigestIterations { get; init; }

    /// <summary>The name of the volume.</summary>
    public required string Uuid { get; init; }

    /// <summary>The eight key slots.</summary>
    public required IReadOnlyList<LuksKeySlot> Slots { get; init; }

    /// <summary>Sectors that the split key of a slot takes on disk.</summary>
    internal int MaterialSectors => MaterialSectorsOf(Cipher.KeyBytes);

    /// <summary>Sectors that a split key takes on disk.</summary>
    internal static int MaterialSectorsOf(int keyBytes) => ((keyBytes * Stripes) + SectorCipher.SectorBytes - 1) / SectorCipher.SectorBytes;

    /// <summary>Reads a header and checks all of it.</summary>
    /// <param name="bytes">At least <see cref="SizeBytes"/>.</param>
    /// <exception cref="FormatException">It is none, or contradicts itself.</exception>
    /// <exception cref="NotSupportedException">It uses what is not supported; the message names it.</exception>
    public static LuksHeader Parse(ReadOnlySpan<byte> bytes)
    {
        if (!HasMagic(bytes))
        {
            throw new FormatException("found no LUKS header, expected one that begins with 'LUKS' BA BE");
        }

        if (bytes.Length < SizeBytes)
        {
            throw new FormatException($"found a LUKS header of {bytes.Length} bytes, expected {SizeBytes}");
        }

        var version = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]);
        if (version != 1)
        {
            throw new NotSupportedException($"found LUKS version {version}, expected 1");
        }

        var header = new LuksHeader
        {
            Cipher = LuksCipherName.Parse(
                Text(bytes.Slice(8, 32), "cipher name"), Text(bytes.Slice(40, 32), "cipher mode"),
                Text(bytes.Slice(72, 32), "hash"), Number(bytes[108..])),
            PayloadSector = Number(bytes[104..]),
            Digest = bytes.Slice(112, DigestBytes).ToArray(),
            DigestSalt = bytes.Slice(132, SaltBytes).ToArray(),
            DigestIterations = Number(bytes[164..]),
            Uuid = Text(bytes.Slice(168, 40), "UUID"),
            Slots = ParseSlots(bytes),
        };
        header.Check();
        return header;
    }

    /// <summary>True if bytes begin as a LUKS header of any version does.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 6 && bytes.StartsWith("LUKS"u8) && bytes[4] == 0xBA && bytes[5] == 0xBE;

    /// <summary>Writes the header.</summary>
    /// <param name="bytes">At least <see cref="SizeBytes"/>.</param>
    public void Write(Span<byte> bytes)
    {
        var header = bytes[..SizeBytes];
        header.Clear();
        "LUKS"u8.CopyTo(header);
        header[4] = 0xBA;
        header[5] = 0xBE;
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], 1);
        "aes"u8.CopyTo(header[8..]);
        Encoding.ASCII.GetBytes(Cipher.ModeText, header[40..]);
        Encoding.ASCII.GetBytes(LuksCipherName.NameOf(Cipher.Hash), header[72..]);
        BinaryPrimitives.WriteUInt32BigEndian(header[104..], PayloadSector);
        BinaryPrimitives.WriteUInt32BigEndian(header[108..], (uint)Cipher.KeyBytes);
        Digest.Span.CopyTo(header[112..]);
        DigestSalt.Span.CopyTo(header[132..]);
        BinaryPrimitives.WriteUInt32BigEndian(header[164..], DigestIterations);
        Encoding.ASCII.GetBytes(Uuid, header[168..]);
        for (var index = 0; index < SlotCount; index++)
        {
            var slot = header[(SlotsAt + (index * SlotBytes))..];
            BinaryPrimitives.WriteUInt32BigEndian(slot, Slots[index].IsActive ? Active : Inactive);
            BinaryPrimitives.WriteUInt32BigEndian(slot[4..], Slots[index].Iterations);
            Slots[index].Salt.Span.CopyTo(slot[8..]);
            BinaryPrimitives.WriteUInt32BigEndian(slot[40..], Slots[index].MaterialSector);
            BinaryPrimitives.WriteUInt32BigEndian(slot[44..], Slots[index].Stripes);
        }
    }

    /// <summary>The same with another slot.</summary>
    internal LuksHeader WithSlot(int index, LuksKeySlot slot) =>
        this with { Slots = [.. Slots.Select((old, place) => place == index ? slot : old)] };

    private static LuksKeySlot[] ParseSlots(ReadOnlySpan<byte> bytes)
    {
        var slots = new LuksKeySlot[SlotCount];
        for (var index = 0; index < SlotCount; index++)
        {
            var slot = bytes.Slice(SlotsAt + (index * SlotBytes), SlotBytes);
            var state = Number(slot);
            slots[index] = state is Active or Inactive
                ? new LuksKeySlot
                {
                    IsActive = state == Active,
                    Iterations = Number(slot[4..]),
                    Salt = slot.Slice(8, SaltBytes).ToArray(),
                    MaterialSector = Number(slot[40..]),
                    Stripes = Number(slot[44..]),
                }
                : throw new FormatException($"key slot {index}: found state 0x{state:X8}, expected 0x{Active:X8} or 0x{Inactive:X8}");
        }

        return slots;
    }

    private static uint Number(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32BigEndian(bytes);

    private static string Text(ReadOnlySpan<byte> field, string what)
    {
        var end = field.IndexOf((byte)0);
        if (end < 0 || field[..end].ContainsAnyExceptInRange((byte)' ', (byte)'~'))
        {
            throw new FormatException($"found a {what} that is no text with an end");
        }

        return Encoding.ASCII.GetString(field[..end]);
    }

    private void Check()
    {
        if (DigestIterations is 0 or > MaxIterations)
        {
            throw new NotSupportedException($"found {DigestIterations} iterations for the master key, expected 1 to {MaxIterations}");
        }

        var headerSectors = (SizeBytes + SectorCipher.SectorBytes - 1) / SectorCipher.SectorBytes;
        var ends = new List<(long Start, long End, string Name)> { (0, headerSectors, "the header") };
        for (var index = 0; index < SlotCount; index++)
        {
            var slot = Slots[index];
            if (slot.Stripes != Stripes)
            {
                throw new NotSupportedException($"key slot {index}: found {slot.Stripes} stripes, expected {Stripes}");
            }

            // Whether a slot takes too long is said when its turn comes: the passphrase may fit another one.
            if (slot.IsActive && slot.Iterations is (0 or > int.MaxValue))
            {
                throw new NotSupportedException($"key slot {index}: found {slot.Iterations} iterations, expected 1 to {int.MaxValue}");
            }

            var (start, end) = ((long)slot.MaterialSector, slot.MaterialSector + (long)MaterialSectors);
            foreach (var other in ends)
            {
                if (start < other.End && other.Start < end)
                {
                    throw new FormatException($"key slot {index}: its key at sector {start} lies over {other.Name}");
                }
            }

            ends.Add((start, end, $"that of key slot {index}"));
            if (end > PayloadSector)
            {
                throw new FormatException($"key slot {index}: its key reaches to sector {end}, but the data begin at {PayloadSector}");
            }
        }
    }
}
