namespace Eider.Machines;

/// <summary>What all settings have in common that name an image: its place, and what else is opened on the way to it.</summary>
internal interface IImageConfiguration
{
    /// <summary>The image.</summary>
    string? Image { get; set; }

    /// <summary>Which other files the image may open.</summary>
    string Chain { get; set; }

    /// <summary>A file with the passphrase.</summary>
    string? KeyFile { get; set; }

    /// <summary>A directory in which what is fetched is kept.</summary>
    string? Cache { get; set; }

    /// <summary>Layers over the image.</summary>
    IReadOnlyList<string> Layers { get; set; }
}
