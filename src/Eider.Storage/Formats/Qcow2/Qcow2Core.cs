using Eider.Storage.Compression;
using Eider.Storage.Formats.Qcow2.Bitmaps;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// What all parts of an open image share: the header, the files, the tables. The parts themselves
/// (<see cref="ClusterReader"/>, writer, allocator, commit) hold nothing that another part needs.
/// </summary>
internal sealed class Qcow2Core
{
    private readonly Lock _codecGate = new();
    private readonly Lock _headerGate = new();
    private ClusterCodec? _codec;
    private volatile bool _isBroken;
    private volatile bool _isHeaderLost;
    private Qcow2Header _header;

    public Qcow2Core(Qcow2Header header, ImageFile file, ImageFile data, ulong[] l1, ImageOpenOptions options)
    {
        _header = header;
        Layout = new Qcow2Layout(header);
        File = file;
        Data = data;
        Options = options;
        L1 = new L1Table(header.L1Offset, l1);
        Cache = new MetadataCache(file, Layout.SliceBytes, options.CacheBytes);
        Mapper = new ClusterMapper(Layout, L1, Cache, file.Name);
        Reader = new ClusterReader(this);
        L2 = new L2Access(this);
        Preparation = new WritePreparation(this);
        Commit = new MetadataCommit(this);
        Writer = new ClusterWriter(this);
        Zeroer = new ClusterZeroer(this);
        Bitmaps = new BitmapKeeper(this);
    }

    /// <summary>The header as it is in the file.</summary>
    public Qcow2Header Header => Volatile.Read(ref _header);

    public Qcow2Layout Layout { get; }

    /// <summary>The file with the metadata.</summary>
    public ImageFile File { get; }

    /// <summary>The file with the data: the same, or the external data file.</summary>
    public ImageFile Data { get; }

    public string Name => File.Name;

    public ImageOpenOptions Options { get; }

    public L1Table L1 { get; }

    public MetadataCache Cache { get; }

    public ClusterMapper Mapper { get; }

    public ClusterReader Reader { get; }

    public RequestGate Gate { get; } = new();

    /// <summary>Guest clusters whose mapping is being changed.</summary>
    public RangeLocks ClusterLocks { get; } = new();

    /// <summary>L1 entries whose L2 table is being made.</summary>
    public RangeLocks TableLocks { get; } = new();

    public L2Access L2 { get; }

    public WritePreparation Preparation { get; }

    public MetadataCommit Commit { get; }

    public ClusterWriter Writer { get; }

    public ClusterZeroer Zeroer { get; }

    /// <summary>Where the metadata are; there once the image is prepared for writing.</summary>
    public MetadataMap Metadata { get; set; } = null!;

    /// <summary>Gives out clusters; there once the image is prepared for writing.</summary>
    public ClusterAllocator Allocator { get; set; } = null!;

    /// <summary>Keeps the persistent bitmaps.</summary>
    public BitmapKeeper Bitmaps { get; }

    /// <summary>True once the tables were found to contradict themselves: nothing is written any more.</summary>
    public bool IsBroken
    {
        get => _isBroken;
        set => _isBroken = value;
    }

    /// <summary>The image behind this one; null if there is none.</summary>
    public BlockStorage? Backing { get; set; }

    /// <summary>
    /// True while another backing image is about to come behind this one: zeroes are then said by the image itself even
    /// where nothing that is behind it now has anything else.
    /// </summary>
    public bool SaysEveryZero { get; set; }

    /// <summary>What encrypts the data; null for plain data, and before the key is set.</summary>
    public IDataCipher? Cipher { get; set; }

    /// <summary>What compresses clusters, made at its first use: its library may be missing where nothing is compressed.</summary>
    public ClusterCodec Codec
    {
        get
        {
            lock (_codecGate)
            {
                return _codec ??= ClusterCodec.Create(
                    Header.CompressionType == 0 ? ClusterCompression.Zlib : ClusterCompression.Zstd);
            }
        }
    }

    /// <summary>Takes note of a header that was changed in the file.</summary>
    public void UpdateHeader(Func<Qcow2Header, Qcow2Header> change)
    {
        lock (_headerGate)
        {
            Volatile.Write(ref _header, change(_header));
        }
    }

    /// <summary>Takes note that nobody knows what the header or the tables say: nothing is written until the image is opened again.</summary>
    public void LoseHeader() => _isHeaderLost = IsBroken = true;

    /// <summary>Refuses to go on in an image whose tables contradict themselves.</summary>
    public void ThrowIfBroken(BlockOperation operation)
    {
        if (_isHeaderLost)
        {
            throw new BlockStorageException(
                BlockErrorKind.FlushFailed, operation, Name, null,
                $"{Name}: the host failed twice, and what the header or the tables say is not known; reopen the image");
        }

        if (IsBroken)
        {
            throw ImageErrors.Corrupt(
                Name, operation, null, "the image was found to be corrupt and is not written any more; repair it with 'eider img check -r all'");
        }
    }

    /// <summary>Frees what is not a file.</summary>
    public void Dispose()
    {
        lock (_codecGate)
        {
            _codec?.Dispose();
        }

        (Cipher as IDisposable)?.Dispose();
    }
}
