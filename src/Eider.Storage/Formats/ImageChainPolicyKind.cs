namespace Eider.Storage.Formats;

/// <summary>Whether the files that an image names may be opened.</summary>
public enum ImageChainPolicyKind
{
    /// <summary>No: an image that needs one is refused.</summary>
    Refuse,

    /// <summary>Yes, any file of the host.</summary>
    Allow,

    /// <summary>Only inside of one directory, with all symbolic links followed first.</summary>
    WithinDirectory,

    /// <summary>They are left out: what they would give reads as zeroes. For looking at the metadata only.</summary>
    Ignore,
}
