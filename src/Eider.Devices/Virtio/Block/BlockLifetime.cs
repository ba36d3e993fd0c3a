using System.Buffers.Binary;

namespace Eider.Devices.Virtio.Block;

/// <summary>Wear of the storage (virtio 1.3, 5.2.6, struct virtio_blk_lifetime; terms of JESD84-B50).</summary>
/// <param name="PreEndOfLife">0 unknown, 1 normal, 2 80 % and 3 90 % of the reserved blocks are used up.</param>
/// <param name="WearA">Wear of SLC cells: 0 unknown, 1 up to 10 %, and so on, 11 more than its whole life.</param>
/// <param name="WearB">Wear of MLC cells, in the same steps.</param>
public readonly record struct BlockLifetime(ushort PreEndOfLife, ushort WearA, ushort WearB)
{
    /// <summary>Length in bytes of what the guest reads.</summary>
    internal const int Size = 6;

    private const ushort HighestPreEndOfLife = 3;
    private const ushort HighestWear = 11;

    /// <summary>
    /// Puts it into bytes. A value that the specification reserves goes out as 0, unknown (5.2.6.2: no reserved
    /// value may be sent).
    /// </summary>
    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, KnownOrZero(PreEndOfLife, HighestPreEndOfLife));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], KnownOrZero(WearA, HighestWear));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[4..], KnownOrZero(WearB, HighestWear));
    }

    private static ushort KnownOrZero(ushort value, ushort highest) => value <= highest ? value : (ushort)0;
}
