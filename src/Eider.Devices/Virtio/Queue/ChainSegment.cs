namespace Eider.Devices.Virtio.Queue;

/// <summary>One buffer of a descriptor chain, copied from the ring once and checked: all of it is RAM.</summary>
/// <param name="Address">Guest-physical address of the first byte.</param>
/// <param name="LengthBytes">Length; at least 1.</param>
public readonly record struct ChainSegment(ulong Address, uint LengthBytes);
