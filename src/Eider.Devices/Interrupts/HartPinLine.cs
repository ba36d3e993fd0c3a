using Eider.Hardware.Interrupts;

namespace Eider.Devices.Interrupts;

/// <summary>One pin of one hart, as a line that a controller drives.</summary>
/// <param name="pins">The hart's pins.</param>
/// <param name="pin">Which of them.</param>
public sealed class HartPinLine(HartPins pins, HartPin pin) : IInterruptLine
{
    /// <inheritdoc/>
    public void SetLevel(bool level) => pins.Set(pin, level);
}
