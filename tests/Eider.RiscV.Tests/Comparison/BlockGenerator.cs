namespace Eider.RiscV.Tests.Comparison;

/// <summary>Makes the block of a number: a pure function of seed and number, so that a mismatch can be looked at again.</summary>
internal static class BlockGenerator
{
    private static readonly (int Weight, string Kind, Action<BlockBuilder> Fill)[] Kinds =
    [
        (20, "integer", IntegerBlocks.Fill),
        (12, "memory", MemoryBlocks.Fill),
        (5, "atomic", MemoryBlocks.FillAtomic),
        (24, "floating point", FloatingPointBlocks.Fill),
        (3, "floating point off", FloatingPointBlocks.FillWithStatus),
        (7, "csr", CsrBlocks.Fill),
        (6, "illegal", IllegalBlocks.Fill),
        (4, "privilege", PrivilegeBlocks.Fill),
        (3, "interrupt", PrivilegeBlocks.FillInterrupt),
        (8, "paging", PagingBlocks.Fill),
        (6, "mapping", MappingBlocks.Fill),
        (2, "protection", PagingBlocks.FillProtection),
    ];

    private static readonly int TotalWeight = Kinds.Sum(kind => kind.Weight);

    public static Block Generate(ulong seed, int index, int blocks)
    {
        GuestRandom random = new(new GuestRandom(seed ^ ((ulong)index << 32)).Next());
        int choice = random.Next(TotalWeight);
        int kind = 0;
        while (choice >= Kinds[kind].Weight)
        {
            choice -= Kinds[kind].Weight;
            kind++;
        }

        BlockBuilder builder = new(random, Kinds[kind].Kind, index, Layout.RecordOf(blocks, index));
        Kinds[kind].Fill(builder);
        builder.Emit(Encoder.Ecall, "ecall");
        if (builder.Block.CodeBytes > Layout.CodeStride)
        {
            throw new InvalidOperationException($"block {index} of seed {seed} is {builder.Block.CodeBytes} bytes long");
        }

        return builder.Block;
    }
}
