namespace Eider.Storage.Formats;

/// <summary>A run of an image's disk that is of one kind in this image, whatever lies behind it.</summary>
/// <param name="OffsetBytes">Where it starts on the disk.</param>
/// <param name="LengthBytes">How long it is; at least 1.</param>
/// <param name="Kind">Where its content is.</param>
/// <param name="HostOffsetBytes">Where it lies in the file with the data; null if it has no single place.</param>
public readonly record struct ImageExtent(long OffsetBytes, long LengthBytes, ImageExtentKind Kind, long? HostOffsetBytes);
