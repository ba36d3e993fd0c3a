namespace Eider.Devices.Virtio.Console;

/// <summary>A first-in, first-out buffer of fixed size. Not safe for several threads: its owner locks.</summary>
/// <param name="capacityBytes">Most bytes it holds.</param>
internal sealed class ByteRing(int capacityBytes)
{
    private readonly byte[] _bytes = new byte[capacityBytes];
    private int _start;

    /// <summary>Bytes in it.</summary>
    public int Count { get; private set; }

    /// <summary>Room left, in bytes.</summary>
    public int Free => _bytes.Length - Count;

    /// <summary>Adds as much as fits.</summary>
    /// <returns>How much that was.</returns>
    public int Write(ReadOnlySpan<byte> source)
    {
        var taken = Math.Min(source.Length, Free);
        var end = (_start + Count) % _bytes.Length;
        var first = Math.Min(taken, _bytes.Length - end);
        source[..first].CopyTo(_bytes.AsSpan(end));
        source[first..taken].CopyTo(_bytes);
        Count += taken;
        return taken;
    }

    /// <summary>Takes out as much as there is and as fits.</summary>
    /// <returns>How much that was.</returns>
    public int Read(Span<byte> destination)
    {
        var given = Math.Min(destination.Length, Count);
        var first = Math.Min(given, _bytes.Length - _start);
        _bytes.AsSpan(_start, first).CopyTo(destination);
        _bytes.AsSpan(0, given - first).CopyTo(destination[first..]);
        _start = (_start + given) % _bytes.Length;
        Count -= given;
        return given;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _start = 0;
        Count = 0;
    }
}
