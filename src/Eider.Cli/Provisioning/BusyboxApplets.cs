using System.Text;
using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>The names that a busybox program answers to, read from it: it is another machine's and cannot be asked.</summary>
internal static class BusyboxApplets
{
    private static readonly string[] Needed =
        ["sh", "mount", "dd", "awk", "sha256sum", "readlink", "insmod", "poweroff", "switch_root", "setsid", "head"];

    /// <summary>All applets, in order.</summary>
    /// <param name="program">The busybox file's bytes: it holds one sorted table of names that NUL ends, from <c>[</c> on.</param>
    /// <exception cref="CliException">No such table, or one without the programs that the guest promises.</exception>
    public static IReadOnlyList<string> Read(ReadOnlySpan<byte> program)
    {
        var start = program.IndexOf("[\0[[\0"u8);
        var names = new List<string>();
        while (start >= 0 && program[start..].IndexOf((byte)0) is var length and > 0)
        {
            var name = Encoding.ASCII.GetString(program.Slice(start, length));
            if (names.Count > 0 && string.CompareOrdinal(names[^1], name) >= 0)
            {
                break;
            }

            names.Add(name);
            start += length + 1;
        }

        var missing = Needed.Except(names).ToList();
        return missing.Count == 0
            ? names
            : throw new CliException(
                ExitCode.Unavailable, $"busybox: its table of programs lacks {string.Join(", ", missing)}");
    }
}
