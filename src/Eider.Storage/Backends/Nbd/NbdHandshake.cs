using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Eider.Storage.Backends.Nbd;

/// <summary>
/// The negotiation of the fixed newstyle handshake: structured replies and block status where the server has them, then
/// <c>NBD_OPT_GO</c>. Whatever the server says is bounded before it is read.
/// </summary>
/// <param name="stream">The connection.</param>
/// <param name="name">What messages call the server.</param>
internal sealed class NbdHandshake(Stream stream, string name)
{
    private const int MaxReplies = 64;

    /// <summary>Negotiates until requests can be sent.</summary>
    /// <exception cref="BlockStorageException">The server has no such disk, is too old, or breaks the protocol.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public async ValueTask<NbdExport> RunAsync(string export, CancellationToken cancellationToken)
    {
        await GreetAsync(cancellationToken).ConfigureAwait(false);
        uint? context = null;
        if (await AskAsync(NbdProtocol.OptionStructuredReply, default, _ => { }, cancellationToken).ConfigureAwait(false) == null)
        {
            var seen = default(uint?);
            await AskAsync(NbdProtocol.OptionSetMetaContext, ContextQuery(export), reply => seen = ContextOf(reply) ?? seen, cancellationToken)
                .ConfigureAwait(false);
            context = seen;
        }

        var found = new NbdExport(-1, 0, NbdProtocol.MaxPayloadBytes, context);
        var refusal = await AskAsync(NbdProtocol.OptionGo, GoQuery(export), reply => found = WithInfo(found, reply), cancellationToken).ConfigureAwait(false);
        return refusal != null ? throw Failure(BlockErrorKind.NotFound, $"the server refuses the export '{export}': {refusal}")
            : found.SizeBytes >= 0 ? found : throw Broken("it agreed without telling the size of the disk");
    }

    private async ValueTask GreetAsync(CancellationToken cancellationToken)
    {
        var hello = await ReadAsync(18, cancellationToken).ConfigureAwait(false);
        if (BinaryPrimitives.ReadUInt64BigEndian(hello) != NbdProtocol.Magic
            || BinaryPrimitives.ReadUInt64BigEndian(hello.AsSpan(8)) != NbdProtocol.OptionMagic)
        {
            throw Broken("it does not begin with the greeting of a newstyle NBD server");
        }

        var flags = BinaryPrimitives.ReadUInt16BigEndian(hello.AsSpan(16));
        if ((flags & NbdProtocol.ServerFixedNewstyle) == 0)
        {
            throw Failure(BlockErrorKind.UnsupportedFeature, "the server is too old: it has no fixed newstyle handshake");
        }

        var answer = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(answer, flags & (uint)(NbdProtocol.ServerFixedNewstyle | NbdProtocol.ServerNoZeroes));
        await stream.WriteAsync(answer, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends an option and takes all of its replies.</summary>
    /// <returns>Null if the server agreed; else why not.</returns>
    private async ValueTask<string?> AskAsync(
        uint option, ReadOnlyMemory<byte> data, Action<(uint Type, byte[] Data)> take, CancellationToken cancellationToken)
    {
        var message = new byte[16 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(message, NbdProtocol.OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(12), (uint)data.Length);
        data.CopyTo(message.AsMemory(16));
        await stream.WriteAsync(message, cancellationToken).ConfigureAwait(false);
        for (var count = 0; count < MaxReplies; count++)
        {
            var head = await ReadAsync(20, cancellationToken).ConfigureAwait(false);
            var type = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12));
            var length = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(16));
            if (BinaryPrimitives.ReadUInt64BigEndian(head) != NbdProtocol.OptionReplyMagic
                || BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8)) != option || length > NbdProtocol.MaxTextBytes)
            {
                throw Broken(string.Create(CultureInfo.InvariantCulture, $"its reply to option {option} is none"));
            }

            var body = await ReadAsync((int)length, cancellationToken).ConfigureAwait(false);
            if (type == NbdProtocol.ReplyAck)
            {
                return null;
            }

