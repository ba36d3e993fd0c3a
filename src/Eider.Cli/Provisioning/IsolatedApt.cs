using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>
/// The system's package manager with lists, state, cache and configuration of its own, for another architecture.
/// Nothing of the machine's is written; of its configuration only how to reach and to trust a mirror is read
/// (proxy, credentials, keyring, how old an index may be). apt checks the archive's signature and every file's checksum.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class IsolatedApt
{
    private const string StatusPrefix = "dlstatus:";

    private readonly string _directory;
    private readonly HostTool _get;
    private readonly HostTool _cache;
    private readonly Dictionary<string, string> _environment;

    private IsolatedApt(string directory, HostTool get, HostTool cache)
    {
        _directory = directory;
        _get = get;
        _cache = cache;
        _environment = new Dictionary<string, string> { ["APT_CONFIG"] = Path.Combine(directory, "apt.conf") };
    }

    /// <summary>Writes the configuration below a folder of ours.</summary>
    /// <param name="directory">The folder; made if needed.</param>
    /// <param name="architecture">Debian's name of the architecture, such as <c>riscv64</c>.</param>
    /// <param name="suites">Suites, parted by spaces.</param>
    /// <param name="source">Mirror and keyring.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task<IsolatedApt> CreateAsync(
        string directory, string architecture, string suites, AptSource source, CancellationToken cancellationToken)
    {
        var get = HostTool.Find("apt-get", "apt");
        var cache = HostTool.Find("apt-cache", "apt");
        foreach (var folder in (string[])["state/lists/partial", "cache/archives/partial", "etc/sources.list.d",
            "etc/apt.conf.d", "etc/preferences.d", "etc/trusted.gpg.d"])
        {
            Directory.CreateDirectory(Path.Combine(directory, folder));
        }

        var status = Path.Combine(directory, "state/status");
        await File.WriteAllTextAsync(status, "", cancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(directory, "etc/sources.list.d/eider.sources"),
            $"Types: deb\nURIs: {source.Uri}\nSuites: {suites}\nComponents: main\n"
                + $"Architectures: {architecture}\nSigned-By: {source.Keyring}\n",
            cancellationToken);
        await WritePrivateAsync(
            Path.Combine(directory, "apt.conf"),
            Configuration(directory, architecture) + await HowToReachMirrorsAsync(cancellationToken),
            cancellationToken);
        return new IsolatedApt(directory, get, cache);
    }

    /// <summary>Fetches the lists.</summary>
    /// <exception cref="CliException">No network, no such suite, or the signature does not hold.</exception>
    public Task UpdateAsync(Action<double> progress, CancellationToken cancellationToken) =>
        _get.RunAsync(
            ["-q", "-o", "APT::Status-Fd=1", "-o", "APT::Update::Error-Mode=any", "update"],
            cancellationToken, _environment, onLine: line => Report(line, progress));

    /// <summary>The newest version's control paragraph of a package.</summary>
    /// <exception cref="CliException">The suite has no such package.</exception>
    public async Task<ControlParagraph> ShowAsync(string package, CancellationToken cancellationToken)
    {
        var text = await _cache.RunAsync(["show", "--no-all-versions", package], cancellationToken, _environment);
        return ControlParagraph.ParseAll(text).FirstOrDefault(paragraph => paragraph["Filename"] != null)
            ?? throw new CliException(ExitCode.Unavailable, $"{package}: the mirror's lists have no such package");
    }

    /// <summary>Downloads packages into a folder; apt checks each against the signed list.</summary>
    public Task DownloadAsync(
        IReadOnlyList<string> packages, string folder, Action<double> progress, CancellationToken cancellationToken) =>
        _get.RunAsync(
            ["-q", "-o", "APT::Status-Fd=1", "download", .. packages],
            cancellationToken, _environment, folder, line => Report(line, progress));

    /// <summary>Frees the lists; they are fetched anew for an update.</summary>
    public void DropLists() => Directory.Delete(_directory, recursive: true);

    private static void Report(string line, Action<double> progress)
    {
        // dlstatus:<item>:<percent>:<text>
        if (line.StartsWith(StatusPrefix, StringComparison.Ordinal)
            && line.Split(':') is [_, _, var percent, ..]
            && double.TryParse(percent, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
        {
            progress(value / 100);
        }
    }

    private static string Configuration(string directory, string architecture)
    {
        var text = new StringBuilder();
        void Set(string name, string value) =>
            text.Append(CultureInfo.InvariantCulture, $"{name} \"{value.Replace("\"", "", StringComparison.Ordinal)}\";\n");
        Set("Dir::State", Path.Combine(directory, "state"));
        Set("Dir::State::status", Path.Combine(directory, "state/status"));
        Set("Dir::Cache", Path.Combine(directory, "cache"));
        Set("Dir::Etc", Path.Combine(directory, "etc"));
        Set("Dir::Etc::netrc", "/etc/apt/auth.conf");
        Set("Dir::Etc::netrcparts", "/etc/apt/auth.conf.d");
        Set("APT::Architecture", architecture);
        text.Append(CultureInfo.InvariantCulture, $"APT::Architectures {{ \"{architecture}\"; }};\n");
        Set("APT::Install-Recommends", "false");
        // The folder is this user's alone: apt's own user could not write there.
        Set("APT::Sandbox::User", Environment.UserName);
        Set("Acquire::Languages", "none");
        Set("Acquire::Retries", "3");
        return text.ToString();
    }

    // Host hooks (Pre-Invoke and the like) and folders must not come along, so the settings are picked by name.
    private static async Task<string> HowToReachMirrorsAsync(CancellationToken cancellationToken)
    {
        var dump = await HostTool.Find("apt-config", "apt").RunAsync(["dump"], cancellationToken);
        string[] wanted = ["Acquire::http::", "Acquire::https::", "Acquire::Check-Valid-Until ", "Acquire::Check-Date "];
        var lines = dump.Split('\n').Where(line =>
            wanted.Any(prefix => line.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)));
        return string.Join('\n', lines) + "\n";
    }

    // A proxy's address may hold a password.
    private static async Task WritePrivateAsync(string path, string text, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        await using var writer = new StreamWriter(path, options);
        await writer.WriteAsync(text.AsMemory(), cancellationToken);
    }
}
