using System.Runtime.InteropServices;

namespace Eider.Storage.Compression;

/// <summary>A raw inflate stream of a zlib.</summary>
/// <typeparam name="TStream">Which.</typeparam>
internal sealed unsafe class InflateContext<TStream> : NativeContext, IDecompressContext
    where TStream : unmanaged, IZlibStream<TStream>
{
    private readonly TStream* _stream;

    public InflateContext()
    {
        _stream = (TStream*)NativeMemory.AllocZeroed((nuint)sizeof(TStream));
        if (TStream.InflateInit(_stream) != ZlibConstants.Ok)
        {
            Dispose();
            throw CodecErrors.NoContext("zlib");
        }
    }

    public bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (TStream.InflateReset(_stream) != ZlibConstants.Ok)
        {
            return false;
        }

        // SAFETY: both spans stay pinned for the one call that uses them; the counts are their lengths.
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            _stream->Point(from, source.Length, to, destination.Length);
            var status = TStream.Inflate(_stream, ZlibConstants.Finish);
            GC.KeepAlive(this);
            return ZlibConstants.IsFull(status, _stream->AvailableOut);
        }
    }

    protected override void Free()
    {
        _ = TStream.InflateEnd(_stream);
        NativeMemory.Free(_stream);
    }
}
