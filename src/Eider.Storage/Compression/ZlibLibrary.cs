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
    public abstract IDeflateContext CreateDeflate(int level);

    /// <summary>A stream that takes apart.</summary>
    public abstract IInflateContext CreateInflate();

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
            return deflate.TryDeflate(plain, packed, out var length)
                && inflate.TryInflate(packed[..length], read)
                && read.SequenceEqual(plain);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return false;
        }
    }

    private sealed class OfFramework : ZlibLibrary
    {
        public override IDeflateContext CreateDeflate(int level) => new FrameworkZlib.DeflateContext(level);

        public override IInflateContext CreateInflate() => new FrameworkZlib.InflateContext();
    }

    private sealed class OfSystem : ZlibLibrary
    {
        public override IDeflateContext CreateDeflate(int level) =>
            OperatingSystem.IsLinux() ? new SystemZlib.DeflateContext(level) : throw NotHere();

        public override IInflateContext CreateInflate() =>
            OperatingSystem.IsLinux() ? new SystemZlib.InflateContext() : throw NotHere();

        private static DllNotFoundException NotHere() => new("libz.so.1 is a library of Linux");
    }
}
