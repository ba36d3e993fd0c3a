namespace Eider.Storage.Formats;

/// <summary>How much of a new image is set aside at once.</summary>
public enum ImagePreallocation
{
    /// <summary>Nothing.</summary>
    Off,

    /// <summary>The tables, and places for the data that the file need not have.</summary>
    Metadata,

    /// <summary>The tables, and space for the data that the host has promised.</summary>
    Falloc,

    /// <summary>The tables, and data written as zeroes.</summary>
    Full,
}
