namespace Eider.Testing.Virtio;

/// <summary>One buffer of a request, as a driver sees it.</summary>
/// <param name="Address">Guest-physical address.</param>
/// <param name="LengthBytes">Length.</param>
/// <param name="IsWritable">True if the device writes it.</param>
public readonly record struct DriverBuffer(ulong Address, uint LengthBytes, bool IsWritable);
