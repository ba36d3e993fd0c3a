using System.Runtime.InteropServices;

namespace Eider.Storage.Compression;

/// <summary>The calls of libzstd (zstd.h, 1.4 and later) that clusters need.</summary>
internal sealed unsafe class ZstdLibrary
{
    private const int CompressionLevel = 100;
    private const int WindowLogMax = 100;
    private const int StableOutBuffer = 1001;
    private const int ResetSession = 1;

    /// <summary>Window that a reader allows when the library wants a copy of it: 8 MiB, four of the largest cluster.</summary>
    private const int BufferedWindowLog = 23;

    private static readonly string[] Names = ["libzstd.so.1", "libzstd.1.dylib", "libzstd.dll", "libzstd"];
    private static readonly Lazy<ZstdLibrary?> Found = new(() => Load(Names));

    private readonly delegate* unmanaged<nint> _createCompress;
    private readonly delegate* unmanaged<nint, nuint> _freeCompress;
    private readonly delegate* unmanaged<nint, int, int, nuint> _setCompress;
    private readonly delegate* unmanaged<nint, byte*, nuint, byte*, nuint, nuint> _compress;
    private readonly delegate* unmanaged<nint> _createDecompress;
    private readonly delegate* unmanaged<nint, nuint> _freeDecompress;
    private readonly delegate* unmanaged<nint, int, int, nuint> _setDecompress;
    private readonly delegate* unmanaged<nint, int, nuint> _resetDecompress;
    private readonly delegate* unmanaged<nint, Buffer*, Buffer*, nuint> _decompress;
    private readonly delegate* unmanaged<nuint, uint> _isError;

    private ZstdLibrary(nint handle)
    {
        // SAFETY: the signatures are those of zstd.h; its interface is stable since 1.4, which has all of these.
        _createCompress = (delegate* unmanaged<nint>)NativeLibrary.GetExport(handle, "ZSTD_createCCtx");
        _freeCompress = (delegate* unmanaged<nint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_freeCCtx");
        _setCompress = (delegate* unmanaged<nint, int, int, nuint>)NativeLibrary.GetExport(handle, "ZSTD_CCtx_setParameter");
        _compress = (delegate* unmanaged<nint, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_compress2");
        _createDecompress = (delegate* unmanaged<nint>)NativeLibrary.GetExport(handle, "ZSTD_createDCtx");
        _freeDecompress = (delegate* unmanaged<nint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_freeDCtx");
        _setDecompress = (delegate* unmanaged<nint, int, int, nuint>)NativeLibrary.GetExport(handle, "ZSTD_DCtx_setParameter");
        _resetDecompress = (delegate* unmanaged<nint, int, nuint>)NativeLibrary.GetExport(handle, "ZSTD_DCtx_reset");
        _decompress = (delegate* unmanaged<nint, Buffer*, Buffer*, nuint>)NativeLibrary.GetExport(handle, "ZSTD_decompressStream");
        _isError = (delegate* unmanaged<nuint, uint>)NativeLibrary.GetExport(handle, "ZSTD_isError");
    }

    /// <summary>The library of this host.</summary>
    /// <exception cref="BlockStorageException">There is none; the message says what to install.</exception>
    public static ZstdLibrary Default => Found.Value ?? throw Missing();

    /// <summary>The first of the libraries that is there and has all that is needed; null if none.</summary>
    public static ZstdLibrary? Load(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, typeof(ZstdLibrary).Assembly, DllImportSearchPath.SafeDirectories, out var handle))
            {
                try
                {
                    return new ZstdLibrary(handle);
                }
                catch (EntryPointNotFoundException)
                {
                    NativeLibrary.Free(handle);
                }
            }
        }

        return null;
    }

    /// <summary>What is said where there is none.</summary>
    public static BlockStorageException Missing() => new(
        BlockErrorKind.UnsupportedFeature, BlockOperation.Open, "zstd", null,
        "zstd: the library libzstd.so.1 (1.4 or later) was not found; install it (Debian and Ubuntu: apt-get install libzstd1; "
        + "Fedora: dnf install libzstd), or use zlib compression");

    /// <summary>A context that compresses.</summary>
    public CompressContext CreateCompress(int level) => new(this, level);

    /// <summary>A context that takes apart.</summary>
    public DecompressContext CreateDecompress() => new(this);

    private bool IsError(nuint code) => _isError(code) != 0;

    [StructLayout(LayoutKind.Sequential)]
    private struct Buffer
    {
        public byte* Start;
        public nuint Size;
        public nuint Position;
    }

    /// <summary>Compresses, one thread at a time.</summary>
    public sealed class CompressContext : NativeContext, ICompressContext
    {
        private readonly ZstdLibrary _library;
        private readonly nint _handle;

        public CompressContext(ZstdLibrary library, int level)
        {
            _library = library;
            _handle = library._createCompress();
            if (_handle == 0 || library.IsError(library._setCompress(_handle, CompressionLevel, level)))
            {
                throw CodecErrors.NoContext("zstd");
            }
        }

        public bool TryCompress(ReadOnlySpan<byte> source, Span<byte> destination, out int bytesWritten)
        {
            // SAFETY: both spans stay pinned for the call; the sizes are their lengths.
            fixed (byte* from = source)
            fixed (byte* to = destination)
            {
                var code = _library._compress(_handle, to, (nuint)destination.Length, from, (nuint)source.Length);
                GC.KeepAlive(this);
                var isGood = !_library.IsError(code);
                bytesWritten = isGood ? (int)code : 0;
                return isGood;
            }
        }

        protected override void Free()
        {
            if (_handle != 0)
            {
                _ = _library._freeCompress(_handle);
            }
        }
    }

    /// <summary>Takes apart, one thread at a time.</summary>
    public sealed class DecompressContext : NativeContext, IDecompressContext
    {
        private readonly ZstdLibrary _library;
        private readonly nint _handle;

        public DecompressContext(ZstdLibrary library)
        {
            _library = library;
            _handle = library._createDecompress();
            if (_handle == 0)
            {
                throw CodecErrors.NoContext("zstd");
            }

            // Decoding straight into the cluster needs no window of its own. Where the library does not know that,
            // a frame must not be able to ask for 128 MiB.
            if (library.IsError(library._setDecompress(_handle, StableOutBuffer, 1)))
            {
                _ = library._setDecompress(_handle, WindowLogMax, BufferedWindowLog);
            }
        }

        public bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> destination)
        {
            _ = _library._resetDecompress(_handle, ResetSession);

            // SAFETY: both spans stay pinned while the two buffers that name them are in use.
            fixed (byte* from = source)
            fixed (byte* to = destination)
            {
                var input = new Buffer { Start = from, Size = (nuint)source.Length };
                var output = new Buffer { Start = to, Size = (nuint)destination.Length };
                while (output.Position < output.Size)
                {
                    var before = input.Position + output.Position;
                    var code = _library._decompress(_handle, &output, &input);
                    if (_library.IsError(code) || input.Position + output.Position == before)
                    {
                        GC.KeepAlive(this);
                        return false;
                    }
                }

                GC.KeepAlive(this);
                return true;
            }
        }

        protected override void Free()
        {
            if (_handle != 0)
            {
                _ = _library._freeDecompress(_handle);
            }
        }
    }
}
