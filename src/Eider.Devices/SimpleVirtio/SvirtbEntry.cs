using System.Buffers.Binary;
using Eider.Hardware.Memory;

namespace Eider.Devices.SimpleVirtio;

/// <summary>An entry of the ring (Simple VirtIO Block, section 2.2.1), read once.</summary>
/// <param name="Address">Guest-physical address of the buffer.</param>
/// <param name="SizeBytes">Size of the buffer.</param>
/// <param name="Sector">First sector of the disk.</param>
/// <param name="Command">What to do.</param>
internal readonly record struct SvirtbEntry(ulong Address, ulong SizeBytes, ulong Sector, SvirtbCommand Command)
{
    private const int Bytes = 28;
    private const ulong MaxSector = ulong.MaxValue / SvirtbLimits.SectorBytes;

    /// <summary>Reads the entry at an address.</summary>
    /// <returns>False if the address is not RAM.</returns>
    public static bool TryRead(GuestMemory memory, ulong address, out SvirtbEntry entry)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        if (!memory.TryRead(address, bytes))
        {
            entry = default;
            return false;
        }

        entry = new SvirtbEntry(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
            (SvirtbCommand)BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]));
        return true;
    }

    /// <summary>True if it asks for something that is there: a known command, a buffer in RAM, a sector with an offset.</summary>
    public bool IsGood(GuestMemory memory) =>
        Command is SvirtbCommand.Read or SvirtbCommand.Write && Sector <= MaxSector && memory.Contains(Address, SizeBytes);

    /// <summary>Where on the disk, and how much of it: nothing behind the end.</summary>
    public (long OffsetBytes, long LengthBytes) On(long diskBytes)
    {
        var offset = Sector * SvirtbLimits.SectorBytes;
        return offset >= (ulong)diskBytes ? (0, 0) : ((long)offset, (long)Math.Min(SizeBytes, (ulong)diskBytes - offset));
    }
}
