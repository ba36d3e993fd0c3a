using System.Buffers.Binary;

namespace Eider.RiscV.Tests.Comparison;

/// <summary>
/// What the comparison leaves out or sets right, because QEMU 7.2 does it otherwise: here the specification alone
/// is asked. docs/riscv-comparison.md lists the same cases.
/// </summary>
public sealed class WhereQemuDiffersTests
{
    private const int Pointer = 10;
    private const int Result = 11;

    [Fact]
    public void Ctzw_of_a_zero_word_is_32_whatever_stands_above_it()
    {
        BlockBuilder builder = NewBlock();
        builder.Block.X[Pointer] = 0x0200_0000_0000_0000;
        builder.Emit(Encoder.I(InstructionForms.Ctzw, Result, Pointer, 0), "ctzw");
        Assert.Equal(32UL, Run(builder).X(Result));
    }

    [Theory]
    [InlineData(0x222UL, 9)]
    [InlineData(0x022UL, 1)]
    [InlineData(0x220UL, 9)]
    [InlineData(0x020UL, 5)]
    public void Interrupts_are_taken_external_then_software_then_timer(ulong pending, int expected)
    {
        BlockBuilder builder = NewBlock();
        builder.SetMode(0);
        builder.Block[Csr.Mip] = pending;
        builder.Block[Csr.Mie] = pending;
        Assert.Equal((1UL << 63) | (uint)expected, Run(builder).Csr(Csr.Mcause));
    }

    [Theory]
    [InlineData(0, 7)]
    [InlineData(1, 6)]
    public void Faults_of_an_amo_are_those_of_a_store(int misaligned, int cause)
    {
        BlockBuilder builder = NewBlock();
        builder.Block.X[Pointer] = misaligned == 0 ? Layout.Hole : builder.Window + 4;
        builder.Emit(Encoder.R(0x302F, Result, Pointer, 0), "amoadd.d");
        Record record = Run(builder);
        Assert.Equal((ulong)cause, record.Csr(Csr.Mcause));
        Assert.Equal(builder.Block.X[Pointer], record.Csr(Csr.Mtval));
    }

    [Fact]
    public void Page_fault_of_an_amo_on_a_read_only_page_is_one_of_a_store()
    {
        BlockBuilder builder = NewBlock();
        builder.SetMode(1);
        builder.Block[Csr.Satp] = (8UL << 60) | (Layout.Root(user: false, 3) >> 12);
        builder.Block.X[Pointer] = 0x7000_0000_0000_0000; // not canonical: no page, whatever the tables hold
        builder.Emit(Encoder.R(0x302F, Result, Pointer, 0), "amoadd.d");
        Assert.Equal(15UL, Run(builder).Csr(Csr.Mcause));
    }

    [Fact]
    public void Store_conditional_to_a_misaligned_address_traps_without_a_reservation_too()
    {
        BlockBuilder builder = NewBlock();
        builder.Block.X[Pointer] = builder.Window + 2;
        builder.Emit(Encoder.R(0x1800_302F, Result, Pointer, 0), "sc.d");
        Assert.Equal(6UL, Run(builder).Csr(Csr.Mcause));
    }

    [Fact]
    public void Csrrs_of_a_read_only_register_is_illegal_by_its_operand_not_by_its_value()
    {
        BlockBuilder builder = NewBlock();
        builder.Block.X[Pointer] = 0;
        builder.Emit(Encoder.Csrrs(Result, 0xF14, Pointer), "csrrs mhartid");
        Assert.Equal(2UL, Run(builder).Csr(Csr.Mcause));
    }

    [Theory]
    [InlineData(Csr.Sepc)]
    [InlineData(Csr.Mepc)]
    public void Exception_program_counters_are_even(int csr)
    {
        BlockBuilder builder = NewBlock();
        builder.Block.X[Pointer] = 0x8000_0001;
        builder.Emit(Encoder.Csrrw(0, csr, Pointer), "csrw");
        builder.Emit(Encoder.Csrrs(Result, csr, 0), "csrr");
        Assert.Equal(0x8000_0000UL, Run(builder).X(Result));
    }

    [Fact]
    public void A_written_minstret_is_what_the_next_instruction_reads()
    {
        BlockBuilder builder = NewBlock();
        builder.Block.X[Pointer] = 1000;
        builder.Emit(Encoder.Csrrw(0, 0xB02, Pointer), "csrw minstret");
        builder.Emit(Encoder.Csrrs(Result, 0xB02, 0), "csrr minstret");
        builder.Emit(Encoder.Csrrs(12, 0xB02, 0), "csrr minstret");
        Record record = Run(builder);
        Assert.Equal(1000UL, record.X(Result));
        Assert.Equal(1001UL, record.X(12));
    }

    [Fact]
    public void Flags_of_an_operation_without_a_floating_point_result_make_the_state_dirty()
    {
        BlockBuilder builder = NewBlock();
        builder.Block[Csr.Mstatus] = (builder.Block[Csr.Mstatus] & ~Csr.StatusFs) | (1UL << 13);
        builder.Block.Fcsr = 0;
        builder.Block.F[0] = 0x7FF0_0000_0000_0001; // signaling NaN
        builder.Emit(0xA200_2053 | (Result << 7), "feq.d");
        Record record = Run(builder);
        Assert.Equal(Csr.StatusFs, record.Csr(Csr.Mstatus) & Csr.StatusFs);
        Assert.Equal(16UL, record.Fcsr);
    }

    [Fact]
    public void An_instruction_that_reaches_into_nowhere_faults_at_its_second_half()
    {
        BlockBuilder builder = NewBlock();
        ulong end = Layout.Ram + Layout.RamBytes(1);
        builder.Block.X[Pointer] = end - 2;
        builder.Emit(Encoder.I(0x67, 0, Pointer, 0), "jalr");
        Record record = Run(builder, image => image[^2] = 0x73);
        Assert.Equal(1UL, record.Csr(Csr.Mcause));
        Assert.Equal(end - 2, record.Csr(Csr.Mepc));
        Assert.Equal(end, record.Csr(Csr.Mtval));
    }

    private static BlockBuilder NewBlock() => new(new GuestRandom(1), "directed", 0, Layout.RecordOf(1, 0));

    private static Record Run(BlockBuilder builder, Action<byte[]>? change = null)
    {
        builder.Emit(Encoder.Ecall, "ecall");
        byte[] image = GuestImage.Build(1, [builder.Block]);
        change?.Invoke(image);
        (byte[] ram, _) = EiderMachine.Run(image, 100_000);
        return new Record(ram.AsSpan((int)(Layout.RecordOf(1, 0) - Layout.Ram), Layout.RecordBytes).ToArray());
    }

    private sealed class Record(byte[] bytes)
    {
        public ulong Fcsr => Read(Layout.RecordCsr + (8 * Layout.FcsrSlot));

        public ulong X(int register) => Read(8 * register);

        public ulong Csr(int number) => Read(Layout.RecordCsr + (8 * Array.IndexOf(Layout.Csrs, number)));

        private ulong Read(int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
    }
}
