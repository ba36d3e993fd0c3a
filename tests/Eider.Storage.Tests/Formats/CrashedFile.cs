namespace Eider.Storage.Tests.Formats;

/// <summary>The bytes of a file as a crash may leave them.</summary>
internal sealed class CrashedFile
{
    private const int SectorBytes = 512;

    private byte[] _bytes;

    public CrashedFile(byte[] bytes) => _bytes = bytes;

    public byte[] Bytes => _bytes;

    public CrashedFile Clone() => new((byte[])_bytes.Clone());

    /// <summary>Applies a change, or only its first sectors.</summary>
    public void Apply(CrashLog.Entry entry, long tornBytes = long.MaxValue)
    {
        switch (entry.Operation)
        {
            case BlockOperation.Write:
                var data = entry.Data.AsSpan(0, (int)Math.Min(tornBytes, entry.Length));
                EnsureSize(entry.Offset + data.Length);
                data.CopyTo(_bytes.AsSpan((int)entry.Offset));
                break;
            case BlockOperation.WriteZeroes or BlockOperation.Discard:
                EnsureSize(entry.Offset + entry.Length);
                _bytes.AsSpan((int)entry.Offset, (int)entry.Length).Clear();
                break;
            case BlockOperation.Resize:
                Array.Resize(ref _bytes, (int)entry.Offset);
                break;
        }
    }

    /// <summary>A number of bytes at which a write may be torn.</summary>
    public static long Tear(CrashLog.Entry entry, Random random)
    {
        var first = SectorBytes - (entry.Offset & (SectorBytes - 1));
        var sectors = (Math.Max(0, entry.Length - first) + SectorBytes - 1) / SectorBytes;
        return Math.Min(entry.Length, first + (SectorBytes * random.NextInt64(0, sectors + 1)));
    }

    private void EnsureSize(long size)
    {
        if (size > _bytes.Length)
        {
            Array.Resize(ref _bytes, (int)size);
        }
    }
}
