using System.Globalization;
using System.Numerics;
using Eider.Storage.Encryption;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Reads the options of a new image, and refuses what cannot be together.</summary>
internal static class Qcow2CreateParsing
{
    private const string EncryptPrefix = "encrypt.";

    /// <summary>The options, for help.</summary>
    public static readonly ImageCreateOption[] Known =
    [
        new("compat", "0.10|1.1|v2|v3", "version of the format"),
        new("cluster_size", "512 to 2M", "bytes of a cluster"),
        new("refcount_bits", "1|2|4|8|16|32|64", "width of a refcount"),
        new("lazy_refcounts", "on|off", "write refcounts late, with a dirty bit meanwhile"),
        new("extended_l2", "on|off", "32 subclusters for each cluster"),
        new("compression_type", "zlib|zstd", "how clusters are compressed"),
        new("preallocation", "off|metadata|falloc|full", "what is set aside now"),
        new("backing_file", "NAME", "image behind this one, as written into the image"),
        new("backing_fmt", "FORMAT", "its format"),
        new("data_file", "NAME", "file with the data, as written into the image"),
        new("data_file_raw", "on|off", "keep the data file readable alone"),
        new("encryption", "on|off", "encrypt in the old way (weak); the same as encrypt.format=aes"),
        new("encrypt.format", "luks|aes", "encrypt the data; aes is weak and only for old readers"),
        new("encrypt.key-secret", "NAME", "secret with the passphrase, which the command looks up"),
        .. LuksOptions.Known(EncryptPrefix),
    ];

    public static Qcow2CreateOptions Parse(BlockStorage file, IReadOnlyDictionary<string, string> texts)
    {
        var options = new Qcow2CreateOptions();
        foreach (var (name, value) in texts)
        {
            options = With(file, options, name, value);
        }

        var luksOption = texts.Keys.FirstOrDefault(name => LuksOptions.Known(EncryptPrefix).Any(known => known.Name == name));
        return options.Encryption == Qcow2EncryptionMethod.Luks
            ? options with { Luks = LuksOptions.Parse(file, texts, EncryptPrefix) }
            : luksOption == null ? options : throw ImageErrors.BadOption(file, $"{luksOption} needs encrypt.format=luks");
    }

