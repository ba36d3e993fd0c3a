using System.Globalization;
using System.Text;
using System.Text.Json;
using Eider.Cli.Images;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.Commands.Img;

/// <summary>What is told of one image. Members carry the names that qemu-img gives them in JSON.</summary>
internal sealed class ImageReport
{
    private readonly List<(string Label, string Member, object Value)> _rows = [];
    private readonly List<(string Label, string Member, object Value)> _special = [];
    private string _format = "";
    private BitmapRows? _bitmaps;

    private ImageReport()
    {
    }

    /// <summary>Looks at an open image.</summary>
    public static async Task<ImageReport> OfAsync(ImageStorage image, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var report = new ImageReport { _format = image.Format.Name };
        report.AddGeneral(image);
        if (image is Qcow2Image qcow2)
        {
            report.AddQcow2(qcow2.Header);
            report._bitmaps = await BitmapRows.TryAsync(qcow2, cancellationToken);
        }

        return report;
    }

    /// <summary>A text out of an image: no control character, not endless.</summary>
    public static string Printable(string text) =>
        string.Concat(text.Take(1023).Select(character => char.IsControl(character) ? '?' : character));

    /// <summary>For people.</summary>
    public string Text()
    {
        var text = new StringBuilder();
        foreach (var (label, _, value) in _rows.Concat(_special).Where(row => row.Label.Length > 0))
        {
            text.Append(CultureInfo.InvariantCulture, $"{label + ":",-18} {Word(label, value)}\n");
        }

        if (_bitmaps is { IsEmpty: false })
        {
            text.Append("bitmaps:\n");
            var rows = new StringBuilder();
            _bitmaps.AppendTo(rows);
            foreach (var row in rows.ToString().TrimEnd('\n').Split('\n'))
            {
                text.Append(CultureInfo.InvariantCulture, $"  {row}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>For programs.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach (var (_, member, value) in _rows)
        {
            Write(json, member, value);
        }

        if (_special.Count > 0)
        {
            json.WriteStartObject("format-specific");
            json.WriteString("type", _format);
            json.WriteStartObject("data");
            foreach (var (_, member, value) in _special)
            {
                Write(json, member, value);
            }

            if (_bitmaps is { IsEmpty: false })
            {
                json.WritePropertyName("bitmaps");
                _bitmaps.WriteTo(json);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private void AddGeneral(ImageStorage image)
    {
        Add("image", "filename", image.Name);
        Add("format", "format", image.Format.Name);
        Add("disk size", "virtual-size", image.SizeBytes);
        Add("file size", "file-size", image.File.SizeBytes);
        if (image.File is FileStorage && HostFile.AllocatedBytesOf(image.File.Name) is { } allocated)
        {
            Add("space on host", "actual-size", allocated);
        }

        if (image.IsEncrypted)
        {
            Add("encrypted", "encrypted", true);
        }

        if (image.BackingName is { } backing)
        {
            Add("backing file", "backing-filename", backing);
            var full = Path.IsPathRooted(backing) ? backing : Path.Combine(Path.GetDirectoryName(image.Name) ?? "", backing);
            Add("", "full-backing-filename", full);
            if (image.BackingFormat is { } format)
            {
                Add("backing format", "backing-filename-format", format);
            }
        }
    }

    private void AddQcow2(Qcow2Header header)
    {
        Add("cluster size", "cluster-size", (long)header.ClusterBytes);
        Add("dirty", "dirty-flag", header.IsDirty);
        AddSpecial("version", "compat", header.Version == 2 ? "0.10" : "1.1");
        AddSpecial("compression", "compression-type", header.CompressionType == 0 ? "zlib" : "zstd");
        AddSpecial("refcount bits", "refcount-bits", 1L << header.RefcountOrder);
        AddSpecial("lazy refcounts", "lazy-refcounts", header.HasLazyRefcounts);
        AddSpecial("extended L2", "extended-l2", header.HasExtendedL2);
        AddSpecial("corrupt", "corrupt", header.IsCorrupt);
        AddSpecial("snapshots", "snapshot-count", (long)header.SnapshotCount);
        if (header.HasDataFile)
        {
            AddSpecial("data file", "data-file", header.DataFileName ?? "");
            AddSpecial("data file raw", "data-file-raw", header.IsDataFileRaw);
        }

        if (header.Encryption != Qcow2EncryptionMethod.None)
        {
            AddSpecial("encryption", "encrypt-format", header.Encryption == Qcow2EncryptionMethod.Luks ? "luks" : "aes");
        }
    }

    private void Add(string label, string member, object value) => _rows.Add((label, member, value));

    private void AddSpecial(string label, string member, object value) => _special.Add((label, member, value));

    private static string Word(string label, object value) => value switch
    {
        bool flag => flag ? "yes" : "no",
        long number when label is "refcount bits" or "snapshots" => number.ToString(CultureInfo.InvariantCulture),
        long number => ImageSizes.Both(number),
        _ => Printable((string)value),
    };

    private static void Write(Utf8JsonWriter json, string member, object value)
    {
        switch (value)
        {
            case bool flag:
                json.WriteBoolean(member, flag);
                break;
            case long number:
                json.WriteNumber(member, number);
                break;
            default:
                json.WriteString(member, (string)value);
                break;
        }
    }
}
