using Eider.Hardware.Interrupts;

namespace Eider.Machines.Building;

/// <summary>A wire that leads nowhere.</summary>
internal sealed class OpenLine : IInterruptLine
{
    /// <inheritdoc/>
    public void SetLevel(bool level)
    {
    }
}
