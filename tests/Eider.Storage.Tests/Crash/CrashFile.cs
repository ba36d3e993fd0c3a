namespace Eider.Storage.Tests.Crash;

/// <summary>The bytes of a file as a crash may leave them; made to be copied often.</summary>
internal sealed class CrashFile
{
    private const int SectorBytes = 512;

    private byte[] _bytes = [];
    private int _used;

    public CrashFile()
    {
    }

    public CrashFile(ReadOnlySpan<byte> bytes)
    {
        Length = bytes.Length;
        _used = bytes.Length;
        _bytes = bytes.ToArray();
    }

    /// <summary>Length of the file, in bytes; behind what is used it is zero.</summary>
    public int Length { get; private set; }

    /// <summary>The whole file. Good until the next change.</summary>
    public Memory<byte> Memory
    {
        get
        {
            EnsureCapacity(Length);
            return _bytes.AsMemory(0, Length);
        }
    }

    /// <summary>Becomes the same as another.</summary>
    public void CopyFrom(CrashFile other)
    {
        EnsureCapacity(other._used);
        other._bytes.AsSpan(0, other._used).CopyTo(_bytes);
        if (_used > other._used)
        {
            _bytes.AsSpan(other._used, _used - other._used).Clear();
        }

        (Length, _used) = (other.Length, other._used);
    }

    /// <summary>Applies an operation, or those of its sectors that the tear keeps.</summary>
    public void Apply(CrashLog.Entry entry, CrashTear tear)
    {
        if (entry.Operation == BlockOperation.Resize)
        {
            Resize((int)entry.Offset);
        }
        else if (entry.Operation != BlockOperation.Flush)
        {
            for (var done = 0; done < entry.Length;)
            {
                var sector = (int)((entry.Offset + done) / SectorBytes) - (int)(entry.Offset / SectorBytes);
                var whole = (int)(SectorBytes - ((entry.Offset + done) & (SectorBytes - 1)));
                var length = tear.KeepsAll ? (int)entry.Length : Math.Min(whole, (int)entry.Length - done);
                if (tear.Keeps(sector))
                {
                    Put((int)entry.Offset + done, length, entry.Data == null ? default : entry.Data.AsSpan(done, length));
                }

                done += length;
            }
        }
    }

    private void Resize(int length)
    {
        if (_used > length)
        {
            _bytes.AsSpan(length, _used - length).Clear();
            _used = length;
        }

        Length = length;
    }

    private void Put(int offset, int length, ReadOnlySpan<byte> data)
    {
        var end = offset + length;
        Length = Math.Max(Length, end);
        if (data.IsEmpty)
        {
            if (offset < _used)
            {
                _bytes.AsSpan(offset, Math.Min(end, _used) - offset).Clear();
            }

            return;
        }

        EnsureCapacity(end);
        data.CopyTo(_bytes.AsSpan(offset));
        _used = Math.Max(_used, end);
    }

    private void EnsureCapacity(int bytes)
    {
        if (_bytes.Length < bytes)
        {
            Array.Resize(ref _bytes, Math.Max(bytes, 2 * _bytes.Length));
        }
    }
}
