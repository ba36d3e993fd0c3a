using System.Globalization;
using Eider.Storage.Formats;

namespace Eider.Storage.Encryption;

/// <summary>The creation options of LUKS as users write them; the names and values are QEMU's.</summary>
internal static class LuksOptions
{
    private const string CipherAlgorithm = "cipher-alg";
    private const string CipherModeName = "cipher-mode";
    private const string IvAlgorithm = "ivgen-alg";
    private const string IvHash = "ivgen-hash-alg";
    private const string HashAlgorithm = "hash-alg";
    private const string IterationTime = "iter-time";

    private static readonly ImageCreateOption[] Plain =
    [
        new(CipherAlgorithm, "aes-128|aes-192|aes-256", "encryption cipher algorithm"),
        new(CipherModeName, "xts|cbc", "encryption cipher mode"),
        new(IvAlgorithm, "plain64|plain|essiv", "initialization vector generator"),
        new(IvHash, "sha256", "hash algorithm of essiv"),
        new(HashAlgorithm, "sha1|sha256|sha512", "hash algorithm of the passphrase"),
        new(IterationTime, "MILLISECONDS", "how long hashing the passphrase takes"),
    ];

    /// <summary>The options, each with a prefix (<c>encrypt.</c> in qcow2).</summary>
    public static IEnumerable<ImageCreateOption> Known(string prefix) =>
        Plain.Select(option => option with { Name = prefix + option.Name });

    /// <summary>What the values of the options say; those of other names are not looked at.</summary>
    /// <exception cref="BlockStorageException">A value is wrong; the message names it.</exception>
    public static LuksCreateOptions Parse(BlockStorage file, IReadOnlyDictionary<string, string> options, string prefix)
    {
        var defaults = new LuksCreateOptions();
        var milliseconds = options.GetValueOrDefault(prefix + IterationTime);
        var cipher = new LuksCipherName
        {
            AesBits = Value(CipherAlgorithm, "aes-256") switch
            {
                "aes-128" => 128,
                "aes-192" => 192,
                "aes-256" => 256,
                var other => throw Bad(CipherAlgorithm, other, "aes-128, aes-192 or aes-256"),
            },
            Mode = Value(CipherModeName, "xts") switch
            {
                "xts" => SectorCipherMode.Xts,
                "cbc" => SectorCipherMode.Cbc,
                var other => throw Bad(CipherModeName, other, "xts or cbc"),
            },
            Iv = Value(IvAlgorithm, "plain64") switch
            {
                "plain" => SectorIvKind.Plain,
                "plain64" => SectorIvKind.Plain64,
                "essiv" => SectorIvKind.Essiv,
                var other => throw Bad(IvAlgorithm, other, "plain64, plain or essiv"),
            },
            EssivHash = Hash(IvHash),
            Hash = Hash(HashAlgorithm),
        };
        return defaults with
        {
            Cipher = cipher,
            IterationTime = milliseconds == null ? defaults.IterationTime
                : int.TryParse(milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var time) && time > 0
                    ? TimeSpan.FromMilliseconds(time)
                    : throw Bad(IterationTime, milliseconds, "a number of milliseconds, at least 1"),
        };

        string Value(string name, string otherwise) => options.GetValueOrDefault(prefix + name, otherwise);

        System.Security.Cryptography.HashAlgorithmName Hash(string name) =>
            LuksCipherName.HashOf(Value(name, "sha256")) ?? throw Bad(name, Value(name, ""), "sha1, sha256 or sha512");

        BlockStorageException Bad(string name, string found, string expected) =>
            ImageErrors.BadOption(file, $"found {prefix}{name}={found}, expected {expected}");
    }
}
