using System.Buffers.Binary;
using System.Globalization;

namespace Eider.Storage.Backends.Nbd;

/// <summary>Takes replies off a connection, each held against its request: a server that errs or lies ends the connection.</summary>
/// <param name="stream">The connection.</param>
/// <param name="export">What was agreed on.</param>
/// <param name="find">The request of a cookie; it is asked for until it is done.</param>
internal sealed class NbdReplies(Stream stream, NbdExport export, Func<ulong, NbdRequest?> find)
{
    private readonly byte[] _head = new byte[20];
    private readonly byte[] _scratch = new byte[1 << 16];

    /// <summary>Takes one reply, or one part of one.</summary>
    /// <returns>The cookie of a request that is done; null if it goes on.</returns>
    /// <exception cref="InvalidDataException">The server breaks the protocol.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public async ValueTask<ulong?> TakeAsync()
    {
        await stream.ReadExactlyAsync(_head.AsMemory(0, 16)).ConfigureAwait(false);
        var cookie = BinaryPrimitives.ReadUInt64BigEndian(_head.AsSpan(8));
        var request = find(cookie);
        switch (BinaryPrimitives.ReadUInt32BigEndian(_head))
        {
            case NbdProtocol.SimpleReplyMagic when request != null:
                await TakeSimpleAsync(request, BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(4))).ConfigureAwait(false);
                return cookie;
            case NbdProtocol.StructuredReplyMagic when request != null:
                return await TakeChunkAsync(request).ConfigureAwait(false) ? cookie : null;
            default:
                throw Wrong(request == null ? "a reply to no request" : "a reply that is none");
        }
    }

    private async ValueTask TakeSimpleAsync(NbdRequest request, uint error)
    {
        request.Fail(error);
        if (error != 0)
        {
            return;
        }

        if (request.Type == NbdProtocol.BlockStatus)
        {
            throw Wrong("block status in a reply that cannot have it");
        }

        if (request.Type == NbdProtocol.Read)
        {
            await FillAsync(request, request.OffsetBytes, request.LengthBytes).ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> TakeChunkAsync(NbdRequest request)
    {
        var flags = BinaryPrimitives.ReadUInt16BigEndian(_head.AsSpan(4));
        var type = BinaryPrimitives.ReadUInt16BigEndian(_head.AsSpan(6));
        await stream.ReadExactlyAsync(_head.AsMemory(16, 4)).ConfigureAwait(false);
        var length = BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(16));
        switch (type)
        {
            case NbdProtocol.ChunkNone when length == 0:
                break;
            case NbdProtocol.ChunkData when length > 8:
                await stream.ReadExactlyAsync(_head.AsMemory(0, 8)).ConfigureAwait(false);
                await FillAsync(request, BinaryPrimitives.ReadInt64BigEndian(_head), length - 8L).ConfigureAwait(false);
                break;
            case NbdProtocol.ChunkHole when length == 12:
                await stream.ReadExactlyAsync(_head.AsMemory(0, 12)).ConfigureAwait(false);
                Clear(request, BinaryPrimitives.ReadInt64BigEndian(_head), BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(8)));
                break;
            case NbdProtocol.ChunkBlockStatus when length is >= 12 and <= NbdProtocol.MaxTextBytes && length % 8 == 4:
                TakeStatus(request, await ReadAsync((int)length).ConfigureAwait(false));
                break;
            case >= NbdProtocol.ChunkError when length is >= 6 and <= NbdProtocol.MaxTextBytes:
                var error = BinaryPrimitives.ReadUInt32BigEndian(await ReadAsync((int)length).ConfigureAwait(false));
                request.Fail(error == 0 ? throw Wrong("an error without a number") : error);
                break;
            default:
                throw Wrong(string.Create(CultureInfo.InvariantCulture, $"a part of kind {type} with {length} bytes"));
        }

        var isDone = (flags & NbdProtocol.ChunkDone) != 0;
        if (isDone && request.Error == 0 && ((request.Type == NbdProtocol.Read && !request.IsFilled)
            || (request.Type == NbdProtocol.BlockStatus && request.Status.LengthBytes == 0)))
        {
            throw Wrong("a reply with a part missing");
        }

        return isDone;
    }

    /// <summary>Moves bytes of the connection to where the request wants them, or past it if nobody wants them any more.</summary>
    private async ValueTask FillAsync(NbdRequest request, long offset, long length)
    {
        Claim(request, offset, length);
        if (!request.TryBeginFill())
        {
            for (; length > 0; length -= Math.Min(length, _scratch.Length))
            {
                await stream.ReadExactlyAsync(_scratch.AsMemory(0, (int)Math.Min(length, _scratch.Length))).ConfigureAwait(false);
            }

            return;
        }

        try
        {
            var part = request.Buffers.Slice(offset - request.OffsetBytes, length);
            for (var index = 0; index < part.Count; index++)
            {
                await stream.ReadExactlyAsync(part[index]).ConfigureAwait(false);
            }
        }
        finally
        {
            request.EndFill();
        }
    }

    private static void Clear(NbdRequest request, long offset, long length)
    {
        Claim(request, offset, length);
        if (request.TryBeginFill())
        {
            request.Buffers.Slice(offset - request.OffsetBytes, length).Clear();
            request.EndFill();
        }
    }

    private static void Claim(NbdRequest request, long offset, long length)
    {
        if (!request.TryClaim(offset, length))
        {
            throw Wrong(string.Create(CultureInfo.InvariantCulture, $"{length} bytes at {offset} that were not asked for, or twice"));
        }
    }

    /// <summary>The run at the beginning: descriptors of one kind are one run.</summary>
    private void TakeStatus(NbdRequest request, byte[] bytes)
    {
        if (request.Type != NbdProtocol.BlockStatus || BinaryPrimitives.ReadUInt32BigEndian(bytes) != export.AllocationContext)
        {
            throw Wrong("block status that was not asked for");
        }

        var (total, first) = (0L, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(8)));
        for (var at = 4; at < bytes.Length && BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at + 4)) == first; at += 8)
        {
            total += BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));
        }

        request.Status = total > 0 ? (Math.Min(total, request.LengthBytes), first) : throw Wrong("block status of no bytes");
    }

    private async ValueTask<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes).ConfigureAwait(false);
        return bytes;
    }

    private static InvalidDataException Wrong(string what) => new($"the server breaks the NBD protocol: {what}");
}
