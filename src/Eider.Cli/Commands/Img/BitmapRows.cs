using System.Globalization;
using System.Text;
using System.Text.Json;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Bitmaps;

namespace Eider.Cli.Commands.Img;

/// <summary>What is told of the bitmaps of an image; members carry the names that qemu-img gives them.</summary>
internal sealed class BitmapRows
{
    private readonly IReadOnlyList<Qcow2Bitmap> _bitmaps;
    private readonly long? _dirtyBytes;
    private readonly string? _damage;

    private BitmapRows(IReadOnlyList<Qcow2Bitmap> bitmaps, long? dirtyBytes = null, string? damage = null)
    {
        _bitmaps = bitmaps;
        _dirtyBytes = dirtyBytes;
        _damage = damage;
    }

    /// <summary>True if there is nothing to tell.</summary>
    public bool IsEmpty => _bitmaps.Count == 0 && _damage == null;

    /// <summary>All bitmaps, or one and how much it marks.</summary>
    public static async Task<BitmapRows> OfAsync(Qcow2Image image, string? name, CancellationToken cancellationToken)
    {
        var bitmaps = await image.Bitmaps.ListAsync(cancellationToken);
        if (name == null)
        {
            return new BitmapRows(bitmaps);
        }

        var one = bitmaps.FirstOrDefault(bitmap => bitmap.Name == name)
            ?? throw new CliException(ExitCode.BadInput, $"{image.Name}: there is no bitmap '{ImageReport.Printable(name)}'");
        var dirty = one.IsUsable ? (await image.Bitmaps.ReadAsync(name, cancellationToken)).DirtyBytes : (long?)null;
        return new BitmapRows([one], dirty);
    }

    /// <summary>All bitmaps, for a report that goes on where their directory is damaged.</summary>
    public static async Task<BitmapRows> TryAsync(Qcow2Image image, CancellationToken cancellationToken)
    {
        try
        {
            return new BitmapRows(await image.Bitmaps.ListAsync(cancellationToken));
        }
        catch (BlockStorageException damaged) when (damaged.Kind == BlockErrorKind.CorruptImage)
        {
            return new BitmapRows([], damage: damaged.Message);
        }
    }

    /// <summary>For people: a line each.</summary>
    public void AppendTo(StringBuilder text)
    {
        if (_damage != null)
        {
            text.Append(CultureInfo.InvariantCulture, $"{ImageReport.Printable(_damage)}\n");
        }

        foreach (var bitmap in _bitmaps)
        {
            var state = bitmap.Problem is { } problem ? "inconsistent: " + problem : bitmap.IsEnabled ? "enabled" : "disabled";
            var marked = _dirtyBytes is { } bytes ? $", {ImageSizes.Both(bytes)} marked" : "";
            text.Append(
                CultureInfo.InvariantCulture,
                $"{ImageReport.Printable(bitmap.Name),-24} {ImageSizes.Text(bitmap.GranularityBytes),-8} {state}{marked}\n");
        }
    }

    /// <summary>For programs: an array.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var bitmap in _bitmaps)
        {
            json.WriteStartObject();
            json.WriteString("name", bitmap.Name);
            json.WriteNumber("granularity", bitmap.GranularityBytes);
            json.WriteStartArray("flags");
            if (bitmap.IsInUse)
            {
                json.WriteStringValue("in-use");
            }

            if (bitmap.IsEnabled)
            {
                json.WriteStringValue("auto");
            }

            json.WriteEndArray();
            if (bitmap.Problem is { } problem)
            {
                json.WriteString("problem", problem);
            }

            if (_dirtyBytes is { } bytes)
            {
                json.WriteNumber("dirty-bytes", bytes);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
