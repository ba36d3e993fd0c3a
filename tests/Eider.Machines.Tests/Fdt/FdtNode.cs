using System.Buffers.Binary;
using System.Text;

namespace Eider.Machines.Tests.Fdt;

internal sealed class FdtNode(string name)
{
    public string Name { get; } = name;

    public Dictionary<string, byte[]> Properties { get; } = [];

    public List<FdtNode> Children { get; } = [];

    public FdtNode this[string path] => path.Split('/').Aggregate(this, (node, part) => node.Children.Single(child => child.Name == part));

    public uint[] Cells(string property) =>
        [.. Properties[property].Chunk(4).Select(cell => BinaryPrimitives.ReadUInt32BigEndian(cell))];

    public ulong[] Cells64(string property) =>
        [.. Properties[property].Chunk(8).Select(cell => BinaryPrimitives.ReadUInt64BigEndian(cell))];

    public string[] Strings(string property)
    {
        var text = Encoding.ASCII.GetString(Properties[property]);
        Assert.EndsWith("\0", text, StringComparison.Ordinal);
        return text[..^1].Split('\0');
    }
}