    /// <summary>Refuses options that contradict each other.</summary>
    public static void Check(BlockStorage file, Qcow2CreateOptions options, long sizeBytes)
    {
        Expect(
            BitOperations.IsPow2(options.ClusterBytes) && options.ClusterBytes is >= 512 and <= 1 << Qcow2Limits.MaxClusterBits,
            $"found cluster_size={options.ClusterBytes}, expected a power of two from 512 to 2M");
        Expect(
            BitOperations.IsPow2(options.RefcountBits) && options.RefcountBits is >= 1 and <= 64,
            $"found refcount_bits={options.RefcountBits}, expected 1, 2, 4, 8, 16, 32 or 64");
        Expect(options.Version is 2 or 3, $"found version {options.Version}, expected 2 or 3");
        Expect(
            options.Version == 3 || options.RefcountBits == 16, $"found refcount_bits={options.RefcountBits} with compat=0.10, expected 16 or compat=1.1");
        Expect(options.Version == 3 || !options.HasLazyRefcounts, $"lazy_refcounts=on needs compat=1.1");
        Expect(options.Version == 3 || !options.HasExtendedL2, $"extended_l2=on needs compat=1.1");
        Expect(options.Version == 3 || options.CompressionType == 0, $"compression_type=zstd needs compat=1.1");
        Expect(options.Version == 3 || options.DataFileName == null, $"data_file needs compat=1.1");
        Expect(
            !options.HasExtendedL2 || options.ClusterBytes >= 1 << Qcow2Limits.MinClusterBitsOfExtendedL2,
            $"extended_l2=on needs clusters of 16K at least, found {options.ClusterBytes}");
        Expect(!options.IsDataFileRaw || options.DataFileName != null, $"data_file_raw=on needs data_file");
        Expect(!options.IsDataFileRaw || options.BackingName == null, $"data_file_raw=on and backing_file exclude each other");
        Expect(
            options.BackingName == null || options.Preallocation == ImagePreallocation.Off || options.HasExtendedL2,
            $"preallocation={options.Preallocation.ToString().ToLowerInvariant()} with a backing file needs extended_l2=on");
        Expect(options.BackingFormat == null || options.BackingName != null, $"backing_fmt needs backing_file");
        Expect(
            options.Encryption == Qcow2EncryptionMethod.None || options.Key is { Length: > 0 }, $"an encrypted image needs a passphrase; found none");
        Expect(
            options.Encryption == Qcow2EncryptionMethod.None || options.DataFileName == null || !options.IsDataFileRaw,
            $"data_file_raw=on and encryption exclude each other");
        Expect(sizeBytes >= 0, $"found size {sizeBytes}, expected 0 or more");

        void Expect(bool condition, FormattableString what)
        {
            if (!condition)
            {
                throw ImageErrors.BadOption(file, what.ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    private static Qcow2CreateOptions With(BlockStorage file, Qcow2CreateOptions options, string name, string value) => name switch
    {
        "compat" => options with
        {
            Version = value switch
            {
                "0.10" or "v2" => 2,
                "1.1" or "v3" => 3,
                _ => throw ImageErrors.BadOption(file, $"found compat={value}, expected 0.10 or 1.1"),
            },
        },
        "cluster_size" => options with { ClusterBytes = Size(file, name, value) },
        "refcount_bits" => options with { RefcountBits = Size(file, name, value) },
        "lazy_refcounts" => options with { HasLazyRefcounts = Switch(file, name, value) },
        "extended_l2" => options with { HasExtendedL2 = Switch(file, name, value) },
        "compression_type" => options with
        {
            CompressionType = value switch
            {
                "zlib" => 0,
                "zstd" => 1,
                _ => throw ImageErrors.BadOption(file, $"found compression_type={value}, expected zlib or zstd"),
            },
        },
        "preallocation" => options with { Preallocation = ImagePreallocations.Parse(file, value) },
        "backing_file" => options with { BackingName = value.Length > 0 ? value : null },
        "backing_fmt" => options with { BackingFormat = value.Length > 0 ? value : null },
        "data_file" => options with { DataFileName = value },
        "encryption" => options with { Encryption = Switch(file, name, value) ? Qcow2EncryptionMethod.Aes : options.Encryption },
        "encrypt.format" => options with
        {
            Encryption = value switch
            {
                "luks" => Qcow2EncryptionMethod.Luks,
                "aes" => Qcow2EncryptionMethod.Aes,
                _ => throw ImageErrors.BadOption(file, $"found encrypt.format={value}, expected luks or aes"),
            },
        },
        _ when name.StartsWith(EncryptPrefix, StringComparison.Ordinal) && Known.Any(known => known.Name == name) => options,
        "data_file_raw" => options with { IsDataFileRaw = Switch(file, name, value) },
        _ => throw ImageErrors.BadOption(
            file, $"unknown option '{name}' for qcow2; expected one of {string.Join(", ", Known.Select(known => known.Name))}"),
    };

    private static bool Switch(BlockStorage file, string name, string value) => value switch
    {
        "on" or "yes" or "true" or "y" => true,
        "off" or "no" or "false" or "n" => false,
        _ => throw ImageErrors.BadOption(file, $"found {name}={value}, expected on or off"),
    };

    private static int Size(BlockStorage file, string name, string value)
    {
        return ByteSizes.TryParse(value, out var bytes) == ByteSizeKind.Size && bytes <= int.MaxValue
            ? (int)bytes
            : throw ImageErrors.BadOption(file, $"found {name}={value}, expected a number of bytes, or one with K or M");
    }
}
