using System.Security.Cryptography;

namespace Eider.Hardware.Time;

/// <summary>Randomness of the host's operating system, fit for keys.</summary>
public sealed class HostRandomSource : IRandomSource
{
    /// <inheritdoc/>
    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
