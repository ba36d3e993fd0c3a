using System.Reflection;
using System.Runtime.CompilerServices;
using Eider.Testing;

namespace Eider.Cli.Tests.Packages;

/// <summary>The libraries that are packed: every project below src/ but the command.</summary>
internal static class Libraries
{
    private const string Command = "Eider.Cli";

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.EnumerateFiles(Path.Combine(ProjectTree.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetFileNameWithoutExtension(path)!).Where(name => name != Command).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Data => [.. Names];

    public static Assembly Load(string name) => Assembly.Load(name);

    /// <summary>What a user of the library can name: public, or protected in a type that can be derived from.</summary>
    public static IEnumerable<Type> VisibleTypes(Assembly assembly) => assembly.GetTypes().Where(IsVisible);

    /// <summary>Visible members that the type declares itself and that somebody wrote; accessors stand with their property or event.</summary>
    public static IEnumerable<MemberInfo> VisibleMembers(Type type) =>
        type.GetMembers(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Where(member => member switch
            {
                MethodBase method => IsVisible(method) && IsWritten(method),
                FieldInfo field => (field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly) && !field.IsSpecialName,
                PropertyInfo property => !IsGenerated(property) && property.GetAccessors(nonPublic: true).Any(IsVisible),
                EventInfo { AddMethod: { } add } => IsVisible(add),
                _ => false,
            });

    public static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsVisible(Type type) =>
        type.DeclaringType is { } outer
            ? IsVisible(outer) && (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem)
            : type.IsPublic;

    // The compiler writes the members of records and the accessors of automatic properties.
    private static bool IsWritten(MethodBase method) =>
        !IsGenerated(method)
        && (!method.IsSpecialName || method.IsConstructor || method.Name.StartsWith("op_", StringComparison.Ordinal));

    private static bool IsGenerated(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);
}
