using Eider.Hardware.Interrupts;

namespace Eider.Testing.Hardware;

/// <summary>A wire that remembers what happened on it.</summary>
public sealed class FakeInterruptLine : IInterruptLine
{
    private readonly Lock _gate = new();

    /// <summary>The level now.</summary>
    public bool Level { get; private set; }

    /// <summary>How often it went from low to high.</summary>
    public int Rises { get; private set; }

    /// <summary>How often somebody drove it, also to the level that it had.</summary>
    public int Calls { get; private set; }

    /// <inheritdoc/>
    public void SetLevel(bool level)
    {
        lock (_gate)
        {
            Calls++;
            Rises += level && !Level ? 1 : 0;
            Level = level;
        }
    }
}
