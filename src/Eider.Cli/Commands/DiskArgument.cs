using Eider.Cli.Errors;
using Eider.Machines;
using Eider.Storage.Formats;

namespace Eider.Cli.Commands;

/// <summary>The value of <c>--disk</c>.</summary>
internal static class DiskArgument
{
    /// <summary>Help of the option.</summary>
    public const string Help =
        "A virtio disk: a file, mem:SIZE or http(s)://..., with settings after commas: ro, format=raw|qcow2|luks, "
        + "chain=none|any|DIR (which other files the image may open), key=FILE (passphrase of an encrypted image), "
        + "cache=DIR, cache-size=N (keep what a server sends over restarts), layers=A+B (docs/storage.md), serial=TEXT, queues=N, "
        + "overlay=mem (writes stay in memory), transport=virtio-mmio|virtio-pci|ide, ring=split|packed, features=A+B, required=A+B, slot=N. "
        + "A comma in a name is written ',,'. May be given several times; the first is vda, or sda on IDE.";

    private const int MostQueues = 64;
    private const string Ide = "ide";

    private static readonly string[] VirtioSettings = ["queues", "ring", "features", "required", "slot"];

    /// <summary>Reads one value.</summary>
    /// <exception cref="CliException">A setting is unknown or has a bad value.</exception>
    public static DiskAttachment Parse(string value)
    {
        const string Option = "--disk";
        var list = CommaList.Parse(
            Option, value, "ro", "format", "chain", "key", "cache", "cache-size", "layers", "serial", "queues", "overlay", "transport", "ring", "features", "required", "slot");
        if (list.First.Length == 0)
        {
            throw new CliException(ExitCode.Usage, $"{Option} {value}: names no file; expected FILE, mem:SIZE or http://...");
        }

        var isIde = list.Value("transport") == Ide;
        if (isIde && VirtioSettings.FirstOrDefault(setting => list.Value(setting) is not null) is { } virtio)
        {
            throw new CliException(ExitCode.Usage, $"{Option} {list.First}: '{virtio}' is a setting of virtio disks, expected none with transport=ide");
        }

        var cacheSize = new DiskConfiguration().CacheSize;
        if (list.Value("cache-size") is { } size && !ByteSize.TryParse(size, out cacheSize))
        {
            throw new CliException(ExitCode.Usage, $"{Option} {list.First}: cache-size is '{size}', expected a number of bytes such as 4G");
        }

        return new DiskAttachment(Disk(Option, list, cacheSize, isIde), isIde);
    }

    /// <summary>The format of an image; raw where nothing is said.</summary>
    /// <param name="option">The option, for messages.</param>
    /// <param name="list">Its value.</param>
    /// <exception cref="CliException">There is no such format.</exception>
    public static string Format(string option, CommaList list)
    {
        var format = list.Value("format") ?? "raw";
        return ImageFormats.Find(format) is not null
            ? format
            : throw new CliException(
                ExitCode.Usage,
                $"{option} {list.First}: format is '{format}', expected {string.Join(" or ", ImageFormats.All.Select(known => known.Name))}");
    }

    /// <summary>Reads the name of a kind of ring; packed where nothing is said.</summary>
    /// <param name="what">Begins the message.</param>
    /// <param name="value">The name, or null.</param>
    /// <exception cref="CliException">It is neither split nor packed.</exception>
    public static VirtioRing Ring(string what, string? value) => value switch
    {
        null or "packed" => VirtioRing.Packed,
        "split" => VirtioRing.Split,
        _ => throw new CliException(ExitCode.Usage, $"{what} '{value}', expected split or packed"),
    };

    /// <summary>Reads the name of a transport; virtio-mmio where nothing is said.</summary>
    /// <param name="what">Begins the message.</param>
    /// <param name="value">The name, or null.</param>
    /// <exception cref="CliException">It is none of them.</exception>
    public static VirtioTransportKind Transport(string what, string? value) => value switch
    {
        null or "virtio-mmio" => VirtioTransportKind.Mmio,
        "virtio-pci" => VirtioTransportKind.Pci,
        _ => throw new CliException(ExitCode.Usage, $"{what} '{value}', expected virtio-mmio, virtio-pci or ide"),
    };

    private static DiskConfiguration Disk(string option, CommaList list, ByteSize cacheSize, bool isIde) => new()
    {
        Image = list.First,
        ReadOnly = list.Flag("ro"),
        Format = Format(option, list),
        Chain = list.Value("chain") ?? "none",
        KeyFile = list.Value("key"),
        Cache = list.Value("cache"),
        CacheSize = cacheSize,
        Layers = list.Value("layers")?.Split('+') ?? [],
        Serial = list.Value("serial") ?? "",
        Queues = list.Number("queues", 1, MostQueues) ?? 1,
        Overlay = Overlay(option, list),
        Transport = isIde ? VirtioTransportKind.Mmio : Transport($"{option} {list.First}: transport is", list.Value("transport")),
        Ring = Ring($"{option} {list.First}: ring is", list.Value("ring")),
        Features = list.Value("features")?.Split('+') ?? [],
        Required = list.Value("required")?.Split('+') ?? [],
        Slot = list.Number("slot", 0, 31),
    };

    /// <summary>Where writes go; into the image where nothing is said.</summary>
    /// <param name="option">The option, for messages.</param>
    /// <param name="list">Its value.</param>
    /// <exception cref="CliException">It is neither mem nor none.</exception>
    public static DiskOverlay Overlay(string option, CommaList list) => list.Value("overlay") switch
    {
        null or "none" => DiskOverlay.None,
        "mem" => DiskOverlay.Memory,
        var other => throw new CliException(ExitCode.Usage, $"{option} {list.First}: overlay is '{other}', expected mem or none"),
    };
}
