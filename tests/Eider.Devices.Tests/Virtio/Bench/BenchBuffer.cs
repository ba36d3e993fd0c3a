namespace Eider.Devices.Tests.Virtio.Bench;

/// <summary>One descriptor of a chain as the bench's driver makes it.</summary>
internal readonly record struct BenchBuffer(ulong Address, uint LengthBytes, bool IsWritable);
