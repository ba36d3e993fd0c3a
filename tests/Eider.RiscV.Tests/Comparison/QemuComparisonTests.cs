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

    private static long Setting(string name, long value) =>
        Environment.GetEnvironmentVariable(name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : value;
}
