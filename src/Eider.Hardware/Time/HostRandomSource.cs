using System.Security.Cryptography;

namespace Eider.Hardware.Time;

/// <summary>Randomness of the host's operating system, fit for keys.</summary>
public sealed class HostRandomSource : IRandomSource
{
    /// <inheritdoc/>
    public void Fill(Span<byte> destination)
    {
        // The framework's generator is OpenSSL's on Linux: milliseconds and megabytes to load, for the same bytes.
        if (!OperatingSystem.IsLinux() || !LinuxRandom.TryFill(destination))
        {
            RandomNumberGenerator.Fill(destination);
        }
    }
}
