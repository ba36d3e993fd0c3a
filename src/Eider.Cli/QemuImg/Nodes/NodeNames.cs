namespace Eider.Cli.QemuImg.Nodes;

/// <summary>Names of images that a user writes: plain paths, or <c>protocol:...</c>.</summary>
internal static class NodeNames
{
    private static readonly string[] Formats = ["raw", "qcow2", "luks"];
    private static readonly string[] Protocols = ["file", "host_device", "null-co", "null-aio", "blkdebug", "nbd"];

    /// <summary>True for the driver of a format.</summary>
    public static bool IsFormat(string driver) => Formats.Contains(driver);

    /// <summary>True for the driver of a protocol.</summary>
    public static bool IsProtocol(string driver) => Protocols.Contains(driver);

    /// <summary>True if a name begins with a protocol: a colon before any slash.</summary>
    public static bool HasProtocol(string name) => name.IndexOfAny([':', '/']) is >= 0 and var at && name[at] == ':';

    /// <summary>The path that a name means beside an image: names with a protocol stay as they are.</summary>
    public static string Beside(string image, string name) =>
        HasProtocol(name) || Path.IsPathRooted(name) ? name : Path.Combine(Path.GetDirectoryName(image) ?? "", name);

    /// <summary>Takes a name apart into options.</summary>
    /// <param name="name">As the user wrote it.</param>
    /// <param name="options">Where the options go.</param>
    /// <param name="driver">The driver that the user named; null to find it out.</param>
    /// <returns>The driver.</returns>
    /// <exception cref="QemuImgException">There is no such protocol, or the name is wrong.</exception>
    public static string Parse(string name, NodeOptions options, string? driver)
    {
        driver ??= DriverOf(name);
        switch (driver)
        {
            case "blkdebug":
                ParseBlkdebug(name, options);
                break;
            case "nbd":
                NbdNodes.Parse(name, options);
                break;
            case "null-co" or "null-aio":
                if (name != driver + "://")
                {
                    throw new QemuImgException($"The only allowed filename for this driver is '{driver}://'");
                }

                break;
            default:
                options.Set("filename", PathOf(name));
                break;
        }

        return driver;
    }

    /// <summary>The driver of a name.</summary>
    /// <exception cref="QemuImgException">There is no such protocol.</exception>
    public static string DriverOf(string name)
    {
        if (!HasProtocol(name))
        {
            return name.StartsWith("/dev/", StringComparison.Ordinal) && IsDevice(name) ? "host_device" : "file";
        }

        var protocol = name[..name.IndexOf(':', StringComparison.Ordinal)];
        return protocol switch
        {
            "file" or "blkdebug" or "nbd" or "null-co" or "null-aio" => protocol,
            "nbd+tcp" or "nbd+unix" => "nbd",
            _ => throw new QemuImgException($"Unknown protocol '{protocol}'"),
        };
    }

    /// <summary>The path of a name; what looks like a protocol in the path itself is hidden from whoever reads it next.</summary>
    public static string PathOf(string name)
    {
        const string Prefix = "file:";
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return name;
        }

        var path = name[Prefix.Length..];
        return HasProtocol(path) ? "./" + path : path;
    }

    /// <summary><c>blkdebug:RULES:IMAGE</c>.</summary>
    private static void ParseBlkdebug(string name, NodeOptions options)
    {
        const string Prefix = "blkdebug:";
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
        {
            options.Set("x-image", name);
            return;
        }

        var rest = name[Prefix.Length..];
        var colon = rest.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            throw new QemuImgException("blkdebug requires both config file and image path");
        }

        if (colon > 0)
        {
            options.Set("config", rest[..colon]);
        }

        options.Set("x-image", rest[(colon + 1)..]);
    }

    // A regular file below /dev, in shared memory above all, stays a file.
    private static bool IsDevice(string name) =>
        File.Exists(name) && (File.GetAttributes(name) & (FileAttributes.Archive | FileAttributes.Directory | FileAttributes.ReparsePoint)) == 0
        && !name.StartsWith("/dev/shm/", StringComparison.Ordinal);
}
