using System.Globalization;
using System.Reflection;
using System.Text;

namespace Eider.Cli.Tests.Packages;

/// <summary>The names that members have in XML documentation files (C# specification, annex D.4.2).</summary>
internal static class DocumentationIds
{
    public static string Of(MemberInfo member) => member switch
    {
        Type type => "T:" + Name(type),
        FieldInfo field => $"F:{Name(field.DeclaringType!)}.{field.Name}",
        EventInfo occurrence => $"E:{Name(occurrence.DeclaringType!)}.{occurrence.Name}",
        PropertyInfo property => $"P:{Name(property.DeclaringType!)}.{Escaped(property.Name)}{Parameters(property.GetIndexParameters())}",
        MethodBase method => $"M:{Name(method.DeclaringType!)}.{Escaped(method.Name)}{Arity(method)}{Parameters(method.GetParameters())}{Conversion(method)}",
        _ => throw new ArgumentException($"no such kind: {member}", nameof(member)),
    };

    private static string Name(Type type) =>
        (type.DeclaringType is { } outer ? Name(outer) : type.Namespace) + "." + type.Name;

    private static string Escaped(string name) => name.Replace('.', '#');

    private static string Arity(MethodBase method) =>
        method.IsGenericMethod ? "``" + method.GetGenericArguments().Length.ToString(CultureInfo.InvariantCulture) : "";

    private static string Conversion(MethodBase method) =>
        method is MethodInfo { Name: "op_Implicit" or "op_Explicit" } operation ? "~" + Used(operation.ReturnType) : "";

    private static string Parameters(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? "" : $"({string.Join(',', parameters.Select(parameter => Used(parameter.ParameterType)))})";

    private static string Used(Type type)
    {
        if (type.HasElementType)
        {
            return Used(type.GetElementType()!) + (type.IsByRef ? "@" : type.IsPointer ? "*" : "[]");
        }

        if (type.IsGenericParameter)
        {
            return (type.DeclaringMethod != null ? "``" : "`") + type.GenericParameterPosition.ToString(CultureInfo.InvariantCulture);
        }

        return type.IsGenericType ? Constructed(type) : Name(type).TrimStart('.');
    }

    // The arguments stand with the type that declares them: Outer{A}.Inner{B}.
    private static string Constructed(Type type)
    {
        var text = new StringBuilder();
        var arguments = type.GetGenericArguments();
        var used = 0;
        foreach (var part in Chain(type))
        {
            var count = part.GetGenericArguments().Length - used;
            text.Append(text.Length > 0 ? "." : part.Namespace + ".").Append(part.Name.Split('`')[0]);
            if (count > 0)
            {
                text.Append('{').AppendJoin(',', arguments.Skip(used).Take(count).Select(Used)).Append('}');
                used += count;
            }
        }

        return text.ToString();
    }

    private static IEnumerable<Type> Chain(Type type) => type.DeclaringType is { } outer ? Chain(outer).Append(type) : [type];
}
