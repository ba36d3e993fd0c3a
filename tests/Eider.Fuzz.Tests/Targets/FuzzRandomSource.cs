using Eider.Hardware.Time;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>Randomness that counts what was drawn: never zero, so that what arrived can be told from what did not.</summary>
internal sealed class FuzzRandomSource : IRandomSource
{
    /// <summary>Bytes drawn.</summary>
    public long DrawnBytes { get; set; }

    /// <inheritdoc/>
    public void Fill(Span<byte> destination)
    {
        DrawnBytes += destination.Length;
        destination.Fill(0xE1);
    }
}
