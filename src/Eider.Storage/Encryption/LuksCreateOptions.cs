namespace Eider.Storage.Encryption;

/// <summary>How a LUKS1 volume, or a key slot of it, is made.</summary>
public sealed record LuksCreateOptions
{
    /// <summary>Cipher, mode and hash.</summary>
    public LuksCipherName Cipher { get; init; } = LuksCipherName.Default;

    /// <summary>How long hashing a passphrase shall take on this machine, which sets the number of iterations.</summary>
    public TimeSpan IterationTime { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The number of iterations, instead of measuring; at least 1,000.</summary>
    public uint? Iterations { get; init; }

    /// <summary>The clock that measures.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
