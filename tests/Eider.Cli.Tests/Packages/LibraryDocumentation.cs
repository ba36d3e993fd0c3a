using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Eider.Cli.Tests.Packages;

/// <summary>The XML documentation that a library ships, by member.</summary>
internal sealed partial class LibraryDocumentation
{
    private static readonly XElement Nothing = new("member");

    private readonly Dictionary<string, XElement> _members;

    public LibraryDocumentation(string library)
    {
        var assembly = Libraries.Load(library);
        _members = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value);
        Types = [.. Libraries.VisibleTypes(assembly)];
        Members = [.. Types.Where(type => !typeof(Delegate).IsAssignableFrom(type)).SelectMany(Libraries.VisibleMembers).Where(member => !IsWrittenByTheCompiler(member))];
    }

    public IReadOnlyList<Type> Types { get; }

    /// <summary>The members that somebody wrote, each with text of its own or with that of what it overrides.</summary>
    public IReadOnlyList<MemberInfo> Members { get; }

    /// <summary>What stands over a member; an empty element if nothing does.</summary>
    public XElement Of(MemberInfo member) => _members.GetValueOrDefault(DocumentationIds.Of(member)) ?? Nothing;

    /// <summary>True if all is said by what the member overrides.</summary>
    public bool IsInherited(MemberInfo member) => Of(member).Elements("inheritdoc").Any(one => one.Attribute("path") == null);

    /// <summary>The text over a member, with what it refers to.</summary>
    public string TextOf(MemberInfo member) => Text(Of(member));

    /// <summary>
    /// What is said of a parameter: in its own entry, by name in the method's text, by another method's, or by name over
    /// the type where many methods share it.
    /// </summary>
    public string TextOf(MethodBase method, string parameter)
    {
        var (member, type) = (Of(method), Of(method.DeclaringType!));
        var entry = member.Elements("param").Concat(type.Elements("param")).FirstOrDefault(one => one.Attribute("name")!.Value == parameter);
        if (entry != null)
        {
            return Text(entry);
        }

        var isNamed = member.Descendants("paramref").Any(one => one.Attribute("name")!.Value == parameter)
            || member.Elements("inheritdoc").Any(one => one.Attribute("path")?.Value == "/param");
        return isNamed ? TextOf(method) : type.Descendants("c").Any(one => one.Value == parameter) ? Text(type) : "";
    }

    private static string Text(XElement element) =>
        Spaces().Replace(string.Concat(element.DescendantNodes().Select(node => node switch
        {
            XText text => text.Value,
            XElement { IsEmpty: true } reference => " " + reference.Attributes().FirstOrDefault()?.Value,
            _ => "",
        })), " ").Trim();

    // Constructors that nobody wrote, and the properties of positional records: their text stands over the type.
    private bool IsWrittenByTheCompiler(MemberInfo member) => !_members.ContainsKey(DocumentationIds.Of(member)) && member switch
    {
        ConstructorInfo => true,
        PropertyInfo property => property.DeclaringType!.GetConstructors().Any(one => one.GetParameters().Any(parameter => parameter.Name == property.Name)),
        _ => false,
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
