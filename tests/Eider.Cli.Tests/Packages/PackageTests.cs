using System.IO.Compression;
using System.Reflection.Metadata;
using System.Xml.Linq;
using Eider.Testing;

namespace Eider.Cli.Tests.Packages;

/// <summary>What <c>dotnet pack</c> makes, and whether a user can use it with nothing but that.</summary>
[Trait("Category", "Slow")]
public sealed class PackageTests(PackedTree packed) : IClassFixture<PackedTree>
{
    private const string Tool = "Eider";

    // Portable PDB format, "Embedded Source" of the custom debug information.
    private static readonly Guid EmbeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    private static IEnumerable<string> Ids => Libraries.Names.Append(Tool);

    [Fact]
    public void Every_library_and_the_tool_is_a_package_with_symbols_and_nothing_else_is()
    {
        var expected = Ids.SelectMany(id => new[] { packed.PathOf(id), packed.PathOf(id, "snupkg") });

        Assert.Equal(expected.Order(StringComparer.Ordinal), Directory.EnumerateFiles(packed.Packages).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_version_is_the_one_of_the_root_with_the_suffix_that_was_asked_for()
    {
        var prefix = XDocument.Parse(ProjectTree.Read("Directory.Build.props")).Descendants("VersionPrefix").Single().Value;
        var others = Directory.EnumerateFiles(Path.Combine(ProjectTree.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Where(path => File.ReadAllText(path).Contains("<Version", StringComparison.Ordinal));

        Assert.StartsWith(prefix + "-test", packed.Version, StringComparison.Ordinal);
        Assert.Empty(others);
    }

    [Fact]
    public void Each_package_has_licence_readme_description_tags_and_authors()
    {
        foreach (var id in Ids)
        {
            using var package = ZipFile.OpenRead(packed.PathOf(id));
            var metadata = Metadata(package, id);

            Assert.Equal("MIT", metadata["license"]);
            Assert.Equal("README.md", metadata["readme"]);
            Assert.Equal("The Eider authors", metadata["authors"]);
            Assert.InRange(metadata["description"].Length, 40, 200);
            Assert.InRange(metadata["tags"].Split(' ').Length, 3, 8);
            Assert.StartsWith($"# {id}\n", Text(package, "README.md"), StringComparison.Ordinal);
            Assert.Equal(ProjectTree.Read("LICENSE"), Text(package, "LICENSE"));
        }
    }

    [Fact]
    public void Each_library_has_its_assembly_its_documentation_and_no_other_file()
    {
        foreach (var id in Libraries.Names)
        {
            using var package = ZipFile.OpenRead(packed.PathOf(id));

            Assert.Equal(
                [$"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml"],
                package.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        }
    }

    // The engines use internals of Eider.Hardware.
    [Fact]
    public void Each_library_asks_for_exactly_its_own_version_of_the_others()
    {
        var asked = 0;
        foreach (var id in Libraries.Names)
        {
            using var package = ZipFile.OpenRead(packed.PathOf(id));
            var ours = Specification(package, id).Descendants().Where(element => element.Name.LocalName == "dependency"
                && element.Attribute("id")!.Value.StartsWith("Eider", StringComparison.Ordinal)).ToArray();

            Assert.All(ours, element => Assert.Equal($"[{packed.Version}]", element.Attribute("version")!.Value));
            asked += ours.Length;
        }

        Assert.True(asked >= 8, $"only {asked} dependencies were found");
    }

    [Fact]
    public void The_symbols_hold_every_source_and_no_path_of_this_machine()
    {
        foreach (var id in Libraries.Names)
        {
            using var package = ZipFile.OpenRead(packed.PathOf(id, "snupkg"));
            using var bytes = new MemoryStream();
            using (var symbols = package.GetEntry($"lib/net10.0/{id}.pdb")!.Open())
            {
                symbols.CopyTo(bytes);
            }

            bytes.Position = 0;
            using var provider = MetadataReaderProvider.FromPortablePdbStream(bytes);
            var reader = provider.GetMetadataReader();
            foreach (var handle in reader.Documents)
            {
                var name = reader.GetString(reader.GetDocument(handle).Name);
                Assert.StartsWith("/_/", name, StringComparison.Ordinal);
                Assert.True(
                    reader.GetCustomDebugInformation(handle)
                        .Any(one => reader.GetGuid(reader.GetCustomDebugInformation(one).Kind) == EmbeddedSource),
                    $"{id}: the source of {name} is not in the symbols");
            }
        }
    }

    [Fact]
    public async Task The_same_sources_give_the_same_bytes_in_another_folder()
    {
        using var folder = new TemporaryFolder();
        var suffix = packed.Version[(packed.Version.IndexOf('-', StringComparison.Ordinal) + 1)..];
        await DotnetCommand.RunAsync(
            ProjectTree.Root,
            "dotnet",
            ["pack", "src/Eider.Hardware", "--configuration", "Release", "--version-suffix", suffix, "--artifacts-path", folder.At("a/longer/path"), "--disable-build-servers", "--nologo"]);

        const string Built = "Eider.Hardware/release/Eider.Hardware.dll";
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(packed.Binaries, Built), TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(Path.Combine(folder.At("a/longer/path/bin"), Built), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_tool_installs_from_the_folder_alone_and_runs_its_demo()
    {
        using var folder = new TemporaryFolder();
        WriteSources(folder);
        await DotnetCommand.RunAsync(
            folder.Path,
            "dotnet",
            ["tool", "install", Tool, "--version", packed.Version, "--tool-path", folder.At("tools"), "--configfile", folder.At("nuget.config")],
            ("NUGET_PACKAGES", folder.At("packages")));

        var version = await DotnetCommand.RunAsync(folder.Path, folder.At("tools/eider"), ["--version"]);
        var demo = await DotnetCommand.RunAsync(folder.Path, folder.At("tools/eider"), ["demo"]);

        Assert.Equal(packed.Version + "\n", version);
        Assert.Contains("demo: all is well\n", demo, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_program_of_the_document_builds_against_the_packages_and_runs()
    {
        using var folder = new TemporaryFolder();
        WriteSources(folder);
        File.Copy(Path.Combine(ProjectTree.Root, "examples/first-machine/Program.cs"), folder.At("Program.cs"));
        await File.WriteAllTextAsync(
            folder.At("FirstMachine.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Eider.Machines" Version="{packed.Version}" />
              </ItemGroup>
            </Project>
            """,
            TestContext.Current.CancellationToken);
        await DotnetCommand.RunAsync(
            folder.Path, "dotnet", ["build", "--output", folder.At("out"), "--disable-build-servers", "--nologo"], ("NUGET_PACKAGES", folder.At("packages")));

        var guest = Path.Combine(ProjectTree.Root, "guests/demo/demo.elf");
        var output = await DotnetCommand.RunAsync(folder.Path, folder.At("out/FirstMachine"), [guest]);

        Assert.Contains("demo: all is well\n", output, StringComparison.Ordinal);
        Assert.EndsWith("PoweredOff, 12 requests\n", output, StringComparison.Ordinal);
    }

    // The packages and nothing else; what other people wrote was restored before these tests could be built.
    private void WriteSources(TemporaryFolder folder)
    {
        var restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var configuration = new XElement(
            "configuration",
            new XElement("packageSources", new XElement("clear"), Add("packed", packed.Packages)),
            new XElement("fallbackPackageFolders", new XElement("clear"), Add("restored", restored)));
        File.WriteAllText(folder.At("nuget.config"), configuration.ToString());
    }

    private static XElement Add(string key, string value) => new("add", new XAttribute("key", key), new XAttribute("value", value));

    private static Dictionary<string, string> Metadata(ZipArchive package, string id) =>
        Specification(package, id).Descendants().Where(element => !element.HasElements).GroupBy(element => element.Name.LocalName)
            .ToDictionary(group => group.Key, group => group.First().Value);

    private static XDocument Specification(ZipArchive package, string id)
    {
        using var stream = package.GetEntry(id + ".nuspec")!.Open();
        return XDocument.Load(stream);
    }

    private static string Text(ZipArchive package, string name)
    {
        using var reader = new StreamReader(package.GetEntry(name)!.Open());
        return reader.ReadToEnd();
    }
}
