using Eider.Storage.Encryption;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>What a new image shall be like, beside its size; by default as QEMU 7.2 makes one.</summary>
public sealed record Qcow2CreateOptions
{
    /// <summary>2 or 3 (<c>compat=0.10</c> or <c>compat=1.1</c>).</summary>
    public int Version { get; init; } = 3;

    /// <summary>Bytes of a cluster: a power of two from 512 to 2 MiB.</summary>
    public int ClusterBytes { get; init; } = 65536;

    /// <summary>Bits of a refcount: 1, 2, 4, 8, 16, 32 or 64.</summary>
    public int RefcountBits { get; init; } = 16;

    /// <summary>True to write refcounts late, with the dirty bit set meanwhile.</summary>
    public bool HasLazyRefcounts { get; init; }

    /// <summary>True for L2 entries with subclusters.</summary>
    public bool HasExtendedL2 { get; init; }

    /// <summary>How clusters will be compressed: 0 for zlib, 1 for zstd.</summary>
    public byte CompressionType { get; init; }

    /// <summary>What is set aside at once.</summary>
    public ImagePreallocation Preallocation { get; init; }

    /// <summary>Name of the backing file as the image shall have it.</summary>
    public string? BackingName { get; init; }

    /// <summary>Format of the backing file.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>Name of the external data file as the image shall have it.</summary>
    public string? DataFileName { get; init; }

    /// <summary>True if the data file shall be readable alone.</summary>
    public bool IsDataFileRaw { get; init; }

    /// <summary>
    /// How the data are encrypted. <see cref="Qcow2EncryptionMethod.Aes"/> is weak and only for readers of old: who
    /// creates such an image should be warned.
    /// </summary>
    public Qcow2EncryptionMethod Encryption { get; init; }

    /// <summary>Cipher and effort of LUKS.</summary>
    public LuksCreateOptions Luks { get; init; } = new();

    /// <summary>The passphrase of an encrypted image.</summary>
    public ReadOnlyMemory<byte>? Key { get; init; }
}
