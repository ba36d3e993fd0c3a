using System.Security.Cryptography;

namespace Eider.Storage.Encryption;

/// <summary>PBKDF2 (RFC 8018, 5.2), and how many iterations take how long.</summary>
internal static class KeyStretching
{
    /// <summary>Fewer are not worth the name (LUKS1 On-Disk Format Specification 1.2.3, 6).</summary>
    public const uint MinIterations = 1000;

    private static readonly TimeSpan LongEnough = TimeSpan.FromMilliseconds(40);

    public static void Derive(
        ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, uint iterations, HashAlgorithmName hash, Span<byte> key) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, key, checked((int)iterations), hash);

    /// <summary>The iterations that the options ask for, by measuring unless they say.</summary>
    public static uint IterationsFor(LuksCreateOptions options)
    {
        if (options.Iterations is { } asked)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(asked, MinIterations, nameof(options));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(asked, LuksHeader.MaxIterations, nameof(options));
            return asked;
        }

        Span<byte> key = stackalloc byte[options.Cipher.KeyBytes];
        Span<byte> salt = stackalloc byte[LuksHeader.SaltBytes];
        salt.Clear();
        for (var tried = 1u << 12; ; tried *= 2)
        {
            var start = options.TimeProvider.GetTimestamp();
            Derive("measure"u8, salt, tried, options.Cipher.Hash, key);
            var elapsed = options.TimeProvider.GetElapsedTime(start);
            if (elapsed >= LongEnough || tried >= LuksHeader.MaxIterations / 2)
            {
                var wanted = tried * (options.IterationTime / (elapsed > TimeSpan.Zero ? elapsed : LongEnough));
                return (uint)Math.Clamp(wanted, MinIterations, LuksHeader.MaxIterations);
            }
        }
    }
}
