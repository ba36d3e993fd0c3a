using Eider.Hardware.Interrupts;

namespace Eider.Testing.Virtio;

/// <summary>A wire that remembers its level and how often it rose.</summary>
public sealed class InterruptSpy : IInterruptLine
{
    private int _rises;
    private bool _level;

    public bool Level => Volatile.Read(ref _level);

    public int Rises => Volatile.Read(ref _rises);

    public void SetLevel(bool level)
    {
        if (level && !_level)
        {
            Interlocked.Increment(ref _rises);
        }

        Volatile.Write(ref _level, level);
    }
}
