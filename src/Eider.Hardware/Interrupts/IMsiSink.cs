namespace Eider.Hardware.Interrupts;

/// <summary>Where message-signalled interrupts go: an interrupt controller of the board, or of the engine.</summary>
public interface IMsiSink
{
    /// <summary>Takes one message. Callable from any thread; must not block or throw. A message to nowhere is dropped.</summary>
    /// <param name="vector">Number of the interrupt among those that the resource manager gives out.</param>
    /// <param name="message">What the guest's driver programmed.</param>
    void Send(uint vector, in MsiMessage message);
}
