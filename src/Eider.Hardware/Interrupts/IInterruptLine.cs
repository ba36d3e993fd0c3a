namespace Eider.Hardware.Interrupts;

/// <summary>
/// One wire from a device to an interrupt controller. Level triggered: the device computes the level from its
/// state in one place and sets it; setting the same level again does nothing. Callable from any thread; never
/// call it with a device's lock held.
/// </summary>
public interface IInterruptLine
{
    /// <summary>Drives the wire.</summary>
    /// <param name="level">True: asserted.</param>
    void SetLevel(bool level);
}
