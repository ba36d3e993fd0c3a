using Eider.Cli.Errors;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary>The value of <c>--mmap</c>.</summary>
internal static class MmapArgument
{
    /// <summary>Help of the option.</summary>
    public const string Help =
        "A part of a file in the guest's address space (ducky's mmap): FILE,address=0xN,size=N, with offset=N, access=r|rw|rx|x|rwx (default r), shared "
        + "(what the guest writes goes to the file). Multiples of 4096 are RAM, others (of 256) are reached access by access.";

    private const string Option = "--mmap";

    /// <summary>Reads one value.</summary>
    /// <exception cref="CliException">A setting is unknown or has a bad value.</exception>
    public static MappedFileConfiguration Parse(string value)
    {
        var list = CommaList.Parse(Option, value, "address", "size", "offset", "access", "shared");
        return list.First.Length == 0
            ? throw new CliException(ExitCode.Usage, $"{Option} {value}: names no file; expected FILE,address=0xN,size=N")
            : new MappedFileConfiguration
            {
                File = list.First,
                Address = list.Address("address", 256),
                Size = Size(list, "size"),
                Offset = Size(list, "offset"),
                Access = list.Value("access") ?? "r",
                Shared = list.Flag("shared"),
            };
    }

    private static ByteSize Size(CommaList list, string key)
    {
        var size = default(ByteSize);
        return list.Value(key) is not { } text || ByteSize.TryParse(text, out size)
            ? size
            : throw new CliException(ExitCode.Usage, $"{Option} {list.First}: {key} is '{text}', expected a number of bytes such as 16K");
    }
}
