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
    public static partial int DeflateInit(Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int DeflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int InflateInit(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int InflateReset(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Inflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int InflateEnd(Stream* stream);

    /// <summary>The framework's own view of a stream (pal_zlib.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Stream
    {
        public byte* NextIn;
        public byte* NextOut;
        public byte* Message;
        public void* State;
        public uint AvailableIn;
        public uint AvailableOut;
    }

    /// <summary>Compresses; the library has no reset, so each cluster makes its own stream.</summary>
    public sealed class DeflateContext(int level) : IDeflateContext
    {
        public bool TryDeflate(ReadOnlySpan<byte> source, Span<byte> destination, out int bytesWritten)
        {
            bytesWritten = 0;
            Stream stream = default;
            var status = DeflateInit(
                &stream, level, ZlibConstants.Deflated, ZlibConstants.WriteWindowBits, ZlibConstants.MemoryLevel,
                ZlibConstants.DefaultStrategy);
            if (status != ZlibConstants.Ok)
            {
                throw CodecErrors.NoContext("zlib");
            }

            try
            {
                // SAFETY: both spans stay pinned for the one call that uses them; the counts are their lengths.
                fixed (byte* from = source)
                fixed (byte* to = destination)
                {
                    stream.NextIn = from;
                    stream.AvailableIn = (uint)source.Length;
                    stream.NextOut = to;
                    stream.AvailableOut = (uint)destination.Length;
                    status = Deflate(&stream, ZlibConstants.Finish);
                }
            }
            finally
            {
                _ = DeflateEnd(&stream);
            }

            bytesWritten = destination.Length - (int)stream.AvailableOut;
            return status == ZlibConstants.StreamEnd;
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Takes apart.</summary>
    public sealed class InflateContext : IInflateContext
    {
        private Stream* _stream;

        public InflateContext()
        {
            _stream = (Stream*)NativeMemory.AllocZeroed((nuint)sizeof(Stream));
            if (InflateInit(_stream, ZlibConstants.ReadWindowBits) != ZlibConstants.Ok)
            {
                Dispose();
                throw CodecErrors.NoContext("zlib");
            }
        }

        ~InflateContext() => Free();

        public bool TryInflate(ReadOnlySpan<byte> source, Span<byte> destination)
        {
            if (InflateReset(_stream, ZlibConstants.ReadWindowBits) != ZlibConstants.Ok)
            {
                return false;
            }

            // SAFETY: both spans stay pinned for the one call that uses them; the counts are their lengths.
            fixed (byte* from = source)
            fixed (byte* to = destination)
            {
                _stream->NextIn = from;
                _stream->AvailableIn = (uint)source.Length;
                _stream->NextOut = to;
                _stream->AvailableOut = (uint)destination.Length;
                var status = Inflate(_stream, ZlibConstants.Finish);
                GC.KeepAlive(this);
                return ZlibConstants.IsFull(status, _stream->AvailableOut);
            }
        }

        public void Dispose()
        {
            Free();
            GC.SuppressFinalize(this);
        }

        private void Free()
        {
            if (_stream != null)
            {
                _ = InflateEnd(_stream);
                NativeMemory.Free(_stream);
                _stream = null;
            }
        }
    }
}
