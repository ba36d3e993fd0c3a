namespace Eider.Storage.Operations;

/// <summary>How large the file of an image would be.</summary>
/// <param name="RequiredBytes">With the data that are there now.</param>
/// <param name="FullyAllocatedBytes">Once every byte of the disk was written.</param>
public readonly record struct ImageMeasurement(long RequiredBytes, long FullyAllocatedBytes)
{
    /// <summary>What copies of the source's bitmaps would take besides, in bytes; null where the one or the other has none.</summary>
    public long? BitmapBytes { get; init; }
}
