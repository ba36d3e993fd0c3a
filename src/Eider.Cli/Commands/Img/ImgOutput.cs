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
    public Task PrintAsync(Action<StringBuilder> text, Action<Utf8JsonWriter> json)
    {
        // Written at once: standard output knows no other way than a thread of the pool, and a command that waits for one
        // has the runtime compile two thirds more methods before it ends.
        writer.Write(isJson ? Json(json) : Text(text));
        return Task.CompletedTask;
    }

    private static string Text(Action<StringBuilder> text)
    {
        var lines = new StringBuilder();
        text(lines);
        return lines.ToString();
    }

    private static string Json(Action<Utf8JsonWriter> json)
    {
        using var bytes = new MemoryStream();
        using (var document = new Utf8JsonWriter(bytes, Options))
        {
            json(document);
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + Environment.NewLine;
    }
}
