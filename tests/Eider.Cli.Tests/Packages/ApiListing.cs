using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using System.Text;

namespace Eider.Cli.Tests.Packages;

/// <summary>Writes the public surface of types as sorted text: a line for each type, below it one for each member.</summary>
internal static class ApiListing
{
    private const BindingFlags Anything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;

    public static string Of(IEnumerable<Type> types)
    {
        var text = new StringBuilder();
        foreach (var type in types.OrderBy(ApiTypeNames.Declared, StringComparer.Ordinal))
        {
            text.Append(Attributes(type)).Append(Header(type)).Append('\n');
            var members = typeof(Delegate).IsAssignableFrom(type) ? [] : Libraries.VisibleMembers(type);
            foreach (var line in members.Select(Line).Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(line).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Header(Type type)
    {
        var name = ApiTypeNames.Declared(type);
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            var invoke = type.GetMethod("Invoke")!;
            return $"delegate {Return(invoke)} {name}({Parameters(invoke)}){Constraints(type.GetGenericArguments())}";
        }

        var bases = Bases(type).ToArray();
        return Kind(type) + " " + name + (bases.Length > 0 ? " : " + string.Join(", ", bases) : "") + Constraints(type.GetGenericArguments());
    }

    private static string Kind(Type type)
    {
        var record = type.GetMethod("<Clone>$", Anything) != null || (type.IsValueType && type.GetMethod("PrintMembers", Anything) != null)
            ? "record " : "";
        if (type.IsValueType)
        {
            return type.IsEnum
                ? (type.IsDefined(typeof(FlagsAttribute)) ? "[Flags] " : "") + "enum"
                : $"{(type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "")}{(type.IsByRefLike ? "ref " : "")}{record}struct";
        }

        return type.IsInterface ? "interface"
            : type.IsAbstract && type.IsSealed ? "static class"
            : $"{(type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "")}{record}class";
    }

    private static IEnumerable<string> Bases(Type type)
    {
        if (type.IsEnum)
        {
            return [ApiTypeNames.Of(Enum.GetUnderlyingType(type))];
        }

        var inherited = type.BaseType?.GetInterfaces() ?? [];
        var interfaces = type.GetInterfaces().Except(inherited).Where(one => one.IsVisible).Select(one => ApiTypeNames.Of(one));
        var parent = type.BaseType is { } super && super != typeof(object) && super != typeof(ValueType) ? [ApiTypeNames.Of(super)] : Array.Empty<string>();
        return [.. parent, .. interfaces.Order(StringComparer.Ordinal)];
    }

    private static string Line(MemberInfo member) => Attributes(member) + member switch
    {
        FieldInfo field => Field(field),
        PropertyInfo property => Property(property),
        EventInfo occurrence => Modifiers(occurrence.AddMethod!)
            + $"event {ApiTypeNames.Of(occurrence.EventHandlerType!)} {occurrence.Name}",
        ConstructorInfo constructor => Modifiers(constructor) + $"new({Parameters(constructor)})",
        MethodInfo method => Modifiers(method) + $"{Return(method)} {method.Name}{Generics(method)}({Parameters(method)})"
            + Constraints(method.GetGenericArguments()),
        _ => member.ToString()!,
    };

    private static string Field(FieldInfo field)
    {
        if (field.DeclaringType!.IsEnum)
        {
            return $"{field.Name} = {Value(Convert.ChangeType(field.GetRawConstantValue()!, Enum.GetUnderlyingType(field.DeclaringType), CultureInfo.InvariantCulture))}";
        }

        var type = ApiTypeNames.Of(field.FieldType, new NullabilityInfoContext().Create(field));
        return (field.IsPublic ? "" : "protected ")
            + (field.IsLiteral ? $"const {type} {field.Name} = {Value(field.GetRawConstantValue())}"
                : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{type} {field.Name}");
    }

    private static string Property(PropertyInfo property)
    {
        var accessors = new[] { property.GetMethod, property.SetMethod }.Where(one => one != null && Libraries.IsVisible(one)).ToArray();
        var widest = accessors.FirstOrDefault(one => one!.IsPublic) ?? accessors[0]!;
        var body = string.Concat(accessors.Select(one =>
            (widest.IsPublic && !one!.IsPublic ? "protected " : "") + (one == property.GetMethod ? "get; " : IsInit(one!) ? "init; " : "set; ")));
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        var indices = property.GetIndexParameters();
        var name = indices.Length > 0 ? $"this[{string.Join(", ", indices.Select(Parameter))}]" : property.Name;
        var reference = property.PropertyType.IsByRef ? "ref " : "";
        var type = ApiTypeNames.Of(property.PropertyType, new NullabilityInfoContext().Create(property));
        return $"{Modifiers(widest)}{required}{reference}{type} {name} {{ {body}}}";
    }

    private static bool IsInit(MethodInfo setter) =>
        setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static string Modifiers(MethodBase method)
    {
        var visibility = method.IsPublic ? "" : "protected ";
        if (method.IsStatic)
        {
            return visibility + (method.IsAbstract ? "static abstract " : "static ");
        }

        if (method is not MethodInfo { IsVirtual: true } ordinary || (method.IsFinal && ordinary.GetBaseDefinition() == ordinary))
        {
            return visibility;
        }

        var isOverride = ordinary.GetBaseDefinition().DeclaringType != ordinary.DeclaringType;
        var kind = isOverride ? (method.IsAbstract ? "abstract override " : method.IsFinal && !method.DeclaringType!.IsSealed ? "sealed override " : "override ")
            : method.DeclaringType!.IsInterface ? (method.IsAbstract ? "" : "default ")
            : method.IsAbstract ? "abstract " : "virtual ";
        return visibility + kind;
    }

    private static string Return(MethodInfo method) =>
        (method.ReturnType.IsByRef ? "ref " : "") + ApiTypeNames.Of(method.ReturnType, new NullabilityInfoContext().Create(method.ReturnParameter));

    private static string Parameters(MethodBase method)
    {
        var first = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        return first + string.Join(", ", method.GetParameters().Select(Parameter));
    }

    private static string Parameter(ParameterInfo parameter)
    {
        var kind = !parameter.ParameterType.IsByRef ? parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : ""
            : parameter.IsOut ? "out "
            : parameter.IsDefined(typeof(RequiresLocationAttribute)) ? "ref readonly "
            : parameter.IsIn ? "in " : "ref ";
        var value = parameter.HasDefaultValue ? " = " + Value(parameter.RawDefaultValue) : "";
        return $"{kind}{ApiTypeNames.Of(parameter.ParameterType, new NullabilityInfoContext().Create(parameter))} {parameter.Name}{value}";
    }

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : "";

    private static string Constraints(Type[] parameters) => string.Concat(parameters.Where(parameter => parameter.IsGenericParameter)
        .Select(parameter => (parameter.Name, Rules: Rules(parameter).ToArray())).Where(pair => pair.Rules.Length > 0)
        .Select(pair => $" where {pair.Name} : {string.Join(", ", pair.Rules)}"));

    private static IEnumerable<string> Rules(Type parameter)
    {
        var flags = parameter.GenericParameterAttributes;
        var isUnmanaged = parameter.GetCustomAttributesData().Any(one => one.AttributeType.Name == "IsUnmanagedAttribute");
        var isValue = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        if (isValue || flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
        {
            yield return isUnmanaged ? "unmanaged" : isValue ? "struct" : "class";
        }

        foreach (var constraint in parameter.GetGenericParameterConstraints().Where(one => one != typeof(ValueType)))
        {
            yield return ApiTypeNames.Of(constraint);
        }

        if (!isValue && flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
        {
            yield return "new()";
        }

        if (flags.HasFlag(GenericParameterAttributes.AllowByRefLike))
        {
            yield return "allows ref struct";
        }
    }

    private static string Attributes(MemberInfo member)
    {
        var platforms = member.GetCustomAttributes<OSPlatformAttribute>(inherit: false)
            .Select(one => $"[{one.GetType().Name.Replace("Attribute", "", StringComparison.Ordinal)}(\"{one.PlatformName}\")] ")
            .Order(StringComparer.Ordinal);

        // For compilers that do not know ref structs and required members, ours marks those as obsolete, and marks that mark.
        var isObsolete = member.IsDefined(typeof(ObsoleteAttribute), inherit: false)
            && !member.IsDefined(typeof(CompilerFeatureRequiredAttribute), inherit: false);
        return string.Concat(platforms) + (isObsolete ? "[Obsolete] " : "");
    }

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        char letter => $"'{letter}'",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
