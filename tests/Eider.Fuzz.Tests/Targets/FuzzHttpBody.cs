namespace Eider.Fuzz.Tests.Targets;

/// <summary>The body of a reply: made while it is read, ends or breaks where it is told to, and comes in pieces.</summary>
internal sealed class FuzzHttpBody(int version, long offset, long lengthBytes, int breaksAfter) : Stream
{
    private const int Piece = 20_000;

    private long _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (_at >= breaksAfter)
        {
            throw new IOException("fuzz: the connection broke");
        }

        var count = (int)Math.Min(Math.Min(buffer.Length, Piece), lengthBytes - _at);
        FuzzHttpServer.Fill(version, offset + _at, buffer[..count]);
        _at += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return ValueTask.FromResult(Read(buffer.Span));
        }
        catch (IOException broken)
        {
            return ValueTask.FromException<int>(broken);
        }
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
