using System.Globalization;
using System.Text;
using Eider.Storage.Encryption;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Bitmaps;

namespace Eider.Cli.QemuImg;

/// <summary>What <c>info</c> says of one format only.</summary>
internal static class QemuFormatReport
{
    /// <summary>The parts by QEMU's names; empty for a format without any.</summary>
    public static async Task<IReadOnlyDictionary<string, object>> OfAsync(ImageStorage image, CancellationToken cancellationToken)
    {
        var luks = await image.GetLuksHeaderAsync(cancellationToken) is { } header ? OfLuks(header) : null;
        return image is Qcow2Image qcow ? OfQcow2(qcow.Header, luks, await qcow.Bitmaps.ListAsync(cancellationToken)) : luks ?? [];
    }

    /// <summary>Appends parts for people: one a line, those inside of others farther right.</summary>
    public static void AppendTo(StringBuilder text, int level, IReadOnlyDictionary<string, object> parts)
    {
        foreach (var name in QemuJson.Order(parts.Keys))
        {
            AppendPart(text, level, name.Replace('-', ' '), parts[name]);
        }
    }

    private static void AppendPart(StringBuilder text, int level, string title, object part)
    {
        text.Append(' ', 4 * level).Append(title).Append(':');
        switch (part)
        {
            case IReadOnlyDictionary<string, object> inner:
                text.Append('\n');
                AppendTo(text, level + 1, inner);
                break;
            case IReadOnlyList<object> items:
                text.Append('\n');
                for (var index = 0; index < items.Count; index++)
                {
                    AppendPart(text, level + 1, $"[{index}]", items[index]);
                }

                break;
            default:
                text.Append(' ').Append(Word(part)).Append('\n');
                break;
        }
    }

    private static string Word(object value) =>
        value is bool flag ? (flag ? "true" : "false") : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static Dictionary<string, object> OfQcow2(Qcow2Header header, Dictionary<string, object>? luks, IReadOnlyList<Qcow2Bitmap> bitmaps)
    {
        var isNew = header.Version >= 3;
        var parts = new Dictionary<string, object> { ["compat"] = isNew ? "1.1" : "0.10" };
        if (isNew && header.DataFileName is { } name)
        {
            parts["data-file"] = name;
        }

        if (isNew && header.HasDataFile)
        {
            parts["data-file-raw"] = header.IsDataFileRaw;
        }

        parts["compression-type"] = header.CompressionType == 1 ? "zstd" : "zlib";
        if (isNew)
        {
            parts["lazy-refcounts"] = header.HasLazyRefcounts;
        }

        parts["refcount-bits"] = 1 << header.RefcountOrder;
        if (header.Encryption != Qcow2EncryptionMethod.None)
        {
            var inner = luks ?? [];
            inner["format"] = header.Encryption == Qcow2EncryptionMethod.Luks ? "luks" : "aes";
            parts["encrypt"] = inner;
        }

        if (isNew && bitmaps.Count > 0)
        {
            parts["bitmaps"] = bitmaps.Select(Bitmap).ToList<object>();
        }

        if (isNew)
        {
            parts["corrupt"] = header.IsCorrupt;
            parts["extended-l2"] = header.HasExtendedL2;
        }

        return parts;
    }

    private static Dictionary<string, object> Bitmap(Qcow2Bitmap bitmap)
    {
        var flags = new List<object>();
        if (bitmap.IsInUse)
        {
            flags.Add("in-use");
        }

        if (bitmap.IsEnabled)
        {
            flags.Add("auto");
        }

        return new Dictionary<string, object> { ["name"] = bitmap.Name, ["granularity"] = bitmap.GranularityBytes, ["flags"] = flags };
    }

    private static Dictionary<string, object> OfLuks(LuksHeader header)
    {
        var parts = new Dictionary<string, object>
        {
            ["ivgen-alg"] = header.Cipher.Iv.ToString().ToLowerInvariant(),
            ["hash-alg"] = LuksCipherName.NameOf(header.Cipher.Hash),
            ["cipher-alg"] = $"aes-{header.Cipher.AesBits}",
            ["uuid"] = header.Uuid,
            ["cipher-mode"] = header.Cipher.Mode.ToString().ToLowerInvariant(),
            ["slots"] = header.Slots.Select(Slot).ToList<object>(),
            ["payload-offset"] = (long)header.PayloadSector * SectorCipher.SectorBytes,
            ["master-key-iters"] = header.DigestIterations,
        };
        if (header.Cipher.Iv == SectorIvKind.Essiv)
        {
            parts["ivgen-hash-alg"] = LuksCipherName.NameOf(header.Cipher.EssivHash);
        }

        return parts;
    }

    private static Dictionary<string, object> Slot(LuksKeySlot slot)
    {
        var parts = new Dictionary<string, object>
        {
            ["active"] = slot.IsActive,
            ["key-offset"] = (long)slot.MaterialSector * SectorCipher.SectorBytes,
        };
        if (slot.IsActive)
        {
            parts["iters"] = slot.Iterations;
            parts["stripes"] = slot.Stripes;
        }

        return parts;
    }
}
