using Eider.Cli.Errors;
using Eider.Devices.SimpleVirtio;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary>The value of <c>--svirtb</c>.</summary>
internal static class SvirtbArgument
{
    /// <summary>Help of the option.</summary>
    public const string Help =
        "A Simple VirtIO Block device (KeOS) at 0xCAFE0000, the next ones page by page: a file of any size, mem:SIZE or http(s)://..., with "
        + "settings after commas: ro, format=raw|qcow2|luks, chain=none|any|DIR, key=FILE, layers=A+B, overlay=mem, stride=32|28 (bytes from one entry of the ring to the next), address=0xN.";

    /// <summary>Reads one value.</summary>
    /// <exception cref="CliException">A setting is unknown or has a bad value.</exception>
    public static SvirtbConfiguration Parse(string value)
    {
        const string Option = "--svirtb";
        var list = CommaList.Parse(Option, value, "ro", "format", "chain", "key", "layers", "overlay", "stride", "address");
        if (list.First.Length == 0)
        {
            throw new CliException(ExitCode.Usage, $"{Option} {value}: names no file; expected FILE, mem:SIZE or http://...");
        }

        return new SvirtbConfiguration
        {
            Image = list.First,
            ReadOnly = list.Flag("ro"),
            Format = DiskArgument.Format(Option, list),
            Chain = list.Value("chain") ?? "none",
            KeyFile = list.Value("key"),
            Layers = list.Value("layers")?.Split('+') ?? [],
            Overlay = DiskArgument.Overlay(Option, list),
            Stride = Stride($"{Option} {list.First}: stride is", list.Value("stride")),
            Address = list.Address("address", (int)SvirtbLimits.WindowBytes),
        };
    }

    private static int Stride(string what, string? value) => value switch
    {
        null or "32" => SvirtbLimits.CompiledStrideBytes,
        "28" => SvirtbLimits.WrittenStrideBytes,
        _ => throw new CliException(ExitCode.Usage, $"{what} '{value}', expected 32 or 28"),
    };
}
