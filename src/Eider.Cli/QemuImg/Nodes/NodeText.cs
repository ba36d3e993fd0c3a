namespace Eider.Cli.QemuImg.Nodes;

/// <summary>What a node is called: by a plain name if that opens the same again, else by its options in JSON.</summary>
/// <param name="Driver">The driver.</param>
/// <param name="PlainName">The plain name; null if there is none.</param>
/// <param name="Options">What would open the same again.</param>
internal sealed record NodeText(string Driver, string? PlainName, IReadOnlyDictionary<string, object> Options)
{
    /// <summary>The name as it is reported.</summary>
    public string FileName => PlainName ?? "json:" + QemuJson.PrintLine(Options);

    /// <summary>A node of a protocol.</summary>
    public static NodeText OfProtocol(string driver, string? plainName, Dictionary<string, object> options)
    {
        options["driver"] = driver;
        return new NodeText(driver, plainName, options);
    }

    /// <summary>A format on a file.</summary>
    /// <param name="driver">The format.</param>
    /// <param name="file">What it lies in.</param>
    /// <param name="strong">Options that change what the node shows.</param>
    /// <param name="backing">The image behind it, if the user named another one than the image does.</param>
    public static NodeText OfFormat(string driver, NodeText file, Dictionary<string, object> strong, NodeText? backing)
    {
        var isPlain = strong.Count == 0 && backing == null && !NodeNames.IsFormat(file.Driver);
        var options = new Dictionary<string, object>(strong) { ["driver"] = driver, ["file"] = file.Options };
        if (backing != null)
        {
            options["backing"] = backing.Options;
        }

        return new NodeText(driver, isPlain ? file.PlainName : null, options);
    }
}
