namespace Eider.Storage;

/// <summary>A run of bytes with one status.</summary>
/// <param name="OffsetBytes">Where it starts.</param>
/// <param name="LengthBytes">How long it is; at least 1.</param>
/// <param name="Status">What is known of it.</param>
public readonly record struct BlockExtent(long OffsetBytes, long LengthBytes, BlockExtentStatus Status);
