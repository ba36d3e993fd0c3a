using System.Globalization;
using System.Text.Json;

namespace Eider.Machines;

/// <summary>Finds the line of a value in a JSON text by its path, such as <c>$.disks[1].image</c>.</summary>
internal static class JsonLines
{
    private static readonly JsonReaderOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The line of the value, or of the innermost object or list around it that is there; counted from 1.</summary>
    public static long Find(ReadOnlySpan<byte> json, string path)
    {
        var reader = new Utf8JsonReader(json, Lenient);
        var open = new Stack<(string Path, bool IsList, int Index)>();
        var name = "$";
        var found = 0L;
        var foundLength = 0;
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
            {
                open.Pop();
                continue;
            }

            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                name = open.Peek().Path + "." + reader.GetString();
                continue;
            }

            if (open.TryPeek(out var list) && list.IsList)
            {
                open.Pop();
                open.Push(list with { Index = list.Index + 1 });
                name = string.Create(CultureInfo.InvariantCulture, $"{list.Path}[{list.Index}]");
            }

            if (name.Length > foundLength && IsPrefix(name, path))
            {
                foundLength = name.Length;
                found = reader.TokenStartIndex;
            }

            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                open.Push((name, reader.TokenType == JsonTokenType.StartArray, 0));
            }
        }

        return json[..(int)found].Count((byte)'\n') + 1;
    }

    private static bool IsPrefix(string name, string path) =>
        path.StartsWith(name, StringComparison.Ordinal)
        && (path.Length == name.Length || path[name.Length] is '.' or '[');
}
