using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Eider.RiscV.Tests.Comparison;

/// <summary>One image on both machines, and what is different afterwards, down to the instruction.</summary>
internal sealed class ComparisonRun
{
    private const int MaxReported = 6;

    /// <summary>More instructions than a block with its loops, and the handler, can execute.</summary>
    private const long InstructionsPerBlock = 2_000;

    private readonly ulong _seed;
    private readonly IReadOnlyList<Block> _blocks;
    private readonly byte[] _image;
    private readonly byte[] _imageOfEider;
    private byte[] _expected = [];
    private byte[] _actual = [];

    private ComparisonRun(ulong seed, IReadOnlyList<Block> blocks, Action<byte[]>? sabotage)
    {
        _seed = seed;
        _blocks = blocks;
        _image = GuestImage.Build(seed, blocks);
        _imageOfEider = sabotage is null ? _image : (byte[])_image.Clone();
        sabotage?.Invoke(_imageOfEider);
    }

    /// <summary>Instructions of blocks that the engine retired, without the handler's.</summary>
    public long Instructions { get; private set; }

    /// <summary>Runs as many blocks as named; the text says what is different, null if nothing is.</summary>
    public static (long Instructions, string? Difference) Run(ulong seed, int blocks)
    {
        Block[] all = new Block[blocks];
        Parallel.For(0, blocks, i => all[i] = BlockGenerator.Generate(seed, i, blocks));
        return Run(seed, all, sabotage: null);
    }

    /// <summary>Runs blocks; what <paramref name="sabotage"/> does to the image is seen by Eider alone.</summary>
    public static (long Instructions, string? Difference) Run(ulong seed, IReadOnlyList<Block> blocks, Action<byte[]>? sabotage)
    {
        ComparisonRun run = new(seed, blocks, sabotage);
        (run._expected, run._actual, ulong retired) = run.Execute(run._image, run._imageOfEider);
        run.Instructions = (long)retired - ((long)blocks.Count * GuestImage.HandlerInstructions);
        return (run.Instructions, run.Describe());
    }

    /// <summary>The values of mcause with which the blocks of a seed end on Eider alone.</summary>
    public static IReadOnlySet<ulong> Causes(ulong seed, IReadOnlyList<Block> blocks)
    {
        ComparisonRun run = new(seed, blocks, sabotage: null);
        (byte[] ram, _) = EiderMachine.Run(run._image, blocks.Count * InstructionsPerBlock);
        int at = Layout.RecordCsr + (8 * Array.IndexOf(Layout.Csrs, Csr.Mcause));
        return Enumerable.Range(0, blocks.Count)
            .Select(i => BinaryPrimitives.ReadUInt64LittleEndian(run.Record(ram, i)[at..])).ToHashSet();
    }

    private (byte[] Expected, byte[] Actual, ulong Retired) Execute(byte[] imageOfQemu, byte[] imageOfEider)
    {
        Task<byte[]> qemu = Task.Run(() => QemuMachine.Run(imageOfQemu));
        (byte[] actual, ulong retired) = EiderMachine.Run(imageOfEider, (_blocks.Count + 1) * InstructionsPerBlock);
        byte[] expected = qemu.GetAwaiter().GetResult();
        for (int i = 0; i < _blocks.Count; i++)
        {
            KnownDifferences.Explain(Record(expected, i), _blocks[i]);
        }

        return (expected, actual, retired);
    }

    /// <summary>The first instruction of a block after which the machines differ; -1 if they agree on the block alone.</summary>
    private int FindInstruction(int block)
    {
        int agreeing = 0;
        int differing = _blocks[block].Code.Count;
        if (!Differs(block, differing))
        {
            return -1;
        }

        while (differing - agreeing > 1)
        {
            int middle = (agreeing + differing) / 2;
            (agreeing, differing) = Differs(block, middle) ? (agreeing, middle) : (middle, differing);
        }

        return differing - 1;
    }

    private bool Differs(int block, int instructions)
    {
        (byte[] expected, byte[] actual, _) = Execute(
            GuestImage.Only(_image, _blocks, block, instructions), GuestImage.Only(_imageOfEider, _blocks, block, instructions));
        return !Record(expected, block).SequenceEqual(Record(actual, block));
    }

