using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>Whether this machine can fetch Debian packages by itself.</summary>
internal static class DebianRelease
{
    private const int OldestSupported = 12;

    /// <summary>Refuses machines other than Debian 12 and later, and says which options work there instead.</summary>
    /// <param name="osRelease">The text of <c>/etc/os-release</c>, or null if there is none.</param>
    /// <exception cref="CliException">Another system.</exception>
    public static void Require(string? osRelease)
    {
        var fields = (osRelease ?? "").Split('\n')
            .Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2)
            .ToLookup(pair => pair[0].Trim(), pair => pair[1].Trim().Trim('"', '\''));
        var id = fields["ID"].FirstOrDefault() ?? "";
        var version = fields["VERSION_ID"].FirstOrDefault();

        // Testing and unstable have no number.
        if (id == "debian" && (version == null || (int.TryParse(version, out var number) && number >= OldestSupported)))
        {
            return;
        }

        var name = fields["PRETTY_NAME"].FirstOrDefault() ?? "this system";
        throw new CliException(
            ExitCode.Unavailable,
            $"quickstart fetches its guest on Debian {OldestSupported} or later, and this is {name}; "
            + "pass your own: eider run --kernel IMAGE --initrd INITRD --disk ROOT.img");
    }
}
