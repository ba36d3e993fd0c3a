using Eider.Hardware.Bus;

namespace Eider.Hardware.Resources;

/// <summary>Addresses from one to another, both included.</summary>
/// <param name="First">The first one.</param>
/// <param name="Last">The last one.</param>
public readonly record struct AddressRange(IoAddress First, IoAddress Last);
