namespace Eider.Cli.Provisioning;

/// <summary>What was fetched for one release; kept beside the files as <c>packages.json</c>.</summary>
/// <param name="Release">The suite, such as <c>trixie</c>.</param>
/// <param name="Mirror">Where it came from.</param>
/// <param name="Kernel">Packages of the kernel.</param>
/// <param name="Root">Packages of the root file system.</param>
internal sealed record PackageSet(
    string Release, string Mirror, IReadOnlyList<FetchedPackage> Kernel, IReadOnlyList<FetchedPackage> Root);
