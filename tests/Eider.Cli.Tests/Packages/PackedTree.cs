using Eider.Testing;

namespace Eider.Cli.Tests.Packages;

/// <summary>
/// All packages, made once out of these sources. The version is one that no other build has, so that no cache of packages
/// gives an older one instead.
/// </summary>
public sealed class PackedTree : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Version of all packages.</summary>
    public string Version { get; private set; } = "";

    /// <summary>Where the packages lie, and nothing else.</summary>
    public string Packages => _folder.At("out/package/release");

    /// <summary>What the command was built to, for other projects to be compared.</summary>
    public string Binaries => _folder.At("out/bin");

    /// <summary>The package of an id, or its symbols.</summary>
    public string PathOf(string id, string extension = "nupkg") => Path.Combine(Packages, $"{id}.{Version}.{extension}");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        var suffix = $"test{Guid.NewGuid():N}";
        // Without build servers: they would inherit our pipes and keep them open.
        await DotnetCommand.RunAsync(
            ProjectTree.Root,
            "dotnet",
            ["pack", "Eider.slnx", "--configuration", "Release", "--version-suffix", suffix, "--artifacts-path", _folder.At("out"), "--disable-build-servers", "--nologo"]);
        var tool = Path.GetFileNameWithoutExtension(Directory.EnumerateFiles(Packages, $"Eider.?.*{suffix}.nupkg").Single());
        Version = tool["Eider.".Length..];
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
