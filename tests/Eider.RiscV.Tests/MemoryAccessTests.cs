using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

public sealed class MemoryAccessTests
{
    private const ulong Data = TestMachine.RamBase + 0x4000;

    [Theory]
    [InlineData(0u, 0xFFFF_FFFF_FFFF_FF88UL)] // lb
    [InlineData(1u, 0xFFFF_FFFF_FFFF_9988UL)] // lh
    [InlineData(2u, 0xFFFF_FFFF_BBAA_9988UL)] // lw
    [InlineData(3u, 0xFFEE_DDCC_BBAA_9988UL)] // ld
    [InlineData(4u, 0x88UL)] // lbu
    [InlineData(5u, 0x9988UL)] // lhu
    [InlineData(6u, 0xBBAA_9988UL)] // lwu
    public void A_load_extends_as_its_name_says_with_and_without_the_TLB(uint funct3, ulong expected)
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Load(funct3, 7, 5, -8).Load(funct3, 8, 5, -8));
        machine.Write64(Data, 0xFFEE_DDCC_BBAA_9988);
        machine.Hart.SetX(5, Data + 8);

        machine.Step(2);

        Assert.Equal((expected, expected), (machine.Hart.X(7), machine.Hart.X(8)));
    }

    [Theory]
    [InlineData(0u, 0x1111_1111_1111_1188UL)]
    [InlineData(1u, 0x1111_1111_1111_9988UL)]
    [InlineData(2u, 0x1111_1111_BBAA_9988UL)]
    [InlineData(3u, 0xFFEE_DDCC_BBAA_9988UL)]
    public void A_store_writes_only_its_bytes_with_and_without_the_TLB(uint funct3, ulong expected)
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Store(funct3, 6, 5, 0).Store(funct3, 6, 5, 8));
        machine.Write64(Data, 0x1111_1111_1111_1111);
        machine.Write64(Data + 8, 0x1111_1111_1111_1111);
        machine.Hart.SetX(5, Data);
        machine.Hart.SetX(6, 0xFFEE_DDCC_BBAA_9988);

        machine.Step(2);

        Assert.Equal((expected, expected), (machine.Read64(Data), machine.Read64(Data + 8)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(0xFF9)] // across the page's end
    [InlineData(0xFFF)]
    public void Misaligned_loads_and_stores_work_also_across_pages(int offset)
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Ld(0, 5, 0).Sd(6, 5, 0).Ld(7, 5, 0).Lw(8, 5, 4).Sw(8, 5, 8).Ld(9, 5, 8));
        machine.Hart.SetX(5, Data + (ulong)offset);
        machine.Hart.SetX(6, 0x8877_6655_4433_2211);

        machine.Step(6);

        Assert.Equal(0x8877_6655_4433_2211UL, machine.Hart.X(7));
        Assert.Equal(0xFFFF_FFFF_8877_6655UL, machine.Hart.X(8));
        Assert.Equal(0x8877_6655UL, machine.Hart.X(9));
        Assert.Equal(0x8877_6655_4433_2211UL, machine.Read64(Data + (ulong)offset));
    }

    [Fact]
    public void A_load_into_x0_still_faults()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Ld(0, 5, 0));
        machine.Hart.SetX(5, 0x1000);

        machine.Step();

        Assert.Equal((5UL, 0x1000UL, TestMachine.RamBase), (machine.Csr(0x342), machine.Csr(0x343), machine.Csr(0x341)));
    }

    [Theory]
    [InlineData(0u, 10UL, 3UL, 13UL)] // add
    [InlineData(1u, 10UL, 3UL, 3UL)] // swap
    [InlineData(4u, 10UL, 3UL, 9UL)] // xor
    [InlineData(8u, 10UL, 3UL, 11UL)] // or
    [InlineData(12u, 10UL, 3UL, 2UL)] // and
    [InlineData(16u, 0xFFFF_FFFF_8000_0000UL, 3UL, 0xFFFF_FFFF_8000_0000UL)] // min
    [InlineData(20u, 0xFFFF_FFFF_8000_0000UL, 3UL, 3UL)] // max
    [InlineData(24u, 0xFFFF_FFFF_8000_0000UL, 3UL, 3UL)] // minu
    [InlineData(28u, 0xFFFF_FFFF_8000_0000UL, 3UL, 0xFFFF_FFFF_8000_0000UL)] // maxu
    public void An_atomic_returns_the_old_value_and_stores_the_new_one(uint funct5, ulong memory, ulong operand, ulong stored)
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Amo(funct5, 3, 7, 5, 6).Amo(funct5, 2, 8, 9, 6));
        machine.Write64(Data, memory);
        machine.Write64(Data + 8, 0xAAAA_AAAA_0000_0000 | (uint)memory);
        machine.Hart.SetX(5, Data);
        machine.Hart.SetX(6, operand);
        machine.Hart.SetX(9, Data + 8);

        machine.Step(2);

        Assert.Equal((memory, stored), (machine.Hart.X(7), machine.Read64(Data)));
        Assert.Equal(((ulong)(int)memory, 0xAAAA_AAAA_0000_0000 | (uint)stored), (machine.Hart.X(8), machine.Read64(Data + 8)));
    }

    [Fact]
    public void Sc_succeeds_once_after_lr_of_the_same_address_and_never_without()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase)
            .Amo(3, 3, 7, 5, 6) // sc without lr
            .Amo(2, 3, 8, 5, 0) // lr
            .Amo(3, 3, 9, 5, 6) // sc
            .Amo(3, 3, 10, 5, 0) // sc again
            .Amo(2, 3, 0, 5, 0) // lr, then sc elsewhere
            .Amo(3, 3, 11, 12, 6));
        machine.Write64(Data, 42);
        machine.Hart.SetX(5, Data);
        machine.Hart.SetX(6, 99);
        machine.Hart.SetX(12, Data + 8);

        machine.Step(6);

        Assert.Equal((1UL, 42UL, 0UL, 1UL, 1UL), (machine.Hart.X(7), machine.Hart.X(8), machine.Hart.X(9), machine.Hart.X(10), machine.Hart.X(11)));
        Assert.Equal((99UL, 0UL), (machine.Read64(Data), machine.Read64(Data + 8)));
    }

    [Theory]
    [InlineData(2u, 4UL)] // lr: load address misaligned
    [InlineData(3u, 6UL)] // sc
    [InlineData(0u, 6UL)] // amoadd: store/AMO address misaligned
    public void A_misaligned_atomic_traps(uint funct5, ulong cause)
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Amo(funct5, 3, 7, 5, funct5 == 2 ? 0 : 6));
        machine.Hart.SetX(5, Data + 4);

        machine.Step();

        Assert.Equal((cause, Data + 4), (machine.Csr(0x342), machine.Csr(0x343)));
    }
}
