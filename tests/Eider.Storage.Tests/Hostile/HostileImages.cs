using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Hostile;

/// <summary>Images made to harm whoever opens them: two hundred and more, each with a name that says how.</summary>
internal sealed class HostileImages
{
    private const int ClusterBits = 12;
    private const int Cluster = 1 << ClusterBits;
    private const long DiskBytes = 1 << 20;

    private readonly byte[] _good;
    private readonly byte[] _named;
    private readonly List<(string Name, byte[] Head, long Length)> _images = [];

    private HostileImages(byte[] good, byte[] named)
    {
        _good = good;
        _named = named;
    }

    /// <summary>All of them: the beginning of the file, and its length; the rest is a hole.</summary>
    public static async Task<IReadOnlyList<(string Name, byte[] Head, long Length)>> MakeAsync(string folder)
    {
        var images = new HostileImages(await GoodAsync(null), await GoodAsync("name"));
        images.PointEverythingAtEverything();
        images.SpoilFields();
        images.NameOtherFiles(folder);
        images.SpoilExtensions();
        images.ClaimHugeTables();
        images.AddBombs();
        images.CutOff();
        return images._images;
    }

    /// <summary>An image in order, with data, compressed data and a snapshot.</summary>
    public static async Task<byte[]> GoodAsync(string? backing)
    {
        var file = new MemoryStorage(0);
        var options = new Qcow2CreateOptions { ClusterBytes = Cluster, BackingName = backing, BackingFormat = backing == null ? null : "raw" };
        await Qcow2Format.CreateAsync(file, DiskBytes, options);
        await using (var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(
            new Kept(file), new ImageOpenOptions { Chain = ImageChainPolicy.Ignore }))
        {
            await image.WriteAsync(0, new byte[5 * Cluster]);
            await image.WriteCompressedAsync(8 * Cluster, new byte[Cluster]);
            await image.CreateSnapshotAsync("one", DateTimeOffset.UnixEpoch);
            await image.WriteAsync(2 * Cluster, new byte[Cluster]);
        }

        var bytes = new byte[file.SizeBytes];
        await file.ReadAsync(0, bytes);
        return bytes;
    }

    private sealed class Kept(BlockStorage inner) : BlockStorageLayer(inner, leaveOpen: true);

    private void Add(string name, byte[] head, long? length = null) => _images.Add((name, head, length ?? head.Length));

    private void Add(string name, Action<byte[]> change, byte[]? image = null)
    {
        var bytes = (byte[])(image ?? _good).Clone();
        change(bytes);
        Add(name, bytes);
    }

    /// <summary>Each pointer of the metadata at each kind of metadata.</summary>
    private void PointEverythingAtEverything()
    {
        var places = PlacesOf(_good);
        var pointers = new Dictionary<string, int>
        {
            ["refcount table"] = 48,
            ["L1 table"] = 40,
            ["snapshot table"] = 64,
            ["refcount block"] = (int)places["refcount table"],
            ["L2 table"] = (int)places["L1 table"],
            ["data"] = (int)places["L2 table"],
            ["compressed data"] = (int)places["L2 table"] + (8 * 8),
            ["L1 table of the snapshot"] = (int)places["snapshot table"],
            ["L2 table of the snapshot"] = (int)places["L1 table of the snapshot"],
        };
        foreach (var (pointer, offset) in pointers)
        {
            foreach (var (target, place) in places)
            {
                Add($"{pointer} in {target}", bytes => Put(bytes, offset, ((Get(bytes, offset) >> 62) << 62) | (ulong)place));
            }

            Add($"{pointer} behind the end", bytes => Put(bytes, offset, 1UL << 40));
            Add($"{pointer} at an odd place", bytes => Put(bytes, offset, Get(bytes, offset) + 512));
            Add($"{pointer} at the last cluster of all", bytes => Put(bytes, offset, 0x00FF_FFFF_FFFF_F000));
        }
    }

