namespace Eider.Cli.QemuImg.Nodes;

/// <summary>How an image is opened.</summary>
internal sealed record OpenMode
{
    /// <summary>The format that the user named; null to guess it.</summary>
    public string? Format { get; init; }

    /// <summary>True if the name is a list of options (<c>--image-opts</c>).</summary>
    public bool IsOptionList { get; init; }

    /// <summary>True if the name stands in an image and not in the user's command: then it is a path, whatever it begins with.</summary>
    public bool IsPath { get; init; }

    /// <summary>True to write.</summary>
    public bool IsWritable { get; init; }

    /// <summary>How many steps down the chain an image is written too.</summary>
    public int WritableDepth { get; init; }

    /// <summary>True to leave the backing images out.</summary>
    public bool HasNoBacking { get; init; }

    /// <summary>True if no data are read or written: then an encrypted image needs no key.</summary>
    public bool IsForMetadata { get; init; }

    /// <summary>True to open what somebody else writes (<c>-U</c>).</summary>
    public bool IsForced { get; init; }

    /// <summary>True to open an image that is marked corrupt for writing.</summary>
    public bool IsForRepair { get; init; }

    /// <summary>True to go round the page cache.</summary>
    public bool IsDirect { get; init; }

    /// <summary>Id or name of the internal snapshot to read; null for the disk.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Further options with the secrets of the image.</summary>
    public IReadOnlyDictionary<string, string> Keys { get; init; } = new Dictionary<string, string>();
}
