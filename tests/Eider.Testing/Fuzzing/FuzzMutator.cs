namespace Eider.Testing.Fuzzing;

/// <summary>Makes new choices from known ones; the same random generator makes the same.</summary>
internal static class FuzzMutator
{
    /// <summary>Changes, cuts, doubles or joins cases; what is missing at the end is chosen anew.</summary>
    public static byte[] Mutate(Random random, IReadOnlyList<FuzzCase> corpus)
    {
        var choices = corpus[random.Next(corpus.Count)].Choices.ToArray().ToList();
        for (var changes = random.Next(4); changes >= 0; changes--)
        {
            var at = random.Next(choices.Count + 1);
            var count = Math.Min(random.Next(1, 9), choices.Count - at);
            switch (random.Next(5))
            {
                case 0 when at < choices.Count:
                    choices[at] = (byte)random.Next(256);
                    break;
                case 1:
                    choices.RemoveRange(at, count);
                    break;
                case 2:
                    choices.InsertRange(at, choices.GetRange(at, count));
                    break;
                case 3:
                    choices.Insert(at, (byte)random.Next(256));
                    break;
                default:
                    var other = corpus[random.Next(corpus.Count)].Choices.Span;
                    choices.RemoveRange(at, choices.Count - at);
                    choices.AddRange(other[random.Next(other.Length + 1)..]);
                    break;
            }
        }

        return [.. choices];
    }
}
