using System.Globalization;
using System.Text;
using System.Text.Json;
using Eider.Cli.Images;
using Eider.Storage.Formats.Foreign;

namespace Eider.Cli.Commands.Img;

/// <summary>What is told of an image whose data are not read here.</summary>
/// <param name="Name">The file.</param>
/// <param name="Image">What its header says.</param>
internal sealed record ForeignReport(string Name, ForeignImage Image)
{
    /// <summary>For people.</summary>
    public void AppendTo(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"image:        {Name}\n");
        text.Append(CultureInfo.InvariantCulture, $"format:       {Image.Format} ({Image.Kind}; only its header is read)\n");
        text.Append(CultureInfo.InvariantCulture, $"disk size:    {ImageSizes.Both(Image.SizeBytes)}\n");
        if (Image.BlockBytes is { } block)
        {
            text.Append(CultureInfo.InvariantCulture, $"block size:   {ImageSizes.Text(block)}\n");
        }

        if (Image.ParentName is { } parent)
        {
            text.Append(CultureInfo.InvariantCulture, $"parent file:  {ImageReport.Printable(parent)}\n");
        }
    }

    /// <summary>For programs.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("filename", Name);
        json.WriteString("format", Image.Format);
        json.WriteString("kind", Image.Kind);
        json.WriteNumber("virtual-size", Image.SizeBytes);
        if (Image.BlockBytes is { } block)
        {
            json.WriteNumber("block-size", block);
        }

        if (Image.ParentName is { } parent)
        {
            json.WriteString("parent-filename", parent);
        }

        json.WriteEndObject();
    }
}
