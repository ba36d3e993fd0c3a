using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Eider.Testing;

namespace Eider.Cli.Tests.Packages;

/// <summary>
/// The libraries run wherever .NET does. What belongs to one system stands in classes that say so; the compiler (CA1416)
/// then demands a guard, and with it another way, wherever such a class is used.
/// </summary>
public sealed class PlatformTests
{
    private const string Command = "eider";

    // Comes along with .NET itself, on every system.
    private const string FrameworkPrefix = "libSystem.";

    private static readonly string[] Systems = ["linux", "macos", "windows"];

    public static TheoryData<string> Assemblies => [.. Libraries.Names, Command];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void A_call_into_a_library_of_the_system_stands_in_a_class_marked_for_its_system(string assembly)
    {
        var unmarked = PlatformCalls(assembly).Where(call => !IsMarked(call.Method.DeclaringType!))
            .Select(call => $"{call.Method.DeclaringType} calls {call.Library}");

        Assert.Empty(unmarked.Distinct());
    }

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void A_class_for_Linux_calls_no_library_of_another_system(string assembly)
    {
        var wrong = PlatformCalls(assembly)
            .Where(call => IsFor(call.Method.DeclaringType!, "windows") == IsOfUnix(call.Library))
            .Select(call => $"{call.Method.DeclaringType} calls {call.Library}");

        Assert.Empty(wrong.Distinct());
    }

    // Otherwise the two tests above could pass over an empty list.
    [Theory]
    [InlineData("Eider.Hardware", "libc")]
    [InlineData("Eider.Hardware", "kernel32")]
    [InlineData("Eider.Storage", "libc")]
    [InlineData("eider", "libc")]
    public void The_calls_are_found(string assembly, string library) =>
        Assert.Contains(PlatformCalls(assembly), call => call.Library == library);

    [Fact]
    public void Nobody_silences_the_analyzer_of_platforms()
    {
        string[] patterns = ["*.cs", "*.csproj", "*.props", "*.targets", ".editorconfig", ".globalconfig"];
        var files = Directory.EnumerateFiles(ProjectTree.Root).Concat(
            Directory.EnumerateFiles(Path.Combine(ProjectTree.Root, "src"), "*", SearchOption.AllDirectories));
        var silencing = files.Where(path => patterns.Any(pattern => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, Path.GetFileName(path))))
            .Where(path => File.ReadAllText(path).Contains("CA1416", StringComparison.Ordinal));

        Assert.Empty(silencing);
    }

    private static IEnumerable<(MethodInfo Method, string Library)> PlatformCalls(string assembly) =>
        from type in Assembly.Load(assembly).GetTypes()
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        let import = method.GetCustomAttribute<DllImportAttribute>()
        where import != null && !import.Value.StartsWith(FrameworkPrefix, StringComparison.Ordinal)
        select (method, import.Value);

    private static bool IsMarked(Type type) => Systems.Any(system => IsFor(type, system)) || IsNotForWindows(type);

    private static bool IsFor(Type type, string system) =>
        AndOuter(type).Any(one => one.GetCustomAttributes<SupportedOSPlatformAttribute>(inherit: false).Any(mark => mark.PlatformName == system));

    private static bool IsNotForWindows(Type type) =>
        AndOuter(type).Any(one => one.GetCustomAttributes<UnsupportedOSPlatformAttribute>(inherit: false).Any(mark => mark.PlatformName == "windows"));

    private static bool IsOfUnix(string library) => library.StartsWith("lib", StringComparison.Ordinal);

    private static IEnumerable<Type> AndOuter(Type type)
    {
        for (Type? one = type; one != null; one = one.DeclaringType)
        {
            yield return one;
        }
    }
}