    private string? Describe()
    {
        StringBuilder report = new();
        int differing = 0;
        for (int i = 0; i < _blocks.Count; i++)
        {
            if (Record(_expected, i).SequenceEqual(Record(_actual, i)))
            {
                continue;
            }

            differing++;
            if (differing <= MaxReported)
            {
                DescribeBlock(report, i, differing == 1 ? FindInstruction(i) : -1);
            }
        }

        if (differing == 0)
        {
            DescribeMemory(report);
        }

        return report.Length == 0 ? null : $"seed {_seed}: {differing} of {_blocks.Count} blocks differ\n{report}";
    }

    /// <summary>What is shared by blocks: page tables and the pages they map.</summary>
    private void DescribeMemory(StringBuilder report)
    {
        int reported = 0;
        for (int at = 0; at < _expected.Length && reported < MaxReported; at += 8)
        {
            ulong right = BinaryPrimitives.ReadUInt64LittleEndian(_expected.AsSpan(at));
            ulong wrong = BinaryPrimitives.ReadUInt64LittleEndian(_actual.AsSpan(at));
            if (right == wrong)
            {
                continue;
            }

            reported++;
            ulong address = Layout.Ram + (ulong)at;
            ulong was = BinaryPrimitives.ReadUInt64LittleEndian(_image.AsSpan(at));
            report.Append(
                CultureInfo.InvariantCulture, $"memory at {address:x}: QEMU {right:x16} Eider {wrong:x16} (before {was:x16})\n");
            DescribeUsers(report, address);
        }
    }

    /// <summary>The blocks that hold an address which a page table entry maps.</summary>
    private void DescribeUsers(StringBuilder report, ulong entry)
    {
        ulong page = (Layout.TestVirtual >> 12) + ((entry - Layout.LeafTables) / 8);
        for (int i = 0; i < _blocks.Count && entry >= Layout.LeafTables && entry < Layout.Data; i++)
        {
            if (_blocks[i].X.Any(value => value >> 12 == page || (value + 7) >> 12 == page))
            {
                report.Append(CultureInfo.InvariantCulture, $"reached by block {i}\n");
                DescribeBlock(report, i, first: -1);
            }
        }
    }

    private Span<byte> Record(byte[] ram, int block) =>
        ram.AsSpan((int)(Layout.RecordOf(_blocks.Count, block) - Layout.Ram), Layout.RecordBytes);

    private void DescribeBlock(StringBuilder report, int index, int first)
    {
        Block block = _blocks[index];
        report.Append(CultureInfo.InvariantCulture, $"block {index} ({block.Kind}) at 0x{block.Start:x}\n");
        DescribeEnd(report, "QEMU", index, _expected);
        DescribeEnd(report, "Eider", index, _actual);
        ReadOnlySpan<byte> before = Record(_image, index);
        ReadOnlySpan<byte> expected = Record(_expected, index);
        ReadOnlySpan<byte> actual = Record(_actual, index);
        for (int at = 0; at < Layout.RecordBytes; at += 8)
        {
            ulong right = BinaryPrimitives.ReadUInt64LittleEndian(expected[at..]);
            ulong wrong = BinaryPrimitives.ReadUInt64LittleEndian(actual[at..]);
            if (right != wrong)
            {
                ulong was = BinaryPrimitives.ReadUInt64LittleEndian(before[at..]);
                report.Append(CultureInfo.InvariantCulture, $"  {Name(at),-10} QEMU {right:x16} Eider {wrong:x16} (before {was:x16})\n");
            }
        }

        ulong end = BinaryPrimitives.ReadUInt64LittleEndian(expected[Layout.RecordCsr..]);
        ulong pc = block.Start;
        for (int i = 0; i < block.Code.Count; i++)
        {
            string mark = i == first ? "=> " : pc == end ? " > " : "   ";
            report.Append(CultureInfo.InvariantCulture, $" {mark}{pc:x}: {block.Code[i]}\n");
            pc += (ulong)block.Code[i].LengthBytes;
        }
    }

    private void DescribeEnd(StringBuilder report, string machine, int index, byte[] ram)
    {
        if (Record(ram, index).SequenceEqual(Record(_image, index)))
        {
            report.Append(CultureInfo.InvariantCulture, $"  {machine} did not come to the end of this block\n");
        }
    }

    private static string Name(int at) => at switch
    {
        < Layout.RecordF => $"x{at / 8}",
        < Layout.RecordCsr => $"f{(at - Layout.RecordF) / 8}",
        < Layout.RecordWindow when (at - Layout.RecordCsr) / 8 < Layout.CsrNames.Length => Layout.CsrNames[(at - Layout.RecordCsr) / 8],
        _ => $"window+{at - Layout.RecordWindow}",
    };
}
