namespace Eider.ImageWorker;

/// <summary>One step of a writer: sectors that get a tag (0 is zeroes), or a flush of all before it.</summary>
/// <param name="First">The first sector.</param>
/// <param name="Count">How many; none is a flush.</param>
/// <param name="Tag">What they get.</param>
/// <param name="IsCompressed">True for a whole cluster that is written compressed.</param>
public readonly record struct WriterStep(int First, int Count, uint Tag, bool IsCompressed)
{
    /// <summary>Sectors of the disk.</summary>
    public const int Sectors = 2048;

    /// <summary>True for a flush.</summary>
    public bool IsFlush => Count == 0;

    /// <summary>The steps of a seed, without end.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="clusterSectors">Sectors of a cluster, for compressed ones; 0 for none of them.</param>
    public static IEnumerable<WriterStep> Plan(int seed, int clusterSectors)
    {
        var random = new Random(seed);
        for (var tag = 1u; ; tag++)
        {
            var choice = random.Next(10);
            if (choice < 2)
            {
                yield return default;
            }
            else if (choice == 2 && clusterSectors > 0)
            {
                yield return new WriterStep(random.Next(Sectors / clusterSectors) * clusterSectors, clusterSectors, tag, true);
            }
            else
            {
                var count = random.Next(1, 48);
                yield return new WriterStep(random.Next(Sectors - count), count, choice == 3 ? 0 : tag, false);
            }
        }
    }
}
