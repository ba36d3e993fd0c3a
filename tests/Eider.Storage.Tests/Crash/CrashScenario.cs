using System.Globalization;
using Eider.ImageWorker;
using Eider.Storage.Backends;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Tests.Crash;

/// <summary>A kind of image, and what is done to it besides writes, zeroes, discards and flushes.</summary>
/// <param name="Name">Its name, for the table and for replays.</param>
/// <param name="Create">Options of the new image.</param>
/// <param name="Extras">What else is done, see <see cref="CrashOperations"/>.</param>
internal sealed record CrashScenario(string Name, string Create, CrashExtras Extras = CrashExtras.None)
{
    /// <summary>Sectors of the disk at the beginning.</summary>
    public const int Sectors = 512;

    /// <summary>Sectors of the largest disk.</summary>
    public const int MaxSectors = 768;

    /// <summary>The passphrase of encrypted images.</summary>
    public static readonly byte[] Key = "correct horse"u8.ToArray();

    /// <summary>All scenarios.</summary>
    public static readonly CrashScenario[] All =
    [
        new("clusters of 512 bytes", "cluster_size=512"),
        new("refcounts of 64 bits", "cluster_size=512,refcount_bits=64", CrashExtras.Resize),
        new("refcounts of 1 bit", "cluster_size=512,refcount_bits=1", CrashExtras.Compact),
        new("clusters of 4 KiB", "cluster_size=4k", CrashExtras.Reopen),
        new("clusters of 64 KiB", "cluster_size=64k"),
        new("version 2", "cluster_size=4k,compat=0.10", CrashExtras.Resize),
        new("lazy refcounts", "cluster_size=1k,lazy_refcounts=on", CrashExtras.Reopen),
        new("lazy refcounts, all the rest", "cluster_size=512,lazy_refcounts=on,refcount_bits=32",
            CrashExtras.Resize | CrashExtras.Compress | CrashExtras.Snapshots | CrashExtras.Reopen | CrashExtras.Compact),
        new("extended L2", "cluster_size=16k,extended_l2=on", CrashExtras.Resize | CrashExtras.Compact),
        new("extended L2 with backing", "cluster_size=16k,extended_l2=on", CrashExtras.Backing | CrashExtras.Empty),
        new("extended L2 with snapshots", "cluster_size=16k,extended_l2=on", CrashExtras.Snapshots),
        new("zlib", "cluster_size=4k", CrashExtras.Compress | CrashExtras.Compact),
        new("zstd", "cluster_size=2k,compression_type=zstd,refcount_bits=8", CrashExtras.Compress | CrashExtras.Snapshots),
        new("snapshots", "cluster_size=4k", CrashExtras.Snapshots | CrashExtras.Resize),
        new("snapshots, version 2", "cluster_size=4k,compat=0.10", CrashExtras.Snapshots | CrashExtras.Resize),
        new("snapshots, refcounts of 8 bits", "cluster_size=512,refcount_bits=8", CrashExtras.Snapshots | CrashExtras.Compress | CrashExtras.Resize | CrashExtras.Compact),
        new("compaction", "cluster_size=512", CrashExtras.Compact | CrashExtras.Snapshots | CrashExtras.Resize),
        new("backing", "cluster_size=4k", CrashExtras.Backing | CrashExtras.Resize | CrashExtras.Compress),
        new("backing, version 2", "cluster_size=2k,compat=0.10", CrashExtras.Backing | CrashExtras.Resize),
        new("commit and empty", "cluster_size=4k", CrashExtras.Commit | CrashExtras.Empty | CrashExtras.Compress),
        new("commit and empty, extended L2", "cluster_size=16k,extended_l2=on", CrashExtras.Commit | CrashExtras.Empty | CrashExtras.Resize),
        new("rebase", "cluster_size=4k", CrashExtras.Rebase),
        new("rebase, version 2", "cluster_size=2k,compat=0.10", CrashExtras.Rebase),
        new("amend", "cluster_size=2k", CrashExtras.Amend | CrashExtras.Reopen | CrashExtras.Resize),
        new("data file", "cluster_size=4k", CrashExtras.DataFile | CrashExtras.Resize),
        new("raw data file", "cluster_size=4k,data_file_raw=on", CrashExtras.DataFile | CrashExtras.Resize),
        new("LUKS", "cluster_size=4k,encrypt.format=luks,encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=plain64",
            CrashExtras.Snapshots | CrashExtras.Resize | CrashExtras.Compact),
        new("preallocated metadata", "cluster_size=2k,preallocation=metadata", CrashExtras.Resize | CrashExtras.Preallocate),
        new("preallocated in full", "cluster_size=4k,preallocation=full", CrashExtras.Snapshots | CrashExtras.Preallocate),
        new("two at once", "cluster_size=4k", CrashExtras.TwoAtOnce),
        new("bitmaps", "cluster_size=512", CrashExtras.Bitmaps | CrashExtras.Reopen | CrashExtras.Resize),
        new("bitmaps, lazy refcounts", "cluster_size=1k,lazy_refcounts=on", CrashExtras.Bitmaps | CrashExtras.Reopen | CrashExtras.Amend),
        new("bitmaps, all the rest", "cluster_size=4k",
            CrashExtras.Bitmaps | CrashExtras.Snapshots | CrashExtras.Resize | CrashExtras.Compress | CrashExtras.Compact | CrashExtras.Reopen),
        new("bitmaps over a backing file", "cluster_size=4k", CrashExtras.Bitmaps | CrashExtras.Rebase | CrashExtras.Reopen),
        new("bitmaps, commit and empty", "cluster_size=16k,extended_l2=on",
            CrashExtras.Bitmaps | CrashExtras.Commit | CrashExtras.Empty | CrashExtras.Reopen),
        new("bitmaps, two at once", "cluster_size=4k", CrashExtras.Bitmaps | CrashExtras.TwoAtOnce),
        new("two at once, compressed", "cluster_size=1k,lazy_refcounts=on", CrashExtras.TwoAtOnce | CrashExtras.Compress),
    ];