    private static Dictionary<string, long> PlacesOf(byte[] image)
    {
        var places = new Dictionary<string, long> { ["header"] = 0, ["refcount table"] = (long)Get(image, 48), ["L1 table"] = (long)Get(image, 40) };
        places["refcount block"] = Offset(image, places["refcount table"]);
        places["L2 table"] = Offset(image, places["L1 table"]);
        places["data"] = Offset(image, places["L2 table"]);
        places["snapshot table"] = (long)Get(image, 64);
        places["L1 table of the snapshot"] = (long)Get(image, (int)places["snapshot table"]);
        places["L2 table of the snapshot"] = Offset(image, places["L1 table of the snapshot"]);
        return places;
    }

    private static long Offset(byte[] image, long place) => (long)(Get(image, (int)place) & 0x00FF_FFFF_FFFF_FE00);

    /// <summary>Every field of the header with values at the edges.</summary>
    private void SpoilFields()
    {
        (string Name, int Offset, int Bytes)[] fields =
        [
            ("version", 4, 4), ("backing offset", 8, 8), ("backing length", 16, 4), ("cluster bits", 20, 4), ("size", 24, 8),
            ("encryption", 32, 4), ("L1 entries", 36, 4), ("refcount table clusters", 56, 4), ("snapshots", 60, 4),
            ("incompatible features", 72, 8), ("autoclear features", 88, 8), ("refcount order", 96, 4), ("header length", 100, 4),
        ];
        ulong[] values = [0, 1, 31, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, ulong.MaxValue];
        foreach (var (name, offset, bytes) in fields)
        {
            foreach (var value in values.Where(value => bytes == 8 || value <= uint.MaxValue))
            {
                Add(
                    string.Create(CultureInfo.InvariantCulture, $"{name} is {value:x}"),
                    image =>
                    {
                        if (bytes == 8)
                        {
                            Put(image, offset, value);
                        }
                        else
                        {
                            BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(offset), (uint)value);
                        }
                    });
            }
        }
    }

    /// <summary>Backing and data files that must not be opened.</summary>
    private void NameOtherFiles(string folder)
    {
        string[] names =
        [
            "/etc/passwd", "../../../../../../../etc/shadow", $"{folder}/secret", $"{folder}/link", $"{folder}/pipe", "secret", "link", "pipe",
            $"{folder}/backing file 0", "/dev/zero", "/dev/stdin", "/proc/self/mem", "/proc/self/fd/0", "json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}",
            "nbd://127.0.0.1:1/x", "nbd:unix:/tmp/x", "http://127.0.0.1:1/x", "https://127.0.0.1:1/x", "ssh://127.0.0.1/x", "file:/etc/passwd", "fd:0",
            "/dev/fd/0", "host_device:/dev/vda", "blkdebug::/etc/passwd", "a\0b", "a\nb", "", ".", "/", new string('x', 1023), "\u001b[2J",
        ];
        for (var index = 0; index < names.Length; index++)
        {
            var name = Encoding.UTF8.GetBytes(names[index]);
            Add(string.Create(CultureInfo.InvariantCulture, $"backing file {index}"), image => Rename(image, name), _named);
            Add(string.Create(CultureInfo.InvariantCulture, $"data file {index}"), image =>
            {
                Put(image, 72, Get(image, 72) | 4);
                PutExtension(image, 0x4441_5441, name, name.Length);
            });
        }
    }

    private static void Rename(byte[] image, byte[] name)
    {
        var offset = (int)Get(image, 8);
        name.CopyTo(image.AsSpan(offset));
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(16), name.Length);
    }

    private void SpoilExtensions()
    {
        foreach (var type in new uint[] { 0xE279_2ACA, 0x6803_F857, 0x2385_2875, 0x0537_BE77, 0x4441_5441, 0x1234_5678 })
        {
            foreach (var length in new[] { -1, int.MaxValue, 0, 3, Cluster, 16, 24 })
            {
                Add(string.Create(CultureInfo.InvariantCulture, $"extension {type:x} of {length}"), image =>
                {
                    PutExtension(image, type, [], length);
                    image.AsSpan(120, 64).Fill(0xFF);
                });
            }
        }

        Add("extensions without an end", image =>
        {
            for (var offset = 112; offset < Cluster; offset += 8)
            {
                BinaryPrimitives.WriteUInt64BigEndian(image.AsSpan(offset), 0x1234_5678_0000_0000);
            }
        });
        Add("LUKS without a header", image => BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(32), 2));
    }

    private static void PutExtension(byte[] image, uint type, byte[] data, int length)
    {
        image.AsSpan(112, Cluster - 112).Clear();
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(112), type);
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(116), length);
        data.CopyTo(image.AsSpan(120));
    }

    /// <summary>Tables as large as a limit allows, or larger, in files that are holes.</summary>
    private void ClaimHugeTables()
    {
        foreach (var entries in new[] { (4 << 20) - 1, 4 << 20, (4 << 20) + 1, int.MaxValue })
        {
            Huge($"L1 table of {entries}", 1L << 30, bytes =>
            {
                BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(36), entries);
                Put(bytes, 40, 16 << 20);
            });
        }

        foreach (var clusters in new[] { 2047, 2048, 2049, int.MaxValue })
        {
            Huge($"refcount table of {clusters} clusters", 1L << 30, bytes =>
            {
                BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(56), clusters);
                Put(bytes, 48, 16 << 20);
            });
        }

        foreach (var count in new[] { 65536, 65537, int.MaxValue })
        {
            Huge($"{count} snapshots", 1L << 30, bytes =>
            {
                BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(60), count);
                Put(bytes, 64, 16 << 20);
            });
        }

        Huge("snapshots with long names", 1L << 30, bytes =>
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(60), 65536);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan((int)Get(bytes, 64) + 12), -1);
        });
        Huge("a disk of an exabyte", 1L << 40, bytes => Put(bytes, 24, 1UL << 60));
        Huge("a file of a tebibyte", 1L << 40, _ => { });
    }

    private void Huge(string name, long length, Action<byte[]> change)
    {
        var bytes = (byte[])_good.Clone();
        change(bytes);
        Add(name, bytes, length);
    }

    /// <summary>Compressed clusters that become more than a cluster, or that all tables refer to.</summary>
    private void AddBombs()
    {
        var places = PlacesOf(_good);
        var bomb = new MemoryStream();
        using (var deflate = new DeflateStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            deflate.Write(new byte[64 << 20]);
        }

        var zstd = new byte[] { 0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xFF, 0x03, 0x00, 0x00 };
        foreach (var (name, data, type) in new[] { ("deflate", bomb.ToArray(), 0), ("zstd", zstd, 1), ("nothing", [], 0), ("nonsense", [0xFF, 0xFE, 0xFD], 0) })
        {
            foreach (var sectors in new ulong[] { 0, 7, 15 })
            {
                Add($"bomb of {name}, {sectors} sectors more", image =>
                {
                    var place = (uint)(image.Length - (4 * Cluster));
                    data.AsSpan(0, Math.Min(data.Length, 4 * Cluster)).CopyTo(image.AsSpan((int)place));
                    image[104] = (byte)type;
                    Put(image, 72, Get(image, 72) | (type == 0 ? 0UL : 8));
                    var shift = 62 - (ClusterBits - 8);
                    for (var entry = 0; entry < Cluster; entry += 8)
                    {
                        Put(image, (int)places["L2 table"] + entry, (1UL << 62) | (sectors << shift) | place);
                    }
                });
            }
        }

        Add("all L1 entries at one L2 table", image =>
        {
            Put(image, 24, 1UL << 30);
            BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(36), Cluster / 8);
            for (var entry = 0; entry < Cluster; entry += 8)
            {
                Put(image, (int)places["L1 table"] + entry, (ulong)places["L2 table"] | (1UL << 63));
            }
        });
    }

    private void CutOff()
    {
        foreach (var length in new[] { 0, 1, 4, 71, 72, 103, 104, 111, 112, 511, 512, 513, Cluster - 1, Cluster, Cluster + 1, 2 * Cluster, (3 * Cluster) + 7, 4 * Cluster, _good.Length - Cluster })
        {
            Add($"cut off after {length}", _good[..length]);
        }
    }

    private static ulong Get(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(offset));

    private static void Put(byte[] bytes, int offset, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(offset), value);
}
