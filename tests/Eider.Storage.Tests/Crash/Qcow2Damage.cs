using System.Buffers.Binary;

namespace Eider.Storage.Tests.Crash;

/// <summary>Damage of refcounts and flags, which a repair mends without a loss of data.</summary>
internal static class Qcow2Damage
{
    /// <summary>Changes some refcounts and COPIED flags.</summary>
    public static void Apply(Span<byte> file, Random random)
    {
        for (var times = random.Next(1, 6); times > 0; times--)
        {
            var l1 = (int)BinaryPrimitives.ReadUInt64BigEndian(file[40..]);
            if (random.Next(4) == 0)
            {
                if (BinaryPrimitives.ReadUInt64BigEndian(file[l1..]) != 0)
                {
                    file[l1] ^= 0x80;
                }
            }
            else
            {
                DamageRefcount(file, random);
            }
        }
    }

    private static void DamageRefcount(Span<byte> file, Random random)
    {
        var table = (int)BinaryPrimitives.ReadUInt64BigEndian(file[48..]);
        var block = (int)BinaryPrimitives.ReadUInt64BigEndian(file[table..]);
        var order = BinaryPrimitives.ReadInt32BigEndian(file[4..]) == 3 ? BinaryPrimitives.ReadInt32BigEndian(file[96..]) : 4;
        var clusters = Math.Min(file.Length >> file[23], (8 << file[23]) >> order);
        var place = block + ((random.Next(clusters) << order) >> 3) + Math.Max(0, ((1 << order) / 8) - 1);
        file[place] = (byte)(order < 3 ? random.Next(256) : random.Next(3));
    }
}
