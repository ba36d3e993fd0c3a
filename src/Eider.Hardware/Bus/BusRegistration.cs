namespace Eider.Hardware.Bus;

/// <summary>One range that a device traps.</summary>
/// <param name="Space">Ports or memory-mapped registers.</param>
/// <param name="Base">First address.</param>
/// <param name="Size">Number of addresses.</param>
/// <param name="Device">Who answers there.</param>
public readonly record struct BusRegistration(IoSpace Space, IoAddress Base, ulong Size, IDeviceIo Device);
