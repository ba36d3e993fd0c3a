using System.Text;
using Eider.Machines.Fdt;
using Eider.Machines.Tests.Fdt;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// The device tree: any tree that the writer can be asked for, and the board's tree with anything that a user can put into it. An
/// independent, strict reader must find what was written. Accepted: it did.
/// </summary>
public sealed class DeviceTreeTarget : FuzzTarget
{
    private const string NameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789,._+-@";

    /// <inheritdoc/>
    public override string Name => "device-tree";

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.OneIn(8))
        {
            RunBoard(input);
            return true;
        }

        var writer = new FdtWriter();
        for (var ranges = input.Below(3); ranges > 0; ranges--)
        {
            writer.Reserve(input.Edge(1 << 30) | 1, input.Edge(4096));
        }

        var expected = new FdtNode("");
        var nodes = 2 + input.Below(12);
        Write(input, writer, expected, ref nodes, depth: 0);
        var reader = FdtReader.Read(writer.ToArray());
        FuzzException.Unless(Same(expected, reader.Root), "the tree reads otherwise than it was written");
        input.Saw($"{expected.Children.Count} children");
        return true;
    }

    private static void RunBoard(FuzzInput input)
    {
        var text = new StringBuilder();
        for (var length = input.Below(100); length > 0; length--)
        {
            text.Append((char)(1 + input.Below(127)));
        }

        var board = new BoardDescription
        {
            Ram = [(0x8000_0000, input.Edge(1 << 30)), (1UL << 32, input.Edge(1 << 30))],
            Harts = 1 + input.Below(8),
            IsaString = "rv64imafdc",
            IsaExtensions = ["i", "m", "a", "f", "d", "c"],
            MmuType = "riscv,sv57",
            CommandLine = text.ToString(),
            Initrd = input.OneIn(2) ? null : (0x8000_0000 + (uint)input.Below(1 << 20), (uint)input.Below(1 << 20)),
            RandomSeed = new byte[input.Below(65)],
            HasClint = input.OneIn(2),
        };
        var root = FdtReader.Read(BoardDeviceTree.Build(board)).Root;
        FuzzException.Unless(root["chosen"].Strings("bootargs")[0] == board.CommandLine, "the command line is another one");
        FuzzException.Unless(root["cpus"].Children.Count == board.Harts, "a hart is missing");
        input.Saw($"{board.Harts} harts");
    }

    private static void Write(FuzzInput input, FdtWriter writer, FdtNode node, ref int nodes, int depth)
    {
        nodes--;
        writer.BeginNode(node.Name);
        for (var properties = input.Below(5); properties > 0; properties--)
        {
            var name = MakeName(input, properties);
            var value = new byte[input.OneIn(8) ? input.Below(600) : input.Below(12)];
            input.Fill(value);
            writer.Bytes(name, value);
            node.Properties.Add(name, value);
        }

        for (var children = depth < 20 ? input.Below(4) : 0; children > 0 && nodes > 0; children--)
        {
            var child = new FdtNode(MakeName(input, children));
            node.Children.Add(child);
            Write(input, writer, child, ref nodes, depth + 1);
        }

        writer.EndNode();
    }

    /// <summary>A name that no other one of the same node has.</summary>
    private static string MakeName(FuzzInput input, int number)
    {
        var name = new StringBuilder().Append((char)('A' + number));
        for (var length = input.OneIn(16) ? input.Below(200) : input.Below(9); length > 0; length--)
        {
            name.Append(NameCharacters[input.Below(NameCharacters.Length)]);
        }

        return name.ToString();
    }

    private static bool Same(FdtNode left, FdtNode right) =>
        left.Name == right.Name
        && left.Properties.Count == right.Properties.Count
        && left.Properties.All(pair => right.Properties.TryGetValue(pair.Key, out var value) && value.AsSpan().SequenceEqual(pair.Value))
        && left.Children.Count == right.Children.Count
        && left.Children.Zip(right.Children).All(pair => Same(pair.First, pair.Second));
}
