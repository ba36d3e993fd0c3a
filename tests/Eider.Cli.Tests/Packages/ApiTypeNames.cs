using System.Reflection;

namespace Eider.Cli.Tests.Packages;

/// <summary>Types as C# writes them, without namespaces, with what may be null.</summary>
internal static class ApiTypeNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(char)] = "char",
        [typeof(decimal)] = "decimal",
    };

    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef)
        {
            return Of(type.GetElementType()!, nullability);
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            // The context describes the value itself: its arguments are those of the underlying type.
            return Plain(underlying, nullability?.GenericTypeArguments) + "?";
        }

        var isNullable = !type.IsValueType && nullability is { ReadState: NullabilityState.Nullable } or { WriteState: NullabilityState.Nullable };
        var name = type.IsArray
            ? $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]"
            : type.IsPointer ? Of(type.GetElementType()!) + "*" : Plain(type, nullability?.GenericTypeArguments);
        return isNullable && !type.IsPointer ? name + "?" : name;
    }

    /// <summary>The name of a declared type with its namespace, its outer types and its type parameters.</summary>
    public static string Declared(Type type)
    {
        var prefix = type.DeclaringType is { } outer ? Declared(outer) : type.Namespace;
        var own = type.GetGenericArguments().Skip(type.DeclaringType?.GetGenericArguments().Length ?? 0).Select(Parameter).ToArray();
        return $"{prefix}.{Bare(type)}{(own.Length > 0 ? $"<{string.Join(", ", own)}>" : "")}";
    }

    private static string Plain(Type type, NullabilityInfo[]? arguments)
    {
        if (Keywords.TryGetValue(type, out var keyword))
        {
            return keyword;
        }

        if (type.IsGenericParameter)
        {
            return type.Name;
        }

        var prefix = type.DeclaringType is { } outer ? Bare(outer) + "." : "";
        var names = type.GetGenericArguments()
            .Select((argument, index) => Of(argument, arguments?.ElementAtOrDefault(index))).ToArray();
        return $"{prefix}{Bare(type)}{(names.Length > 0 ? $"<{string.Join(", ", names)}>" : "")}";
    }

    private static string Bare(Type type) => type.Name.Split('`')[0];

    private static string Parameter(Type parameter) =>
        (parameter.GenericParameterAttributes & GenericParameterAttributes.VarianceMask) switch
        {
            GenericParameterAttributes.Covariant => "out ",
            GenericParameterAttributes.Contravariant => "in ",
            _ => "",
        } + parameter.Name;
}
