using System.Text;

namespace Eider.Storage.Tests.Compression;

/// <summary>Clusters of all kinds that disks hold.</summary>
internal static class ClusterSamples
{
    public static byte[] Random(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Words of a small language with the frequencies of a natural one.</summary>
    public static byte[] Text(int seed, int length)
    {
        var random = new Random(seed);
        var words = Enumerable.Range(0, 3000)
            .Select(_ => new string([.. Enumerable.Range(0, random.Next(2, 11)).Select(_ => (char)('a' + random.Next(26)))]))
            .ToArray();
        var text = new StringBuilder();
        while (text.Length < length)
        {
            text.Append(words[(int)(Math.Pow(random.NextDouble(), 3) * words.Length)]).Append(random.Next(12) == 0 ? ".\n" : " ");
        }

        return Encoding.ASCII.GetBytes(text.ToString(0, length));
    }

    /// <summary>The same random bytes again at a distance: only a match finder sees that.</summary>
    public static byte[] Repeating(int seed, int period, int length)
    {
        var unit = Random(seed, period);
        return [.. Enumerable.Range(0, length).Select(index => unit[index % period])];
    }

    public static byte[] Of(string kind, int seed, int length) => kind switch
    {
        "zero" => new byte[length],
        "random" => Random(seed, length),
        "text" => Text(seed, length),
        "counter" => [.. Enumerable.Range(0, length).Select(index => unchecked((byte)index))],
        "words" => [.. Enumerable.Range(0, length).Select(index => unchecked((byte)(index % 4 == 0 ? index / 4 : index % 4 == 1 ? index / 1024 : 0)))],
        "base64" => Encoding.ASCII.GetBytes(Convert.ToBase64String(Random(seed, length)))[..length],
        "period 3000" => Repeating(seed, 3000, length),
        "period 4096" => Repeating(seed, 4096, length),
        "period 5000" => Repeating(seed, 5000, length),
        "period 8192" => Repeating(seed, 8192, length),
        "half" => [.. Random(seed, length / 2), .. Text(seed, length - (length / 2))],
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    public static TheoryData<string, int> KindsAndLevels(int[] levels)
    {
        var data = new TheoryData<string, int>();
        foreach (var kind in new[]
                 {
                     "zero", "random", "text", "counter", "words", "base64", "period 3000", "period 4096", "period 5000",
                     "period 8192", "half",
                 })
        {
            foreach (var level in levels)
            {
                data.Add(kind, level);
            }
        }

        return data;
    }
}
