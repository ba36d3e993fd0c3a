using System.Globalization;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img map</c>.</summary>
internal static class QemuMap
{
    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("format:", "f"), ("output:", "output"), ("object:", "object"), ("image-opts", "image-opts"),
            ("force-share", "U"), ("start-offset:", "s"), ("max-length:", "l")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "f:s:l:hU", LongNames);
        var isJson = QemuOptions.IsJson(arguments);
        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting one image file name");
        }

        var start = arguments.Value("s") is { } from ? QemuSizes.Parse("start offset", from) : 0;
        var most = arguments.Value("l") is { } length ? QemuSizes.Parse("max length", length) : long.MaxValue;
        await using var node = await QemuOptions.OpenerOf(arguments, output).OpenAsync(name, QemuOptions.ModeOf(arguments), cancellationToken);
        var image = node.Image;
        output.Out.Write(isJson ? "[" : Row("Offset", "Length", "Mapped to", "File"));
        var isFirst = true;
        var entries = ImageMap.EnumerateAsync(image, Math.Min(start, image.SizeBytes), Math.Min(most, Math.Max(0, image.SizeBytes - start)), cancellationToken);
        await foreach (var entry in entries.WithCancellation(cancellationToken))
        {
            output.Out.Write(isJson ? (isFirst ? "" : ",\n") + Json(entry) : Text(entry));
            isFirst = false;
        }

        output.Out.Write(isJson ? "]\n" : "");
        return 0;
    }

    private static string Json(ImageMapEntry entry)
    {
        var place = entry.HostOffsetBytes is { } offset ? string.Create(CultureInfo.InvariantCulture, $", \"offset\": {offset}") : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{{ \"start\": {entry.OffsetBytes}, \"length\": {entry.LengthBytes}, \"depth\": {entry.Depth}, \"present\": {Word(entry.IsPresent)}, "
                + $"\"zero\": {Word(entry.IsZero)}, \"data\": {Word(entry.HasData)}{place}}}");
    }

    private static string Text(ImageMapEntry entry)
    {
        if (!entry.HasData || entry.IsZero)
        {
            return "";
        }

        return entry.HostOffsetBytes is { } offset
            ? Row(Hex(entry.OffsetBytes), Hex(entry.LengthBytes), Hex(offset), entry.FileName ?? "")
            : throw new QemuImgException("File contains external, encrypted or compressed clusters.");
    }

    private static string Row(string offset, string length, string place, string file) => $"{offset,-16}{length,-16}{place,-16}{file}\n";

    private static string Hex(long value) => value == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    private static string Word(bool value) => value ? "true" : "false";
}
