namespace Eider.Testing.Virtio;

/// <summary>One used entry, as a driver reads it.</summary>
/// <param name="Id">Head descriptor (split) or buffer id (packed).</param>
/// <param name="WrittenBytes">How much the device says it wrote; 0 in a packed ring without the WRITE flag.</param>
public readonly record struct UsedBuffer(ushort Id, uint WrittenBytes);
