namespace Eider.Storage.Backends;

/// <summary>Which file it is, whatever its name: device and inode; for a block device, its own numbers.</summary>
internal sealed record FileIdentity(bool IsBlockDevice, uint DeviceMajor, uint DeviceMinor, ulong Inode);
