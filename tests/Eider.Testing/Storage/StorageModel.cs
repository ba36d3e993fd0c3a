namespace Eider.Testing.Storage;

/// <summary>
/// What a disk may hold, byte by byte: one value, or one of several after a request that failed half way or a
/// discard. The plain truth that a storage is compared with.
/// </summary>
public sealed class StorageModel
{
    private readonly byte[] _bytes;
    private readonly List<byte[]> _alternatives = [];
    private readonly bool[] _isAnything;

    /// <summary>A model of a disk with a content.</summary>
    public StorageModel(ReadOnlySpan<byte> content)
    {
        _bytes = content.ToArray();
        _isAnything = new bool[content.Length];
    }

    /// <summary>Size in bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>A write that succeeded.</summary>
    public void Write(int offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(_bytes.AsSpan(offset));
        _isAnything.AsSpan(offset, data.Length).Clear();
        foreach (var alternative in _alternatives)
        {
            data.CopyTo(alternative.AsSpan(offset));
        }
    }

    /// <summary>A write that failed: each byte is the old one or the new one.</summary>
    public void MayHaveWritten(int offset, ReadOnlySpan<byte> data)
    {
        var other = (byte[])_bytes.Clone();
        data.CopyTo(other.AsSpan(offset));
        _alternatives.Add(other);
    }

    /// <summary>A discard: any byte may be there.</summary>
    public void Discard(int offset, int length) => _isAnything.AsSpan(offset, length).Fill(true);

    /// <summary>Fails if bytes that were read cannot be there.</summary>
    public void Check(int offset, ReadOnlySpan<byte> read)
    {
        for (var index = 0; index < read.Length; index++)
        {
            var place = offset + index;
            var isAllowed = _isAnything[place] || read[index] == _bytes[place];
            for (var other = 0; !isAllowed && other < _alternatives.Count; other++)
            {
                isAllowed = read[index] == _alternatives[other][place];
            }

            if (!isAllowed)
            {
                Xunit.Assert.Fail($"byte {place}: found {read[index]:X2}, expected {_bytes[place]:X2}");
            }
        }
    }
}
