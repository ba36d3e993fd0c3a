using System.Runtime.InteropServices;

namespace Eider.Storage.Compression;

/// <summary>A raw deflate stream of a zlib.</summary>
/// <typeparam name="TStream">Which.</typeparam>
internal sealed unsafe class DeflateContext<TStream> : NativeContext, ICompressContext
    where TStream : unmanaged, IZlibStream<TStream>
{
    private readonly TStream* _stream;
    private readonly int _level;

    public DeflateContext(int level)
    {
        _level = level;
        _stream = (TStream*)NativeMemory.AllocZeroed((nuint)sizeof(TStream));
        if (TStream.DeflateInit(_stream, level) != ZlibConstants.Ok)
        {
            Dispose();
            throw CodecErrors.NoContext("zlib");
        }
    }

    public bool TryCompress(ReadOnlySpan<byte> source, Span<byte> destination, out int bytesWritten)
    {
        bytesWritten = 0;
        if (TStream.DeflateReset(_stream, _level) != ZlibConstants.Ok)
        {
            return false;
        }

        // SAFETY: both spans stay pinned for the one call that uses them; the counts are their lengths.
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            _stream->Point(from, source.Length, to, destination.Length);
            var status = TStream.Deflate(_stream, ZlibConstants.Finish);
            GC.KeepAlive(this);
            bytesWritten = destination.Length - (int)_stream->AvailableOut;
            return status == ZlibConstants.StreamEnd;
        }
    }

    protected override void Free()
    {
        _ = TStream.DeflateEnd(_stream);
        NativeMemory.Free(_stream);
    }
}
