namespace Eider.Storage.Operations;

/// <summary>A run of a disk, and where in a chain of images its content lies.</summary>
/// <param name="OffsetBytes">Where it starts on the disk.</param>
/// <param name="LengthBytes">How long it is.</param>
/// <param name="Depth">How far down the chain the image lies that decides it; 0 is the image itself.</param>
/// <param name="IsPresent">True if an image of the chain has it, be it as zeroes; false if it was never written.</param>
/// <param name="IsZero">True if it reads as zeroes.</param>
/// <param name="HasData">True if bytes of a file are its content.</param>
/// <param name="IsCompressed">True if they are compressed.</param>
/// <param name="HostOffsetBytes">Where it lies in the file; null if it has no single place.</param>
/// <param name="FileName">The file; null if none has it.</param>
public readonly record struct ImageMapEntry(
    long OffsetBytes, long LengthBytes, int Depth, bool IsPresent, bool IsZero, bool HasData, bool IsCompressed,
    long? HostOffsetBytes, string? FileName)
{
    /// <summary>True if the other entry goes on where this one ends, in the same way.</summary>
    internal bool Continues(ImageMapEntry next) =>
        next.OffsetBytes == OffsetBytes + LengthBytes
        && next with { OffsetBytes = OffsetBytes, LengthBytes = LengthBytes, HostOffsetBytes = HostOffsetBytes } == this
        && (HostOffsetBytes == null ? next.HostOffsetBytes == null : next.HostOffsetBytes == HostOffsetBytes + LengthBytes);
}
