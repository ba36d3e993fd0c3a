using System.ComponentModel;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using Eider.Testing;

namespace Eider.Machines.Tests.Configuration;

/// <summary>
/// The published schema says what the reader takes. EIDER_UPDATE_SCHEMA=1 writes it anew after the configuration has
/// changed.
/// </summary>
public sealed class MachineSchemaTests
{
    [Fact]
    public void The_published_schema_is_what_the_reader_takes()
    {
        var path = SchemaPath();
        var expected = Generate();
        if (Environment.GetEnvironmentVariable("EIDER_UPDATE_SCHEMA") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, expected);
        }

        Assert.Equal(expected, File.ReadAllText(path));
    }

    [Fact]
    public void Every_property_is_described()
    {
        var missing = new List<string>();
        Walk(JsonNode.Parse(Generate())!, "$");
        Assert.Empty(missing);

        void Walk(JsonNode node, string path)
        {
            foreach (var (name, property) in node["properties"] as JsonObject ?? [])
            {
                if (property!["description"] is null)
                {
                    missing.Add($"{path}.{name}");
                }

                Walk(property, $"{path}.{name}");
            }

            if (node["items"] is { } items)
            {
                Walk(items, path + "[]");
            }
        }
    }

    // Not by the compiler's idea of this file's path: a build for CI maps it.
    private static string SchemaPath() => Path.Combine(ProjectTree.Root, "schemas", "machine.schema.json");

    private static string Generate()
    {
        var options = new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Transform };
        var schema = MachineJsonContext.Default.MachineConfiguration.GetJsonSchemaAsNode(options).AsObject();
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", "An Eider machine");
        schema["type"] = "object";
        return schema.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";
    }

    private static JsonNode Transform(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (context.PropertyInfo?.AttributeProvider is not { } property)
        {
            return schema;
        }

        var converter = property.GetCustomAttributes(typeof(JsonConverterAttribute), inherit: true).Cast<JsonConverterAttribute>().FirstOrDefault();
        var node = converter?.ConverterType?.Name switch
        {
            "AddressJsonConverter" => JsonNode.Parse("""{ "type": ["string", "integer", "null"], "pattern": "^0[xX][0-9A-Fa-f]{1,16}$", "minimum": 0 }"""),
            "ByteSizeJsonConverter" => JsonNode.Parse("""{ "type": ["string", "integer"], "pattern": "^[0-9]+([KMGTkmgt](i[Bb])?)?$", "minimum": 0 }"""),
            _ => schema,
        };
        var result = node as JsonObject ?? [];
        if (property.GetCustomAttributes(typeof(DescriptionAttribute), inherit: true).Cast<DescriptionAttribute>().FirstOrDefault() is { } text)
        {
            result.Insert(0, "description", text.Description);
        }

        return result;
    }
}
