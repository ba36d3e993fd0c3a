using Eider.Cli.Errors;

namespace Eider.Cli.Images;

/// <summary>How written data become durable; the names and meanings are those of qemu-img's <c>-t</c>.</summary>
/// <param name="IsDirect">True to go round the page cache.</param>
/// <param name="IsFlushed">True if all is durable at the end of the command.</param>
/// <param name="IsWriteThrough">True if each write is durable before the next one.</param>
internal sealed record CacheMode(bool IsDirect, bool IsFlushed, bool IsWriteThrough)
{
    /// <summary>The modes, for help.</summary>
    public const string Names = "none|writeback|writethrough|directsync|unsafe";

    /// <summary>Through the page cache, flushed at the end.</summary>
    public static CacheMode Writeback { get; } = new(false, true, false);

    /// <summary>The mode of a name.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public static CacheMode Parse(string option, string name) =>
        Find(name) ?? throw new CliException(ExitCode.Usage, $"{option} {name}: expected one of {Names}");

    /// <summary>The mode of a name; null if there is none.</summary>
    public static CacheMode? Find(string name) => name switch
    {
        "writeback" => Writeback,
        "none" or "off" => new CacheMode(true, true, false),
        "writethrough" => new CacheMode(false, true, true),
        "directsync" => new CacheMode(true, true, true),
        "unsafe" => new CacheMode(false, false, false),
        _ => null,
    };
}
