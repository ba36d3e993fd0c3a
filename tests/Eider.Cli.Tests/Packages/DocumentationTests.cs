using System.Reflection;
using System.Text.RegularExpressions;
using Eider.Hardware.Bus;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Eider.Cli.Tests.Packages;

/// <summary>
/// The documentation of the public surface: what each thing is, the unit of each quantity, the errors of each member that
/// throws, the source of what somebody else specified. That there is any text at all is up to the compiler (CS1591).
/// </summary>
public sealed partial class DocumentationTests
{
    /// <summary>From so many on, the names alone do not say enough.</summary>
    private const int ParametersToDescribe = 3;

    private static readonly Type[] Numbers = [typeof(int), typeof(uint), typeof(long), typeof(ulong), typeof(ushort), typeof(double)];

    [Theory]
    [MemberData(nameof(Libraries.Data), MemberType = typeof(Libraries))]
    public void Every_summary_is_a_sentence(string library)
    {
        var documentation = new LibraryDocumentation(library);
        var bad = documentation.Types.Concat(documentation.Members).Where(member => !documentation.IsInherited(member)
            && documentation.Of(member).Element("summary")?.Value.Trim() is not [_, .., '.' or ':' or ')']);

        AssertNone(bad.Select(DocumentationIds.Of), "has no summary that is a sentence");
    }

    [Theory]
    [MemberData(nameof(Libraries.Data), MemberType = typeof(Libraries))]
    public void Many_parameters_are_described_over_the_method_or_its_type(string library)
    {
        var documentation = new LibraryDocumentation(library);
        var bad = from method in documentation.Members.OfType<MethodBase>().Where(method => !documentation.IsInherited(method))
                  let parameters = method.GetParameters().Where(parameter => parameter.ParameterType != typeof(CancellationToken)).ToArray()
                  where parameters.Length >= ParametersToDescribe
                  from parameter in parameters
                  where documentation.TextOf(method, parameter.Name!).Length == 0
                  select $"{DocumentationIds.Of(method)} {parameter.Name}";

        AssertNone(bad, "is not described");
    }

    [Theory]
    [MemberData(nameof(Libraries.Data), MemberType = typeof(Libraries))]
    public void Every_quantity_says_its_unit_in_its_name_or_its_text(string library)
    {
        var documentation = new LibraryDocumentation(library);
        var values = documentation.Members.Where(member => !documentation.IsInherited(member) && ValueType(member) is { } type && IsQuantity(type, member.Name))
            .Select(member => (Where: DocumentationIds.Of(member), Text: $"{member.Name} {documentation.TextOf(member)}"));
        var parameters = from method in documentation.Members.OfType<MethodBase>().Where(method => !documentation.IsInherited(method))
                         from parameter in method.GetParameters().Where(parameter => IsQuantity(parameter.ParameterType, parameter.Name!))
                         select (Where: $"{DocumentationIds.Of(method)} {parameter.Name}",
                             Text: $"{parameter.Name} {documentation.TextOf(method, parameter.Name!)} {documentation.TextOf(method)}");

        AssertNone(values.Concat(parameters).Where(one => !Unit().IsMatch(one.Text)).Select(one => one.Where), "has no unit");
    }

    // What is thrown right there; what comes from further below is up to the writer.
    [Theory]
    [MemberData(nameof(Libraries.Data), MemberType = typeof(Libraries))]
    public void Every_member_that_throws_says_what_and_when(string library)
    {
        var documentation = new LibraryDocumentation(library);
        using var module = ModuleDefinition.ReadModule(Libraries.Load(library).Location);
        var bad = from member in documentation.Members.Where(member => !documentation.IsInherited(member))
                  from thrown in Bodies(member).SelectMany(body => Thrown(module, body))
                  where !documentation.Of(member).Elements("exception").Any(one => one.Attribute("cref")!.Value == "T:" + thrown && one.Value.Length > 0)
                  select $"{DocumentationIds.Of(member)} throws {thrown} and";

        AssertNone(bad.Distinct(), "does not say when");
    }

    [Theory]
    [InlineData("Eider.Devices")]
    [InlineData("Eider.RiscV")]
    public void Every_device_and_every_set_of_values_names_who_specified_it(string library)
    {
        var documentation = new LibraryDocumentation(library);
        var bad = documentation.Types.Where(type => (type.IsEnum || typeof(IDeviceIo).IsAssignableFrom(type))
            && !Source().IsMatch(string.Join(' ', Libraries.VisibleMembers(type).Prepend(type).Select(documentation.TextOf))));

        AssertNone(bad.Select(DocumentationIds.Of), "names no source");
    }

    private static void AssertNone(IEnumerable<string> bad, string what)
    {
        var all = bad.Order(StringComparer.Ordinal).ToArray();
        Assert.True(all.Length == 0, string.Join('\n', all.Select(one => $"{one} {what}")));
    }

    private static Type? ValueType(MemberInfo member) => member switch
    {
        PropertyInfo property => property.PropertyType,
        FieldInfo field when !field.DeclaringType!.IsEnum => field.FieldType,
        _ => null,
    };

    private static bool IsQuantity(Type type, string name) =>
        Numbers.Contains(Nullable.GetUnderlyingType(type) ?? type) && Quantity().IsMatch(name);

    private static IEnumerable<MethodBase> Bodies(MemberInfo member) => member switch
    {
        MethodBase method => [method],
        PropertyInfo property => property.GetAccessors(nonPublic: true),
        _ => [],
    };

    private static IEnumerable<string> Thrown(ModuleDefinition module, MethodBase method)
    {
        var definition = (MethodDefinition)module.LookupToken(method.MetadataToken);
        var body = definition.HasBody ? definition.Body : null;
        return body == null ? [] : body.Instructions.Where(one => !IsCaught(body, one)).Select(Thrown).OfType<string>();
    }

    // Of the helpers that throw, those for ranges count: what may not be null is said by the types.
    private static string? Thrown(Instruction instruction)
    {
        var isThrow = instruction.OpCode == OpCodes.Throw && instruction.Previous?.OpCode == OpCodes.Newobj;
        var isHelper = instruction.OpCode == OpCodes.Call && instruction.Operand is MethodReference { DeclaringType.FullName: "System.ArgumentOutOfRangeException" };
        return isThrow ? ((MethodReference)instruction.Previous!.Operand).DeclaringType.FullName
            : isHelper ? ((MethodReference)instruction.Operand).DeclaringType.FullName : null;
    }

    private static bool IsCaught(Mono.Cecil.Cil.MethodBody body, Instruction instruction) =>
        body.ExceptionHandlers.Any(handler => handler.HandlerType == ExceptionHandlerType.Catch
            && instruction.Offset >= handler.TryStart.Offset && instruction.Offset < handler.TryEnd.Offset);

    [GeneratedRegex("(Size|Length|Offset|Capacity|Timeout|Interval|Rate|Delay|Frequency|Period|Budget|Duration|Latency)$", RegexOptions.IgnoreCase)]
    private static partial Regex Quantity();

    [GeneratedRegex(@"byte|sector|second|Ms\b|hertz|Hz\b|tick|bits?\b|page|entries|elements|descriptor|token|cycle|instruction|how many|of them|number of|character", RegexOptions.IgnoreCase)]
    private static partial Regex Unit();

    [GeneratedRegex(@"virtio|specification|16550|PLIC|CLINT|SiFive|goldfish|RISC-V|privileged|unprivileged|SBI|IEEE|PCI|QEMU|Linux|KeOS|ducky|design|ADR \d", RegexOptions.IgnoreCase)]
    private static partial Regex Source();
}
