using System.Buffers.Binary;
using System.Net.Sockets;
using Eider.Storage.Backends;
using Eider.Storage.Backends.Nbd;

namespace Eider.Storage.Tests.Backends.Nbd;

/// <summary>Servers that lie, stall or send what nobody asked for.</summary>
public sealed class NbdHostileServerTests : IDisposable
{
    private const int Disk = 1 << 20;
    private static readonly NbdStorageOptions Impatient = new()
    {
        ConnectTimeout = TimeSpan.FromSeconds(2),
        ReplyTimeout = TimeSpan.FromSeconds(1),
    };

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, byte[]> Greetings => new()
    {
        { "hangs up", [] },
        { "another protocol", [.. "HTTP/1.1 400 Bad Request\r\n\r\n"u8] },
        { "oldstyle", [.. "NBDMAGIC"u8, 0, 0, 0x42, 2, 0x81, 0x86, 0x12, 0x53, .. new byte[136]] },
        { "not fixed", [.. "NBDMAGICIHAVEOPT"u8, 0, 0, .. new byte[64]] },
        { "a reply that is none", [.. "NBDMAGICIHAVEOPT"u8, 0, 3, .. new byte[64]] },
        { "an endless reply", [.. "NBDMAGICIHAVEOPT"u8, 0, 3, .. Reply(8, 3, 0xFFFF_FFFF)] },
        { "a reply to another option", [.. "NBDMAGICIHAVEOPT"u8, 0, 3, .. Reply(7, 1, 0)] },
        { "agrees without a size", [.. "NBDMAGICIHAVEOPT"u8, 0, 3, .. Reply(8, 0x8000_0001, 0), .. Reply(7, 1, 0)] },
        { "a size beyond all", [.. "NBDMAGICIHAVEOPT"u8, 0, 3, .. Reply(8, 0x8000_0001, 0), .. Reply(7, 3, 12), 0, 0, .. Enumerable.Repeat((byte)0xFF, 8), 0, 1] },
        { "wants blocks", [.. "NBDMAGICIHAVEOPT"u8, 0, 3, .. Reply(8, 0x8000_0001, 0), .. Reply(7, 3, 14), 0, 3, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0] },
        { "infos without end", [.. "NBDMAGICIHAVEOPT"u8, 0, 3, .. Reply(8, 0x8000_0001, 0), .. Enumerable.Repeat(Reply(7, 3, 0), 100).SelectMany(reply => reply)] },
    };

    public static TheoryData<string, byte[]> Replies => new()
    {
        { "no magic", new byte[64] },
        { "another request's", [.. Simple(0, 99), .. new byte[512]] },
        { "too short", [.. Simple(0, 1), .. new byte[100]] },
        { "an error number of a simple reply", Simple(5, 1) },
        { "status that was not asked for", [.. Chunk(1, 5, 1, 12), .. new byte[12]] },
        { "data outside of the request", [.. Chunk(1, 1, 1, 8 + 512), .. Number(4096), .. new byte[512]] },
        { "data before it", [.. Chunk(1, 1, 1, 8 + 512), .. Number(-512), .. new byte[512]] },
        { "more data than asked for", [.. Chunk(1, 1, 1, 8 + 513), .. Number(0), .. new byte[513]] },
        { "data twice", [.. Chunk(0, 1, 1, 8 + 256), .. Number(0), .. new byte[256], .. Chunk(1, 1, 1, 8 + 256), .. Number(255), .. new byte[256]] },
        { "a part missing", [.. Chunk(1, 1, 1, 8 + 256), .. Number(0), .. new byte[256]] },
        { "nothing at all", Chunk(1, 0, 1, 0) },
        { "a hole outside", [.. Chunk(1, 2, 1, 12), .. Number(0), 0, 0, 4, 0] },
        { "an error without a number", [.. Chunk(1, 0x8001, 1, 6), 0, 0, 0, 0, 0, 0] },
        { "an endless message", Chunk(1, 0x8001, 1, 0xFFFF_FFFF) },
        { "an unknown part", [.. Chunk(1, 77, 1, 4), 1, 2, 3, 4] },
    };

    [Theory]
    [MemberData(nameof(Greetings))]
    public async Task A_greeting_that_is_none_is_a_failure_in_time(string what, byte[] greeting)
    {
        Assert.NotEmpty(what);
        using var server = Serve(async stream =>
        {
            await stream.WriteAsync(greeting);
            await stream.FlushAsync();
            if (greeting.Length > 0)
            {
                await SwallowAsync(stream);
            }
        });

        await Assert.ThrowsAsync<BlockStorageException>(async () => await NbdStorage.OpenAsync(Address, Impatient, Token));
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public async Task A_reply_that_lies_fails_the_request_and_changes_nothing_else(string what, byte[] reply)
    {
        Assert.NotEmpty(what);
        using var server = Serve(async stream =>
        {
            await AgreeAsync(stream);
            await stream.ReadExactlyAsync(new byte[28]);
            await stream.WriteAsync(reply);
            await SwallowAsync(stream);
        });
        await using var disk = await NbdStorage.OpenAsync(Address, Impatient, Token);
        var guarded = new byte[512 + 128];
        guarded.AsSpan(512).Fill(0xEE);

        await Assert.ThrowsAsync<BlockStorageException>(async () => await disk.ReadAsync(0, guarded.AsMemory(0, 512), Token));

        Assert.Equal(-1, guarded.AsSpan(512).IndexOfAnyExcept((byte)0xEE));
    }

    [Fact]
    public async Task A_server_that_never_answers_fails_the_request_in_time()
    {
        using var server = Serve(async stream =>
        {
            await AgreeAsync(stream);
            await SwallowAsync(stream);
        });
        await using var disk = await NbdStorage.OpenAsync(Address, Impatient, Token);

        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await disk.ReadAsync(0, new byte[512], Token));

        Assert.Equal(BlockErrorKind.TimedOut, failure.Kind);
    }

