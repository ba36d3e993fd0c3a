using Eider.Storage;

namespace Eider.Testing.Storage;

/// <summary>Scatter lists of every shape over new memory.</summary>
public static class ScatterLists
{
    /// <summary>A list over a copy of data, cut in pieces at random; some are empty.</summary>
    public static BufferList Cut(Random random, byte[] data, int maxPieces)
    {
        var count = random.Next(1, maxPieces + 1);
        if (count == 1)
        {
            return data;
        }

        var cuts = Enumerable.Range(0, count - 1).Select(_ => random.Next(0, data.Length + 1)).Order().ToList();
        cuts.Insert(0, 0);
        cuts.Add(data.Length);
        return new BufferList(
            Enumerable.Range(0, count).Select(piece => data.AsMemory(cuts[piece], cuts[piece + 1] - cuts[piece])).ToArray());
    }
}
