using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>Fetches a release's kernel and root packages once, and knows afterwards what lies there.</summary>
/// <param name="directory">The release's folder in the cache.</param>
/// <param name="release">The suite, such as <c>trixie</c>.</param>
[SupportedOSPlatform("linux")]
internal sealed partial class PackageFetcher(string directory, string release)
{
    private const string Architecture = "riscv64";
    private const string KernelPackage = "linux-image-riscv64";

    private static readonly string[] RootPackages = ["busybox-static"];

    /// <summary>Folder of the package files.</summary>
    public string PackagesDirectory => Path.Combine(directory, "packages");

    private string SetFile => Path.Combine(directory, "packages.json");

    /// <summary>What lies in the cache, complete and unchanged in size; null if it has to be fetched.</summary>
    public PackageSet? Cached()
    {
        if (!File.Exists(SetFile))
        {
            return null;
        }

        try
        {
            var set = JsonSerializer.Deserialize(File.ReadAllText(SetFile), ProvisioningJson.Default.PackageSet);
            var complete = set != null && set.Kernel.Concat(set.Root).All(package =>
                new FileInfo(Path.Combine(PackagesDirectory, package.File)) is { Exists: true } file
                && file.Length == package.SizeBytes);
            return complete ? set : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Fetches lists and packages.</summary>
    /// <exception cref="CliException">A tool, the mirror or the network fails, or a checksum does not fit.</exception>
    public async Task<PackageSet> FetchAsync(IProgressReport progress, CancellationToken cancellationToken)
    {
        var source = AptSource.OfMachine("/etc/apt");
        var apt = await progress.RunAsync(
            $"package lists of Debian {release} for {Architecture}",
            share => UpdatedAptAsync(source, share, cancellationToken));
        var kernel = await KernelPackagesAsync(apt, cancellationToken);
        var root = new List<ControlParagraph>();
        foreach (var name in RootPackages)
        {
            root.Add(await apt.ShowAsync(name, cancellationToken));
        }

        Directory.CreateDirectory(PackagesDirectory);
        var wanted = kernel.Concat(root).ToList();
        var bytes = wanted.Sum(SizeBytes);
        await progress.RunAsync(
            $"{wanted.Count} packages, {bytes / 1_000_000} MB",
            async share =>
            {
                var names = wanted.Select(package => $"{package["Package"]}={package["Version"]}").ToList();
                await apt.DownloadAsync(names, PackagesDirectory, share, cancellationToken);
                return 0;
            });
        var set = new PackageSet(
            release, source.Uri,
            [.. kernel.Select(Verify)],
            [.. root.Select(Verify)]);
        await AtomicFile.WriteTextAsync(
            SetFile, JsonSerializer.Serialize(set, ProvisioningJson.Default.PackageSet), cancellationToken);
        apt.DropLists();
        return set;
    }

    /// <summary>Checks a file of the cache against the checksum that was kept.</summary>
    /// <exception cref="CliException">The file is not what was fetched.</exception>
    public string Checked(FetchedPackage package)
    {
        var path = Path.Combine(PackagesDirectory, package.File);
        using var stream = File.OpenRead(path);
        var found = Convert.ToHexStringLower(SHA256.HashData(stream));
        return found == package.Sha256
            ? path
            : throw new CliException(
                ExitCode.BadInput,
                $"{path}: SHA-256 is {found}, expected {package.Sha256}; remove it and run quickstart again");
    }

    private static long SizeBytes(ControlParagraph package) =>
        long.TryParse(package["Size"], out var size) ? size : 0;

    private async Task<IsolatedApt> UpdatedAptAsync(
        AptSource source, Action<double> share, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(directory, "apt");
        var apt = await IsolatedApt.CreateAsync(folder, Architecture, release, source, cancellationToken);
        try
        {
            await apt.UpdateAsync(share, cancellationToken);
            return apt;
        }
        catch (CliException failure) when (IsUnknownKey(failure.Message))
        {
            // An older machine does not know a newer release's key; its own release has the keys as a package,
            // signed by keys that it does know.
            var keyring = await NewerKeyringAsync(source, cancellationToken);
            apt = await IsolatedApt.CreateAsync(
                folder, Architecture, release, source with { SignedBy = keyring }, cancellationToken);
            await apt.UpdateAsync(share, cancellationToken);
            return apt;
        }
    }

    private static bool IsUnknownKey(string message) =>
        message.Contains("NO_PUBKEY", StringComparison.Ordinal) || message.Contains("Missing key", StringComparison.Ordinal);

    private async Task<string> NewerKeyringAsync(AptSource source, CancellationToken cancellationToken)
    {
        var native = await HostTool.Find("dpkg", "dpkg").RunAsync(["--print-architecture"], cancellationToken);
        var suites = string.Join(' ', source.Suites);
        var apt = await IsolatedApt.CreateAsync(
            Path.Combine(directory, "apt-keyring"), native.Trim(), suites, source, cancellationToken);
        await apt.UpdateAsync(_ => { }, cancellationToken);
        Directory.CreateDirectory(PackagesDirectory);
        await apt.DownloadAsync(["debian-archive-keyring"], PackagesDirectory, _ => { }, cancellationToken);
        apt.DropLists();
        var package = Directory.GetFiles(PackagesDirectory, "debian-archive-keyring_*.deb").Order(StringComparer.Ordinal).Last();
        var keyring = Path.Combine(directory, "debian-archive-keyring.gpg");
        await DebPackage.VisitAsync(
            package,
            entry =>
            {
                if (entry.Path == "usr/share/keyrings/debian-archive-keyring.gpg" && entry.Content != null)
                {
                    using var file = File.Create(keyring);
                    entry.Content.CopyTo(file);
                }
            },
            cancellationToken);
        return keyring;
    }

    private static async Task<List<ControlParagraph>> KernelPackagesAsync(IsolatedApt apt, CancellationToken cancellationToken)
    {
        // The meta package names this week's kernel; newer releases part it into image, modules and base.
        var found = new List<ControlParagraph>();
        var open = new Queue<string>([KernelPackage]);
        var seen = new HashSet<string>([KernelPackage]);
        while (open.TryDequeue(out var name))
        {
            var package = await apt.ShowAsync(name, cancellationToken);
            if (name != KernelPackage)
            {
                found.Add(package);
            }

            foreach (var dependency in DependencyNames(package["Depends"]).Where(text => IsKernelPart().IsMatch(text)).Where(seen.Add))
            {
                open.Enqueue(dependency);
            }
        }

        return found.Count > 0
            ? found
            : throw new CliException(ExitCode.Unavailable, $"{KernelPackage}: names no kernel in its Depends field");
    }

    private static IEnumerable<string> DependencyNames(string? depends) =>
        (depends ?? "").Split(',').Select(item => item.Trim().Split(' ', '|', ':')[0]).Where(name => name.Length > 0);

    private FetchedPackage Verify(ControlParagraph package)
    {
        var name = package["Package"]!;
        var version = package["Version"]!;

        // apt writes the epoch's colon as %3a (debian-policy, file names).
        var file = $"{name}_{version.Replace(":", "%3a", StringComparison.Ordinal)}_{package["Architecture"]}.deb";
        var checksum = package["SHA256"]
            ?? throw new CliException(ExitCode.Unavailable, $"{name}: the mirror's list has no SHA-256 for it");
        var fetched = new FetchedPackage(name, version, file, SizeBytes(package), checksum);
        Checked(fetched);
        return fetched;
    }

    [GeneratedRegex("^linux-(image|binary|modules|base)-[0-9]")]
    private static partial Regex IsKernelPart();
}
