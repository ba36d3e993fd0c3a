namespace Eider.Hardware.Interrupts;

/// <summary>A message-signalled interrupt: the write that raises it (PCI Local Bus 3.0, section 6.8).</summary>
/// <param name="Address">Where the message is written to.</param>
/// <param name="Data">What is written.</param>
/// <param name="DeviceId">Who sends it, for controllers that route by sender; null if nobody asks.</param>
public readonly record struct MsiMessage(ulong Address, uint Data, uint? DeviceId = null);
