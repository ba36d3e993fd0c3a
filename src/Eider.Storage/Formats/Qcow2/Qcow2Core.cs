using Eider.Storage.Compression;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// What all parts of an open image share: the header, the files, the tables. The parts themselves
/// (<see cref="ClusterReader"/>, writer, allocator, commit) hold nothing that another part needs.
/// </summary>
internal sealed class Qcow2Core
{
    private readonly Lock _codecGate = new();
    private ClusterCodec? _codec;

    public Qcow2Core(Qcow2Header header, ImageFile file, ImageFile data, ulong[] l1, ImageOpenOptions options)
    {
        Header = header;
        Layout = new Qcow2Layout(header);
        File = file;
        Data = data;
        Options = options;
        L1 = new L1Table(header.L1Offset, l1);
        Cache = new MetadataCache(file, Layout.SliceBytes, options.CacheBytes);
        Mapper = new ClusterMapper(Layout, L1, Cache, file.Name);
        Reader = new ClusterReader(this);
    }

    /// <summary>The header as it is in the file, or will be after the next commit.</summary>
    public Qcow2Header Header { get; set; }

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

    /// <summary>The image behind this one; null if there is none.</summary>
    public BlockStorage? Backing { get; set; }

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
