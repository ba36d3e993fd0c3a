using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>An address as a number or as text: <c>268435456</c> or <c>"0x10000000"</c>.</summary>
internal sealed class AddressJsonConverter : JsonConverter<ulong?>
{
    public override ulong? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out var number))
        {
            return number;
        }

        var text = reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number))
        {
            return number;
        }

        throw new JsonException("expected an address, a number or text such as \"0x10000000\"");
    }

    public override void Write(Utf8JsonWriter writer, ulong? value, JsonSerializerOptions options)
    {
        if (value is { } address)
        {
            writer.WriteStringValue(string.Create(CultureInfo.InvariantCulture, $"0x{address:x}"));
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
