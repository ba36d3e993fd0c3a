using System.Globalization;

namespace Eider.RiscV.Tests.Comparison;

public sealed class QemuComparisonTests
{
    /// <summary>Blocks of one image; some 45 executed instructions each.</summary>
    private const int BlocksOfImage = 32_000;

    private const long InstructionsInCi = 1_000_000;

    [Fact]
    [Trait("Category", "Slow")]
    public void Random_programs_leave_the_same_registers_and_memory_as_on_qemu()
    {
        long wanted = Setting("EIDER_COMPARE_INSTRUCTIONS", InstructionsInCi);
        int blocks = (int)Setting("EIDER_COMPARE_BLOCKS", BlocksOfImage);
        ulong seed = (ulong)Setting("EIDER_COMPARE_SEED", 1);
        long executed = 0;
        while (executed < wanted)
        {
            (long instructions, string? difference) = ComparisonRun.Run(seed, blocks);
            Assert.True(difference is null, difference);
            executed += instructions;
            seed++;
        }

        Assert.True(executed >= wanted);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void A_wrong_instruction_is_found_in_its_block()
    {
        const int Blocks = 50;
        Block[] blocks = [.. Enumerable.Range(0, Blocks).Select(i => BlockGenerator.Generate(7, i, Blocks))];
        int index = Array.FindIndex(blocks, block => block.Kind == "integer");
        Block changed = blocks[index];
        changed.Code.Clear();
        changed.Emit(Encoder.Addi(5, 6, 1), "addi x5, x6, 1");
        changed.Emit(Encoder.Addi(7, 6, 2), "addi x7, x6, 2");
        changed.Emit(Encoder.Addi(8, 6, 3), "addi x8, x6, 3");
        changed.Emit(Encoder.Ecall, "ecall");

        // Eider alone executes addi x7, x6, 4.
        int at = (int)(changed.Start - Layout.Ram) + 7;
        (_, string? difference) = ComparisonRun.Run(7, blocks, image => image[at] ^= 0x60);

        Assert.NotNull(difference);
        Assert.Contains($"1 of {Blocks} blocks differ", difference, StringComparison.Ordinal);
        Assert.Contains($"block {index} (integer)", difference, StringComparison.Ordinal);
        Assert.Contains($"=> {changed.Start + 4:x}", difference, StringComparison.Ordinal);
    }

    private static long Setting(string name, long value) =>
        Environment.GetEnvironmentVariable(name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : value;
}