    [Fact]
    public async Task A_cancelled_read_leaves_its_buffer_alone_and_the_connection_usable()
    {
        var go = new TaskCompletionSource();
        using var server = Serve(async stream =>
        {
            await AgreeAsync(stream);
            await stream.ReadExactlyAsync(new byte[28]);
            await go.Task;
            await stream.WriteAsync((byte[])[.. Simple(0, 1), .. Enumerable.Repeat((byte)1, 512)]);
            await stream.ReadExactlyAsync(new byte[28]);
            await stream.WriteAsync((byte[])[.. Simple(0, 2), .. Enumerable.Repeat((byte)2, 512)]);
            await SwallowAsync(stream);
        });
        await using var disk = await NbdStorage.OpenAsync(Address, Impatient with { ReplyTimeout = TimeSpan.FromSeconds(20) }, Token);
        var (given, kept) = (new byte[512], new byte[512]);
        using var cancel = new CancellationTokenSource();
        var read = disk.ReadAsync(0, given, cancel.Token).AsTask();

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        go.SetResult();
        Assert.Equal(BlockResult.Ok, await disk.ReadAsync(0, kept, Token));

        Assert.Equal(-1, given.AsSpan().IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, kept.AsSpan().IndexOfAnyExcept((byte)2));
    }

    [Fact]
    public async Task Data_in_parts_out_of_order_with_a_hole_arrive_where_they_belong()
    {
        using var server = Serve(async stream =>
        {
            await AgreeAsync(stream);
            await stream.ReadExactlyAsync(new byte[28]);
            await stream.WriteAsync((byte[])[.. Chunk(0, 1, 1, 8 + 100), .. Number(412), .. Enumerable.Repeat((byte)3, 100)]);
            await stream.WriteAsync((byte[])[.. Chunk(0, 2, 1, 12), .. Number(200), 0, 0, 0, 212]);
            await stream.WriteAsync((byte[])[.. Chunk(1, 1, 1, 8 + 200), .. Number(0), .. Enumerable.Repeat((byte)4, 200)]);
            await SwallowAsync(stream);
        });
        await using var disk = await NbdStorage.OpenAsync(Address, Impatient, Token);
        var read = Enumerable.Repeat((byte)9, 512).ToArray();

        Assert.Equal(BlockResult.Ok, await disk.ReadAsync(0, read, Token));

        Assert.Equal([.. Enumerable.Repeat((byte)4, 200), .. new byte[212], .. Enumerable.Repeat((byte)3, 100)], read);
    }

    public void Dispose() => _folder.Dispose();

    private NbdAddress Address => NbdAddress.OfSocket(_folder["s"]);

    private Socket Serve(Func<NetworkStream, Task> talk)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_folder["s"]));
        listener.Listen();
        _ = Task.Run(async () =>
        {
            try
            {
                await using var stream = new NetworkStream(await listener.AcceptAsync(), ownsSocket: true);
                await talk(stream);
            }
            catch (Exception gone) when (gone is IOException or SocketException or ObjectDisposedException)
            {
                // The client has had enough.
            }
        });
        return listener;
    }

    /// <summary>Agrees to structured replies, to no context, and to a disk.</summary>
    private static async Task AgreeAsync(NetworkStream stream)
    {
        await stream.WriteAsync((byte[])[.. "NBDMAGICIHAVEOPT"u8, 0, 3]);
        await stream.ReadExactlyAsync(new byte[4 + 16]);
        await stream.WriteAsync(Reply(8, 1, 0));
        await stream.ReadExactlyAsync(new byte[16 + 4 + 8 + "base:allocation".Length]);
        await stream.WriteAsync(Reply(10, 1, 0));
        await stream.ReadExactlyAsync(new byte[16 + 8]);
        await stream.WriteAsync((byte[])[.. Reply(7, 3, 12), 0, 0, .. Number(Disk), 0, 1, .. Reply(7, 1, 0)]);
    }

    private static async Task SwallowAsync(NetworkStream stream)
    {
        var buffer = new byte[4096];
        while (await stream.ReadAsync(buffer) > 0)
        {
        }
    }

    private static byte[] Reply(uint option, uint type, uint length)
    {
        var bytes = new byte[20];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, 0x0003_E889_0455_65A9);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), type);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), length);
        return bytes;
    }

    private static byte[] Simple(uint error, ulong cookie)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, 0x6744_6698);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), error);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), cookie);
        return bytes;
    }

    private static byte[] Chunk(ushort flags, ushort type, ulong cookie, uint length)
    {
        var bytes = new byte[20];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, 0x668E_33EF);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), flags);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), type);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), cookie);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), length);
        return bytes;
    }

    private static byte[] Number(long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes;
    }
}
