namespace Eider.Storage.Formats.Qcow2;

/// <summary>Reads small things that lie one behind the other, some KiB at once.</summary>
internal sealed class ReadWindow(ImageFile file)
{
    private const int Bytes = 8192;

    private byte[] _bytes = [];
    private long _start;

    /// <summary>Some bytes of the file, zeroes behind its end; good until the next call.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offsetBytes, int lengthBytes, CancellationToken cancellationToken)
    {
        if (offsetBytes < _start || offsetBytes + lengthBytes > _start + _bytes.Length)
        {
            _bytes = lengthBytes <= _bytes.Length ? _bytes : new byte[Math.Max(lengthBytes, Bytes)];
            await file.ReadAsync(offsetBytes, _bytes, cancellationToken).ConfigureAwait(false);
            _start = offsetBytes;
        }

        return _bytes.AsMemory((int)(offsetBytes - _start), lengthBytes);
    }
}
