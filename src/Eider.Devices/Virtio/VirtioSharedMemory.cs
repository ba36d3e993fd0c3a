namespace Eider.Devices.Virtio;

/// <summary>A shared memory region that a device shows its driver (virtio 1.3, section 2.10).</summary>
/// <param name="Id">The id that the driver selects it by.</param>
/// <param name="BaseAddress">Guest-physical address of its first byte.</param>
/// <param name="LengthBytes">Its length.</param>
public readonly record struct VirtioSharedMemory(byte Id, ulong BaseAddress, ulong LengthBytes);
