namespace Eider.Storage.Operations;

/// <summary>What <see cref="ImageComparer"/> found.</summary>
/// <param name="FirstDifferenceBytes">Where the first byte lies that differs; null if there is none.</param>
/// <param name="IsSameSize">True if both disks are of one size; else the longer one was compared with zeroes behind the end.</param>
public sealed record ImageComparison(long? FirstDifferenceBytes, bool IsSameSize)
{
    /// <summary>True if no byte differs, a difference in size apart.</summary>
    public bool IsSameContent => FirstDifferenceBytes == null;
}
