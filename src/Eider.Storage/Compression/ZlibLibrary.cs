namespace Eider.Storage.Compression;

/// <summary>Which deflate is used: the framework's, else the system's.</summary>
internal abstract class ZlibLibrary
{
    private static readonly Lazy<ZlibLibrary?> Found = new(Find);

    /// <summary>The one that works here.</summary>
    /// <exception cref="BlockStorageException">None does.</exception>
    public static ZlibLibrary Default => Found.Value ?? throw new BlockStorageException(
        BlockErrorKind.UnsupportedFeature, BlockOperation.Open, "zlib", null,
        "zlib: neither the .NET runtime's deflate nor libz.so.1 can be called here; install zlib (package zlib1g on Debian)");

    /// <summary>The framework's own.</summary>
    public static ZlibLibrary Framework { get; } = new OfFramework();

    /// <summary>The system's.</summary>
    public static ZlibLibrary System { get; } = new OfSystem();

    /// <summary>A stream that compresses.</summary>
    public abstract ICompressContext CreateDeflate(int level);

    /// <summary>A stream that takes apart.</summary>
    public abstract IDecompressContext CreateInflate();

    private static ZlibLibrary? Find() => Works(Framework) ? Framework : Works(System) ? System : null;

    /// <summary>A round trip, since a missing entry point shows only when it is called.</summary>
    private static bool Works(ZlibLibrary library)
    {
        try
        {
            var plain = "a round trip, a round trip"u8;
            Span<byte> packed = stackalloc byte[64];
            Span<byte> read = stackalloc byte[plain.Length];
            using var deflate = library.CreateDeflate(ZlibClusterCodec.DefaultLevel);
            using var inflate = library.CreateInflate();
            return deflate.TryCompress(plain, packed, out var length)
                && inflate.TryDecompress(packed[..length], read)
                && read.SequenceEqual(plain);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return false;
        }
    }

    private sealed class OfFramework : ZlibLibrary
    {
        public override ICompressContext CreateDeflate(int level) => new DeflateContext<FrameworkZlib.Stream>(level);

        public override IDecompressContext CreateInflate() => new InflateContext<FrameworkZlib.Stream>();
    }

    private sealed class OfSystem : ZlibLibrary
    {
        public override ICompressContext CreateDeflate(int level) =>
            OperatingSystem.IsLinux() ? new DeflateContext<SystemZlib.Stream>(level) : throw NotHere();

        public override IDecompressContext CreateInflate() =>
            OperatingSystem.IsLinux() ? new InflateContext<SystemZlib.Stream>() : throw NotHere();

        private static DllNotFoundException NotHere() => new("libz.so.1 is a library of Linux");
    }
}
