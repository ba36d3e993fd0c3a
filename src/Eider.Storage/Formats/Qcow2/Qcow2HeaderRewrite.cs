using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Plans how one header becomes another, so that a crash leaves the one or the other: the first sector says where all the
/// rest is, and a host writes a sector whole. What lies behind it is written first, where the old header has nothing.
/// </summary>
internal sealed class Qcow2HeaderRewrite
{
    private const int SectorBytes = 512;

    private readonly Qcow2Header _changed;
    private readonly string _name;
    private readonly byte[] _plain;
    private readonly List<(int Offset, byte[] Bytes)> _writes = [];
    private readonly byte[] _current;

    private Qcow2HeaderRewrite(Qcow2Header changed, byte[] current, string name)
    {
        _changed = changed;
        _name = name;
        _current = (byte[])current.Clone();
        _plain = Qcow2HeaderWriter.Write(changed, name);
    }

    /// <summary>The writes, each to be made durable before the next.</summary>
    /// <param name="old">The header in the file.</param>
    /// <param name="changed">The header that it becomes.</param>
    /// <param name="current">The first cluster of the file.</param>
    /// <param name="name">Name of the image, for messages.</param>
    /// <exception cref="BlockStorageException">The new header does not fit.</exception>
    public static IReadOnlyList<(int Offset, byte[] Bytes)> Plan(Qcow2Header old, Qcow2Header changed, byte[] current, string name)
    {
        var rewrite = new Qcow2HeaderRewrite(changed, current, name);
        return rewrite.TryPlan(old) ? rewrite._writes : [(0, rewrite._plain)];
    }

    private int EndOfExtensions => Qcow2HeaderWriter.EndOfExtensions(_changed);

    /// <summary>Plans; false if there is no room for the old and the new side by side, as in small clusters with long names.</summary>
    private bool TryPlan(Qcow2Header old)
    {
        if (_plain.AsSpan(SectorBytes).SequenceEqual(_current.AsSpan(SectorBytes)))
        {
            _writes.Add((0, _plain[..SectorBytes]));
            return true;
        }

        if (!TryMoveExtensionsIntoFirstSector(old) || !TryMakeRoom())
        {
            return false;
        }

        var (offset, end) = PlaceOfName(_current);
        var length = PlaceOfName(_plain) is var (from, to) ? to - from : 0;
        var isInFront = end <= SectorBytes || EndOfExtensions + length <= offset;
        if (!isInFront && end + length > _plain.Length)
        {
            return false;
        }

        var target = isInFront ? _plain : Qcow2HeaderWriter.Write(_changed, _name, end);
        WriteTail(target, keeps: true);
        WriteFirstSector(target);
        WriteTail(target, keeps: false);
        return true;
    }

    /// <summary>Names of features are for error texts only: without them all extensions stand in the first sector.</summary>
    private bool TryMoveExtensionsIntoFirstSector(Qcow2Header old)
    {
        if (Qcow2HeaderWriter.EndOfExtensions(old) <= SectorBytes)
        {
            return true;
        }

        var lean = old.With(Qcow2ExtensionType.FeatureNames, null) with { BackingName = null };
        if (Qcow2HeaderWriter.EndOfExtensions(lean) > SectorBytes)
        {
            return false;
        }

        var (offset, end) = PlaceOfName(_current);
        var bytes = Qcow2HeaderWriter.Write(lean, _name);
        _current.AsSpan(Qcow2HeaderWriter.BackingNameField, 12).CopyTo(bytes.AsSpan(Qcow2HeaderWriter.BackingNameField));
        _current.AsSpan(offset, end - offset).CopyTo(bytes.AsSpan(offset));
        WriteFirstSector(bytes);
        return true;
    }

    /// <summary>Moves the old name away from where the new extensions will be.</summary>
    private bool TryMakeRoom()
    {
        var (offset, end) = PlaceOfName(_current);
        var place = Math.Max(end, EndOfExtensions);
        if (end <= SectorBytes || EndOfExtensions <= offset)
        {
            return true;
        }

        if (place + end - offset > _current.Length)
        {
            return false;
        }

        var moved = (byte[])_current.Clone();
        _current.AsSpan(offset, end - offset).CopyTo(moved.AsSpan(place));
        BinaryPrimitives.WriteUInt64BigEndian(moved.AsSpan(Qcow2HeaderWriter.BackingNameField), (ulong)place);
        WriteTail(moved, keeps: true);
        WriteFirstSector(moved);
        return true;
    }

    private void WriteFirstSector(byte[] cluster)
    {
        cluster.AsSpan(0, SectorBytes).CopyTo(_current);
        _writes.Add((0, cluster[..SectorBytes]));
    }

    /// <summary>Writes what lies behind the first sector, perhaps with the name that the first sector still needs.</summary>
    private void WriteTail(byte[] cluster, bool keeps)
    {
        var (offset, end) = PlaceOfName(_current);
        var tail = cluster[SectorBytes..];
        var from = Math.Max(offset, SectorBytes);
        if (keeps && end > from)
        {
            _current.AsSpan(from, end - from).CopyTo(tail.AsSpan(from - SectorBytes));
        }

        tail.CopyTo(_current.AsSpan(SectorBytes));
        _writes.Add((SectorBytes, tail));
    }

    private static (int Offset, int End) PlaceOfName(ReadOnlySpan<byte> cluster)
    {
        var offset = (int)BinaryPrimitives.ReadUInt64BigEndian(cluster[Qcow2HeaderWriter.BackingNameField..]);
        return offset == 0 ? (0, 0) : (offset, offset + BinaryPrimitives.ReadInt32BigEndian(cluster[(Qcow2HeaderWriter.BackingNameField + 8)..]));
    }
}
