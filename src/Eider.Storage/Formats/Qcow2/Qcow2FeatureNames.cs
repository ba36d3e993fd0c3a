using System.Text;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>The feature name table of new images, so that an older program can say what it lacks.</summary>
internal static class Qcow2FeatureNames
{
    private const int EntryBytes = 48;

    private static readonly (byte Type, byte Bit, string Name)[] Names =
    [
        (0, 0, "dirty bit"),
        (0, 1, "corrupt bit"),
        (0, 2, "external data file"),
        (0, 3, "compression type"),
        (0, 4, "extended L2 entries"),
        (1, 0, "lazy refcounts"),
        (2, 0, "bitmaps"),
        (2, 1, "raw external data"),
    ];

    /// <summary>The bytes of the extension.</summary>
    public static byte[] Table()
    {
        var table = new byte[Names.Length * EntryBytes];
        for (var index = 0; index < Names.Length; index++)
        {
            var entry = table.AsSpan(index * EntryBytes, EntryBytes);
            entry[0] = Names[index].Type;
            entry[1] = Names[index].Bit;
            Encoding.ASCII.GetBytes(Names[index].Name, entry[2..]);
        }

        return table;
    }
}
