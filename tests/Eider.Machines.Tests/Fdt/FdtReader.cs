using System.Buffers.Binary;
using System.Text;

namespace Eider.Machines.Tests.Fdt;

/// <summary>Reads a flattened device tree as Devicetree Specification 0.4, chapter 5, defines it; strict.</summary>
internal sealed class FdtReader
{
    private readonly byte[] _blob;
    private readonly int _strings;
    private int _at;

    private FdtReader(byte[] blob)
    {
        _blob = blob;
        Assert.Equal(0xD00DFEEDU, Word(0));
        Assert.Equal((uint)blob.Length, Word(4));
        Assert.Equal(17U, Word(20));
        Assert.Equal(16U, Word(24));
        _at = (int)Word(8);
        _strings = (int)Word(12);
        Assert.Equal(0, _at % 4);
        Assert.Equal(0U, Word(16) % 8);
        Assert.Equal(_strings, _at + (int)Word(36));
        Assert.True(_strings + Word(32) <= (uint)blob.Length);
        for (var entry = (int)Word(16); ; entry += 16)
        {
            var range = (BinaryPrimitives.ReadUInt64BigEndian(blob.AsSpan(entry)), BinaryPrimitives.ReadUInt64BigEndian(blob.AsSpan(entry + 8)));
            if (range == (0, 0))
            {
                break;
            }

            Reservations.Add(range);
        }
    }

    public List<(ulong Address, ulong Size)> Reservations { get; } = [];

    public FdtNode Root { get; private set; } = null!;

    public static FdtReader Read(byte[] blob)
    {
        var reader = new FdtReader(blob);
        Assert.Equal(1U, reader.Next());
        reader.Root = reader.ReadNode();
        Assert.Equal(9U, reader.Next());
        Assert.Equal(reader._strings, reader._at);
        return reader;
    }

    private uint Word(int offset) => BinaryPrimitives.ReadUInt32BigEndian(_blob.AsSpan(offset));

    private uint Next()
    {
        _at += 4;
        return Word(_at - 4);
    }

    private string Text(int offset) =>
        Encoding.ASCII.GetString(_blob.AsSpan(offset, _blob.AsSpan(offset).IndexOf((byte)0)));

    private FdtNode ReadNode()
    {
        var node = new FdtNode(Text(_at));
        _at = (_at + node.Name.Length + 4) & ~3;
        while (true)
        {
            switch (Next())
            {
                case 1:
                    node.Children.Add(ReadNode());
                    break;
                case 2:
                    return node;
                case 3:
                    Assert.Empty(node.Children);
                    var length = (int)Next();
                    var name = Text(_strings + (int)Next());
                    node.Properties.Add(name, _blob[_at..(_at + length)]);
                    _at = (_at + length + 3) & ~3;
                    break;
                default:
                    Assert.Fail("unknown token");
                    break;
            }
        }
    }
}
