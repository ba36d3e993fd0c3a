namespace Eider.Storage.Formats;

/// <summary>
/// Which other files an image may open: its backing file and its external data file. The default is none, since
/// whoever made the image chose their names.
/// </summary>
public sealed record ImageChainPolicy
{
    private ImageChainPolicy(ImageChainPolicyKind kind, string directory = "")
    {
        Kind = kind;
        Directory = directory;
    }

    /// <summary>No other file.</summary>
    public static ImageChainPolicy Refuse { get; } = new(ImageChainPolicyKind.Refuse);

    /// <summary>Any file.</summary>
    public static ImageChainPolicy Allow { get; } = new(ImageChainPolicyKind.Allow);

    /// <summary>No other file, and the image opens without.</summary>
    public static ImageChainPolicy Ignore { get; } = new(ImageChainPolicyKind.Ignore);

    /// <summary>Which kind of rule.</summary>
    public ImageChainPolicyKind Kind { get; }

    /// <summary>The directory of <see cref="ImageChainPolicyKind.WithinDirectory"/>; else empty.</summary>
    public string Directory { get; }

    /// <summary>Files inside of a directory or below it.</summary>
    public static ImageChainPolicy Within(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return new ImageChainPolicy(ImageChainPolicyKind.WithinDirectory, directory);
    }
}
