using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Eider.Cli.Commands.Img;

/// <summary>The result of a command on standard output: text for people, or JSON.</summary>
/// <param name="writer">Standard output.</param>
/// <param name="isJson">True for JSON.</param>
internal sealed class ImgOutput(TextWriter writer, bool isJson)
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Prints the result in one of both ways.</summary>
    public async Task PrintAsync(Action<StringBuilder> text, Action<Utf8JsonWriter> json)
    {
        if (!isJson)
        {
            var lines = new StringBuilder();
            text(lines);
            await writer.WriteAsync(lines);
            return;
        }

        using var bytes = new MemoryStream();
        await using (var document = new Utf8JsonWriter(bytes, Options))
        {
            json(document);
        }

        await writer.WriteLineAsync(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }
}
