using Eider.Storage.Formats;

namespace Eider.Storage.Operations;

/// <summary>How <see cref="ImageResizer"/> changes a size.</summary>
public sealed record ImageResizeOptions
{
    /// <summary>The defaults: larger only, nothing set aside.</summary>
    public static ImageResizeOptions Default { get; } = new();

    /// <summary>True to allow a smaller size, which cuts data off.</summary>
    public bool CanShrink { get; init; }

    /// <summary>How what is added is set aside.</summary>
    public ImagePreallocation Preallocation { get; init; }
}
