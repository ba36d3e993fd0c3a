namespace Eider.Hardware.Time;

/// <summary>The machine's source of randomness: injected, so that one seed replays a whole machine.</summary>
public interface IRandomSource
{
    /// <summary>Fills the whole span. Callable from any thread.</summary>
    void Fill(Span<byte> destination);
}
