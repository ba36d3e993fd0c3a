namespace Eider.Storage.Operations;

/// <summary>How <see cref="ImageRebaser"/> prepares an image.</summary>
public sealed record ImageRebaseOptions
{
    /// <summary>The defaults: two workers.</summary>
    public static ImageRebaseOptions Default { get; } = new();

    /// <summary>How many pieces are compared at once; 1 to 64.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>
    /// True to write what the old backing image has as data, though it be zeroes, as data; false to write zeroes as such,
    /// which takes no space.
    /// </summary>
    public bool KeepsData { get; init; }

    /// <summary>Told how far it is.</summary>
    public OperationProgress? Progress { get; init; }
}
