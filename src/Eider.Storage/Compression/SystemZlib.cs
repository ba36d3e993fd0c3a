using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Eider.Storage.Compression;

/// <summary>The zlib of the system (<c>libz.so.1</c>), for where the framework's own cannot be called.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class SystemZlib
{
    private const string Library = "libz.so.1";

    /// <summary>Any version from 1.2 on is compatible; zlib looks at the first digit only.</summary>
    private const string Version = "1.2.0";

    [LibraryImport(Library, EntryPoint = "deflateInit2_", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DeflateInit(
        Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy, string version, int streamBytes);

    [LibraryImport(Library, EntryPoint = "deflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "deflateReset")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DeflateReset(Stream* stream);

    [LibraryImport(Library, EntryPoint = "deflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DeflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "inflateInit2_", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int InflateInit(Stream* stream, int windowBits, string version, int streamBytes);

    [LibraryImport(Library, EntryPoint = "inflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Inflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "inflateReset")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int InflateReset(Stream* stream);

    [LibraryImport(Library, EntryPoint = "inflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int InflateEnd(Stream* stream);

    /// <summary>A <c>z_stream</c> (zlib.h) where <c>long</c> has 64 bits.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Stream : IZlibStream<Stream>
    {
        private byte* _nextIn;
        private uint _availableIn;
        private readonly ulong _totalIn;
        private byte* _nextOut;
        private uint _availableOut;
        private readonly ulong _totalOut;
        private readonly byte* _message;
        private readonly void* _state;
        private readonly void* _allocate;
        private readonly void* _free;
        private readonly void* _opaque;
        private readonly int _dataType;
        private readonly ulong _adler;
        private readonly ulong _reserved;

        public readonly uint AvailableOut => _availableOut;

        public void Point(byte* from, int fromBytes, byte* to, int toBytes)
        {
            _nextIn = from;
            _availableIn = (uint)fromBytes;
            _nextOut = to;
            _availableOut = (uint)toBytes;
        }

        public static int DeflateInit(Stream* stream, int level) => SystemZlib.DeflateInit(
            stream, level, ZlibConstants.Deflated, ZlibConstants.WriteWindowBits, ZlibConstants.MemoryLevel, ZlibConstants.DefaultStrategy,
            Version, sizeof(Stream));

        public static int DeflateReset(Stream* stream, int level) => SystemZlib.DeflateReset(stream);

        public static int Deflate(Stream* stream, int flush) => SystemZlib.Deflate(stream, flush);

        public static int DeflateEnd(Stream* stream) => SystemZlib.DeflateEnd(stream);

        public static int InflateInit(Stream* stream) => SystemZlib.InflateInit(stream, ZlibConstants.ReadWindowBits, Version, sizeof(Stream));

        public static int InflateReset(Stream* stream) => SystemZlib.InflateReset(stream);

        public static int Inflate(Stream* stream, int flush) => SystemZlib.Inflate(stream, flush);

        public static int InflateEnd(Stream* stream) => SystemZlib.InflateEnd(stream);
    }
}
