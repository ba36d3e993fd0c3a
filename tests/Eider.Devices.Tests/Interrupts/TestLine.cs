using Eider.Hardware.Interrupts;

namespace Eider.Devices.Tests.Interrupts;

/// <summary>A wire that remembers its level and how often it moved.</summary>
internal sealed class TestLine : IInterruptLine
{
    public bool Level { get; private set; }

    public int Edges { get; private set; }

    public void SetLevel(bool level)
    {
        Edges += level != Level ? 1 : 0;
        Level = level;
    }
}
