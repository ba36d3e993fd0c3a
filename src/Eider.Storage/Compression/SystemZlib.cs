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
    private struct Stream
    {
        public byte* NextIn;
        public uint AvailableIn;
        public ulong TotalIn;
        public byte* NextOut;
        public uint AvailableOut;
        public ulong TotalOut;
        public byte* Message;
        public void* State;
        public void* Allocate;
        public void* Free;
        public void* Opaque;
        public int DataType;
        public ulong Adler;
        public ulong Reserved;
    }

    /// <summary>Compresses.</summary>
    public sealed class DeflateContext : IDeflateContext
    {
        private Stream* _stream;

        public DeflateContext(int level)
        {
            _stream = (Stream*)NativeMemory.AllocZeroed((nuint)sizeof(Stream));
            var status = DeflateInit(
                _stream, level, ZlibConstants.Deflated, ZlibConstants.WriteWindowBits, ZlibConstants.MemoryLevel,
                ZlibConstants.DefaultStrategy, Version, sizeof(Stream));
            if (status != ZlibConstants.Ok)
            {
                Dispose();
                throw CodecErrors.NoContext("zlib");
            }
        }

        ~DeflateContext() => Free();

        public bool TryDeflate(ReadOnlySpan<byte> source, Span<byte> destination, out int bytesWritten)
        {
            bytesWritten = 0;
            if (DeflateReset(_stream) != ZlibConstants.Ok)
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
                var status = Deflate(_stream, ZlibConstants.Finish);
                GC.KeepAlive(this);
                bytesWritten = destination.Length - (int)_stream->AvailableOut;
                return status == ZlibConstants.StreamEnd;
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
                _ = DeflateEnd(_stream);
                NativeMemory.Free(_stream);
                _stream = null;
            }
        }
    }

    /// <summary>Takes apart.</summary>
    public sealed class InflateContext : IInflateContext
    {
        private Stream* _stream;

        public InflateContext()
        {
            _stream = (Stream*)NativeMemory.AllocZeroed((nuint)sizeof(Stream));
            if (InflateInit(_stream, ZlibConstants.ReadWindowBits, Version, sizeof(Stream)) != ZlibConstants.Ok)
            {
                Dispose();
                throw CodecErrors.NoContext("zlib");
            }
        }

        ~InflateContext() => Free();

        public bool TryInflate(ReadOnlySpan<byte> source, Span<byte> destination)
        {
            if (InflateReset(_stream) != ZlibConstants.Ok)
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