    /// <summary>True if something is done besides the plain operations.</summary>
    public bool Has(CrashExtras extra) => (Extras & extra) != 0;

    /// <summary>True if another image lies behind it.</summary>
    public bool HasBacking => Has(CrashExtras.Backing | CrashExtras.Commit | CrashExtras.Rebase);

    /// <summary>True if a second file belongs to the image that is written too.</summary>
    public bool HasSecondFile => Has(CrashExtras.DataFile | CrashExtras.Commit);

    /// <summary>The files of a new image.</summary>
    public async Task<CrashFile[]> CreateAsync()
    {
        var texts = Create.Split(',').Select(option => option.Split('=')).ToDictionary(parts => parts[0], parts => parts[1]);
        var file = new MemoryStorage(0);
        var data = Has(CrashExtras.DataFile) ? new MemoryStorage(0) : null;
        if (data != null)
        {
            texts["data_file"] = "data";
        }

        if (Has(CrashExtras.Rebase))
        {
            (texts["backing_file"], texts["backing_fmt"]) = (CrashBacking.Names[0], "raw");
        }

        var options = Qcow2CreateParsing.Parse(file, texts) with
        {
            Key = texts.ContainsKey("encrypt.format") ? Key : (ReadOnlyMemory<byte>?)null,
        };
        options = options with { Luks = options.Luks with { Iterations = 1000 } };
        await Qcow2Format.CreateAsync(file, (long)Sectors * TaggedSectors.Bytes, options, data);
        var files = new List<CrashFile> { await FileOfAsync(file) };
        if (HasSecondFile)
        {
            files.Add(data != null ? await FileOfAsync(data) : new CrashFile(CrashBacking.Content(0)));
        }

        return [.. files];
    }

    /// <summary>What the disk has at the beginning.</summary>
    public uint[] InitialTags()
    {
        var tags = new uint[MaxSectors];
        if (HasBacking)
        {
            tags.AsSpan(0, Sectors).Fill(DiskModel.FirstBacking);
        }

        return tags;
    }

    private static async Task<CrashFile> FileOfAsync(MemoryStorage storage)
    {
        var bytes = new byte[storage.SizeBytes];
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, bytes));
        return new CrashFile(bytes);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({Create}; {Extras})");
}
