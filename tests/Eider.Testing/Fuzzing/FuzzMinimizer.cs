namespace Eider.Testing.Fuzzing;

/// <summary>Makes a case smaller while it still shows what it showed: cuts pieces out, then turns choices into simpler ones.</summary>
public static class FuzzMinimizer
{
    /// <summary>Cuts choices.</summary>
    /// <param name="choices">The case.</param>
    /// <param name="shows">True if a case shows the same.</param>
    /// <param name="maxAttempts">How many cases to try at most.</param>
    /// <returns>The smallest case found.</returns>
    public static byte[] Minimize(ReadOnlySpan<byte> choices, Func<byte[], bool> shows, int maxAttempts = 4000)
    {
        ArgumentNullException.ThrowIfNull(shows);
        var best = choices.ToArray();
        var attempts = 0;
        bool progress;
        do
        {
            progress = TryCut(ref best) | TrySimplify(ref best);
        }
        while (progress && attempts < maxAttempts);
        return best;

        bool Try(ref byte[] current, byte[] candidate)
        {
            if (attempts++ >= maxAttempts || !shows(candidate))
            {
                return false;
            }

            current = candidate;
            return true;
        }

        bool TryCut(ref byte[] current)
        {
            var any = false;
            for (var piece = current.Length; piece >= 1; piece /= 2)
            {
                for (var start = Math.Max(0, current.Length - piece); start >= 0; start -= piece)
                {
                    var length = Math.Min(piece, current.Length - start);
                    any |= length > 0 && Try(ref current, [.. current[..start], .. current[(start + length)..]]);
                }
            }

            return any;
        }

        bool TrySimplify(ref byte[] current)
        {
            var any = false;
            for (var i = 0; i < current.Length; i++)
            {
                // Low bits alone, since most choices are taken modulo something small; then step by step.
                foreach (var simpler in (ReadOnlySpan<int>)[0, current[i] & 1, current[i] & 3, current[i] & 7, current[i] & 15, current[i] / 2, current[i] - 1])
                {
                    if (simpler >= 0 && simpler < current[i])
                    {
                        var candidate = (byte[])current.Clone();
                        candidate[i] = (byte)simpler;
                        any |= Try(ref current, candidate);
                    }
                }
            }

            return any;
        }
    }
}
