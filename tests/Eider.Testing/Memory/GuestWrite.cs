namespace Eider.Testing.Memory;

/// <summary>A range of guest memory that a device wrote.</summary>
/// <param name="Address">Guest-physical address of the first byte.</param>
/// <param name="LengthBytes">Length.</param>
/// <param name="IsForbidden">True if it happened after <see cref="WriteWatchingGuestMemory.Forbid"/>.</param>
public readonly record struct GuestWrite(ulong Address, int LengthBytes, bool IsForbidden);