            if ((type & NbdProtocol.ReplyError) != 0)
            {
                return Reason(type, body);
            }

            take((type, body));
        }

        throw Broken(string.Create(CultureInfo.InvariantCulture, $"more than {MaxReplies} replies to option {option}"));
    }

    private static string Reason(uint type, byte[] body)
    {
        var text = string.Concat(Encoding.UTF8.GetString(body).Take(200).Select(character => char.IsControl(character) ? '?' : character));
        return text.Length > 0 ? text : string.Create(CultureInfo.InvariantCulture, $"error {type & ~NbdProtocol.ReplyError}");
    }

    private static byte[] GoQuery(string export)
    {
        var bytes = Encoding.UTF8.GetBytes(export);
        var query = new byte[4 + bytes.Length + 4];
        BinaryPrimitives.WriteInt32BigEndian(query, bytes.Length);
        bytes.CopyTo(query, 4);
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(4 + bytes.Length), 1);
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(6 + bytes.Length), NbdProtocol.InfoBlockSize);
        return query;
    }

    private static byte[] ContextQuery(string export)
    {
        var (bytes, context) = (Encoding.UTF8.GetBytes(export), Encoding.ASCII.GetBytes(NbdProtocol.AllocationContext));
        var query = new byte[4 + bytes.Length + 8 + context.Length];
        BinaryPrimitives.WriteInt32BigEndian(query, bytes.Length);
        bytes.CopyTo(query, 4);
        BinaryPrimitives.WriteInt32BigEndian(query.AsSpan(4 + bytes.Length), 1);
        BinaryPrimitives.WriteInt32BigEndian(query.AsSpan(8 + bytes.Length), context.Length);
        context.CopyTo(query, 12 + bytes.Length);
        return query;
    }

    private static uint? ContextOf((uint Type, byte[] Data) reply) =>
        reply.Type == NbdProtocol.ReplyMetaContext && reply.Data.Length > 4
            && Encoding.UTF8.GetString(reply.Data, 4, reply.Data.Length - 4) == NbdProtocol.AllocationContext
            ? BinaryPrimitives.ReadUInt32BigEndian(reply.Data) : null;

    private NbdExport WithInfo(NbdExport export, (uint Type, byte[] Data) reply)
    {
        if (reply.Type != NbdProtocol.ReplyInfo || reply.Data.Length < 2)
        {
            return export;
        }

        var body = reply.Data.AsSpan(2);
        switch (BinaryPrimitives.ReadUInt16BigEndian(reply.Data))
        {
            case NbdProtocol.InfoExport when body.Length == 10:
                var size = BinaryPrimitives.ReadUInt64BigEndian(body);
                return size <= long.MaxValue
                    ? export with { SizeBytes = (long)size, Flags = BinaryPrimitives.ReadUInt16BigEndian(body[8..]) }
                    : throw Broken($"it tells a size of {size} bytes");
            case NbdProtocol.InfoBlockSize when body.Length == 12:
                return export with { MaxPayloadBytes = MaxPayload(body) };
            default:
                return export;
        }
    }

    private int MaxPayload(ReadOnlySpan<byte> body)
    {
        var (least, most) = (BinaryPrimitives.ReadUInt32BigEndian(body), BinaryPrimitives.ReadUInt32BigEndian(body[8..]));
        if (least > 1)
        {
            throw Failure(
                BlockErrorKind.UnsupportedFeature,
                string.Create(CultureInfo.InvariantCulture, $"the server wants whole blocks of {least} bytes; expected one that takes any byte"));
        }

        return most is 0 or > NbdProtocol.MaxPayloadBytes ? NbdProtocol.MaxPayloadBytes : 1 << BitOperations.Log2(most);
    }

    private async ValueTask<byte[]> ReadAsync(int count, CancellationToken cancellationToken)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    private BlockStorageException Broken(string what) => Failure(BlockErrorKind.Protocol, $"the server breaks the NBD protocol: {what}");

    private BlockStorageException Failure(BlockErrorKind kind, string what) => new(kind, BlockOperation.Open, name, null, $"{name}: {what}");
}
