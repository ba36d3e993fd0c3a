using System.Buffers.Binary;
using System.Text;

namespace Eider.Machines.Fdt;

/// <summary>
/// Writes a flattened device tree, format version 17 (Devicetree Specification 0.4, chapter 5): nodes and
/// properties in the order in which they are given.
/// </summary>
public sealed class FdtWriter
{
    private const uint Magic = 0xD00D_FEED;
    private const uint Version = 17;
    private const uint LastCompatibleVersion = 16;
    private const int HeaderBytes = 40;
    private const int ReservationBytes = 16;
    private const uint BeginNodeToken = 1;
    private const uint EndNodeToken = 2;
    private const uint PropertyToken = 3;
    private const uint EndToken = 9;

    // Bytes and plain numbers, without generics over them that every process would compile anew: a tree is written whenever a machine starts.
    private readonly ByteBuffer _reservations = new();
    private readonly ByteBuffer _structure = new();
    private readonly ByteBuffer _strings = new();
    private readonly Dictionary<string, int> _stringOffsets = [];
    private int _depth;
    private uint _nextPhandle = 1;
    private bool _childrenBegun;
    private bool _rootDone;

    /// <summary>Keeps a range of memory from the client program (section 5.3).</summary>
    public void Reserve(ulong address, ulong sizeBytes)
    {
        Span<byte> entry = stackalloc byte[ReservationBytes];
        BinaryPrimitives.WriteUInt64BigEndian(entry, address);
        BinaryPrimitives.WriteUInt64BigEndian(entry[8..], sizeBytes);
        _reservations.Write(entry);
    }

    /// <summary>Begins a node; the first one is the root and has an empty name.</summary>
    /// <param name="name">Name with unit address, such as <c>serial@10000000</c>.</param>
    /// <exception cref="InvalidOperationException">A second root, a root with a name, or another node without one.</exception>
    public FdtWriter BeginNode(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_rootDone || (_depth == 0) != (name.Length == 0))
        {
            throw new InvalidOperationException($"node '{name}': a tree has one root, and only the root has no name");
        }

        _depth++;
        _childrenBegun = false;
        Cell(BeginNodeToken);
        Text(name);
        Align();
        return this;
    }

    /// <summary>Ends the node that was begun last.</summary>
    public FdtWriter EndNode()
    {
        _depth--;
        _rootDone = _depth == 0;
        _childrenBegun = true;
        Cell(EndNodeToken);
        return this;
    }

    /// <summary>A number by which other nodes refer to the one that gets it as its <c>phandle</c>.</summary>
    public uint NewPhandle() => _nextPhandle++;

    /// <summary>A property without a value.</summary>
    /// <exception cref="InvalidOperationException">No node has begun, or its children have.</exception>
    public FdtWriter Flag(string name) => Bytes(name, []);

    /// <summary>One or several texts.</summary>
    /// <exception cref="InvalidOperationException">No node has begun, or its children have.</exception>
    public FdtWriter Strings(string name, params ReadOnlySpan<string> values)
    {
        var bytes = new ByteBuffer();
        foreach (var value in values)
        {
            bytes.Write(Encoding.UTF8.GetBytes(value));
            bytes.WriteByte(0);
        }

        return Bytes(name, bytes.Written);
    }

    /// <summary>One or several 32-bit cells.</summary>
    /// <exception cref="InvalidOperationException">No node has begun, or its children have.</exception>
    public FdtWriter Cells(string name, params ReadOnlySpan<uint> values)
    {
        var bytes = new byte[values.Length * 4];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * 4), values[i]);
        }

        return Bytes(name, bytes);
    }

    /// <summary>One or several 64-bit numbers, two cells each: addresses and sizes where both take two cells.</summary>
    /// <exception cref="InvalidOperationException">No node has begun, or its children have.</exception>
    public FdtWriter Cells64(string name, params ReadOnlySpan<ulong> values)
    {
        var bytes = new byte[values.Length * 8];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(i * 8), values[i]);
        }

        return Bytes(name, bytes);
    }

    /// <summary>A value of any bytes.</summary>
    /// <exception cref="InvalidOperationException">No node has begun, or its children have.</exception>
    public FdtWriter Bytes(string name, ReadOnlySpan<byte> value)
    {
        if (_depth == 0 || _childrenBegun)
        {
            throw new InvalidOperationException($"property '{name}': properties stand in a node, before its children");
        }

        Cell(PropertyToken);
        Cell((uint)value.Length);
        Cell(StringOffset(name));
        _structure.Write(value);
        Align();
        return this;
    }

    /// <summary>The whole blob: header, memory reservations, structure, strings (section 5.1).</summary>
    /// <exception cref="InvalidOperationException">The root node has not ended.</exception>
    public byte[] ToArray()
    {
        if (!_rootDone)
        {
            throw new InvalidOperationException("the root node has not ended");
        }

        var reservationOffset = HeaderBytes; // 8-byte aligned, as it must be
        var structureOffset = reservationOffset + _reservations.Length + ReservationBytes; // an empty one ends them
        var structureBytes = _structure.Length + 4;
        var stringsOffset = structureOffset + structureBytes;
        var total = (stringsOffset + _strings.Length + 7) & ~7;
        var blob = new byte[total];
        ReadOnlySpan<uint> header =
        [
            Magic, (uint)total, (uint)structureOffset, (uint)stringsOffset, (uint)reservationOffset, Version,
            LastCompatibleVersion, 0, (uint)_strings.Length, (uint)structureBytes,
        ];
        for (var i = 0; i < header.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(i * 4), header[i]);
        }

        _reservations.Written.CopyTo(blob.AsSpan(reservationOffset));
        _structure.Written.CopyTo(blob.AsSpan(structureOffset));
        BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(stringsOffset - 4), EndToken);
        _strings.Written.CopyTo(blob.AsSpan(stringsOffset));
        return blob;
    }

    private void Cell(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        _structure.Write(bytes);
    }

    private void Text(string text)
    {
        _structure.Write(Encoding.UTF8.GetBytes(text));
        _structure.WriteByte(0);
    }

    private void Align()
    {
        while (_structure.Length % 4 != 0)
        {
            _structure.WriteByte(0);
        }
    }

    private uint StringOffset(string name)
    {
        if (!_stringOffsets.TryGetValue(name, out var offset))
        {
            offset = _strings.Length;
            _stringOffsets.Add(name, offset);
            _strings.Write(Encoding.UTF8.GetBytes(name));
            _strings.WriteByte(0);
        }

        return (uint)offset;
    }

    /// <summary>Bytes in a row that grow.</summary>
    private sealed class ByteBuffer
    {
        private byte[] _bytes = new byte[256];

        public int Length { get; private set; }

        public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

        public void Write(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length > _bytes.Length - Length)
            {
                Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, Length + bytes.Length));
            }

            bytes.CopyTo(_bytes.AsSpan(Length));
            Length += bytes.Length;
        }

        public void WriteByte(byte value) => Write([value]);
    }
}
