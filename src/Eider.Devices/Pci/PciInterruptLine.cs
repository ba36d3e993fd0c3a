using Eider.Hardware.Interrupts;

namespace Eider.Devices.Pci;

/// <summary>The level that a function wants of its pin. The wire is looked after by the bus.</summary>
internal sealed class PciInterruptLine(PciFunction function) : IInterruptLine
{
    private int _level;

    /// <summary>What the device wants.</summary>
    public bool Level => Volatile.Read(ref _level) != 0;

    /// <inheritdoc/>
    public void SetLevel(bool level)
    {
        if (Interlocked.Exchange(ref _level, level ? 1 : 0) != (level ? 1 : 0))
        {
            function.InterruptChanged(level);
        }
    }
}
