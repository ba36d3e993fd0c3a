namespace Eider.Storage.Backends.Http;

/// <summary>Neighbouring blocks that are asked for by one request.</summary>
internal sealed class HttpRun : IRangeSink
{
    private readonly HttpBlock[] _blocks;
    private readonly Action<ReadOnlyMemory<HttpBlock>> _ready;
    private int _current;
    private int _filled;
    private int _committed;

    /// <summary>A run.</summary>
    /// <param name="blocks">At least one; each begins where the one before ends.</param>
    /// <param name="ready">Called with blocks whose bytes are there and right.</param>
    public HttpRun(HttpBlock[] blocks, Action<ReadOnlyMemory<HttpBlock>> ready)
    {
        _blocks = blocks;
        _ready = ready;
    }

    public long FirstIndex => _blocks[0].Index;

    public long LengthBytes => _blocks.Sum(block => (long)block.LengthBytes);

    /// <summary>The blocks that are not known to be right.</summary>
    public ReadOnlyMemory<HttpBlock> Open => _blocks.AsMemory(_committed);

    /// <inheritdoc/>
    public Memory<byte> Free => _current < _blocks.Length
        ? _blocks[_current].Data.AsMemory(_filled, _blocks[_current].LengthBytes - _filled)
        : Memory<byte>.Empty;

    /// <inheritdoc/>
    public void Advance(int count)
    {
        _filled += count;
        if (_filled == _blocks[_current].LengthBytes)
        {
            _current++;
            _filled = 0;
        }
    }

    /// <inheritdoc/>
    public void Commit()
    {
        var from = _committed;
        _committed = _current;
        _ready(_blocks.AsMemory(from, _current - from));
    }
}
