using System.Runtime.InteropServices;

namespace Eider.Storage.Compression;

/// <summary>
/// The zlib that the framework brings along (zlib-ng, twice as fast as the classic one). Its entry points are no
/// public contract: <see cref="ZlibLibrary"/> tries them and takes another library if they are gone.
/// </summary>
internal static unsafe partial class FrameworkZlib
{
    private const string Library = "libSystem.IO.Compression.Native";

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DeflateInit(Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DeflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int InflateInit(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int InflateReset(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Inflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int InflateEnd(Stream* stream);

    /// <summary>The framework's own view of a stream (pal_zlib.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Stream : IZlibStream<Stream>
    {
        private byte* _nextIn;
        private byte* _nextOut;
        private readonly byte* _message;
        private readonly void* _state;
        private uint _availableIn;
        private uint _availableOut;

        public readonly uint AvailableOut => _availableOut;

        public void Point(byte* from, int fromBytes, byte* to, int toBytes)
        {
            _nextIn = from;
            _availableIn = (uint)fromBytes;
            _nextOut = to;
            _availableOut = (uint)toBytes;
        }

        public static int DeflateInit(Stream* stream, int level) => FrameworkZlib.DeflateInit(
            stream, level, ZlibConstants.Deflated, ZlibConstants.WriteWindowBits, ZlibConstants.MemoryLevel, ZlibConstants.DefaultStrategy);

        /// <summary>The library has no reset: each begins anew.</summary>
        public static int DeflateReset(Stream* stream, int level)
        {
            _ = DeflateEnd(stream);
            *stream = default;
            return DeflateInit(stream, level);
        }

        public static int Deflate(Stream* stream, int flush) => FrameworkZlib.Deflate(stream, flush);

        public static int DeflateEnd(Stream* stream) => FrameworkZlib.DeflateEnd(stream);

        public static int InflateInit(Stream* stream) => FrameworkZlib.InflateInit(stream, ZlibConstants.ReadWindowBits);

        public static int InflateReset(Stream* stream) => FrameworkZlib.InflateReset(stream, ZlibConstants.ReadWindowBits);

        public static int Inflate(Stream* stream, int flush) => FrameworkZlib.Inflate(stream, flush);

        public static int InflateEnd(Stream* stream) => FrameworkZlib.InflateEnd(stream);
    }
}
