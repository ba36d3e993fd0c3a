namespace Eider.RiscV.Tests.Comparison;

/// <summary>What the random programs contain; no other machine is needed for this.</summary>
public sealed class CoverageTests
{
    private const int Blocks = 6_000;

    private static readonly Block[] Sample = [.. Enumerable.Range(0, Blocks).Select(i => BlockGenerator.Generate(3, i, Blocks))];

    private static readonly string[] Others =
    [
        "jal", "jalr", "c.j", "c.jr", "c.jalr", "beq", "bne", "blt", "bge", "bltu", "bgeu", "c.beqz", "c.bnez", "ctzw", "fence", "fence.i",
        "lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "sb", "sh", "sw", "sd", "flw", "fld", "fsw", "fsd", "lr.w", "lr.d", "sc.w", "sc.d",
        "c.addi", "c.addiw", "c.li", "c.lui", "c.addi16sp", "c.srli", "c.srai", "c.andi", "c.sub", "c.xor", "c.or", "c.and", "c.subw",
        "c.addw", "c.slli", "c.mv", "c.add", "c.addi4spn", "c.nop", "c.fld", "c.lw", "c.ld", "c.fsd", "c.sw", "c.sd", "c.fldsp", "c.lwsp",
        "c.ldsp", "c.fsdsp", "c.swsp", "c.sdsp", "csrrw", "csrrs", "csrrc", "csrrwi", "ecall", "ebreak", "wfi", "sret", "mret", "sfence.vma",
    ];

    [Fact]
    public void Every_instruction_occurs()
    {
        HashSet<string> seen = [.. Sample.SelectMany(block => block.Code).Select(instruction => instruction.Text.Split(' ')[0])];
        string[] atomics = ["swap", "add", "xor", "and", "or", "min", "max", "minu", "maxu"];
        string[] missing =
        [
            .. InstructionForms.Integer.Concat(InstructionForms.FloatingPoint).Select(form => form.Name)
                .Concat(Others)
                .Concat(atomics.SelectMany(name => (string[])[$"amo{name}.w", $"amo{name}.d"]))
                .Where(name => !seen.Contains(name)),
        ];
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_exception_and_supervisor_interrupt_that_both_machines_report_alike_occurs()
    {
        // Not 0, as jumps cannot be misaligned where C is, and not 6, whose instructions QEMU takes otherwise.
        const ulong Interrupt = 1UL << 63;
        ulong[] expected = [1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, Interrupt | 1, Interrupt | 5, Interrupt | 9];
        Assert.Equal(expected, ComparisonRun.Causes(3, Sample).Order());
    }
}
