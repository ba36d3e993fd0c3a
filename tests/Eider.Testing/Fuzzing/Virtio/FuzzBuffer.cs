namespace Eider.Testing.Fuzzing.Virtio;

/// <summary>A buffer of a chain.</summary>
/// <param name="Address">Guest-physical address.</param>
/// <param name="LengthBytes">Length in bytes.</param>
/// <param name="IsWritable">True if the device may write it.</param>
public readonly record struct FuzzBuffer(ulong Address, uint LengthBytes, bool IsWritable);
