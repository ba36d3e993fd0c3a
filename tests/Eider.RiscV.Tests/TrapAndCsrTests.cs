using Eider.Hardware.Interrupts;
using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

public sealed class TrapAndCsrTests
{
    private const ulong Handler = TestMachine.RamBase + 0x800;
    private const ulong SupervisorHandler = TestMachine.RamBase + 0xC00;

    [Fact]
    public void An_exception_in_machine_mode_saves_pc_cause_value_and_mode()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Csrrsi(0, 0x300, 8).Word(0xFFFFFFFF));
        machine.Step(2);

        Assert.Equal(Handler, machine.Hart.Pc);
        Assert.Equal((TestMachine.RamBase + 4, 2UL, 0xFFFFFFFFUL), (machine.Csr(0x341), machine.Csr(0x342), machine.Csr(0x343)));
        Assert.Equal(0x1880UL, machine.Csr(0x300) & 0x1888); // MPP = M, MPIE = 1, MIE = 0
    }

    [Fact]
    public void An_illegal_compressed_instruction_reports_its_16_bits()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Half(0x8000).Half(0x1234));
        machine.Step();
        Assert.Equal((2UL, 0x8000UL), (machine.Csr(0x342), machine.Csr(0x343)));
    }

    [Theory]
    [InlineData(PrivilegeMode.User, 8UL)]
    [InlineData(PrivilegeMode.Supervisor, 9UL)]
    [InlineData(PrivilegeMode.Machine, 11UL)]
    public void Ecall_reports_the_mode_that_it_came_from_and_is_not_retired(PrivilegeMode mode, ulong cause)
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Ecall());
        AllowAllMemory(machine);
        machine.Hart.Privilege = mode;
        machine.Step();
        Assert.Equal((cause, TestMachine.RamBase, 0UL), (machine.Csr(0x342), machine.Csr(0x341), machine.Csr(0x343)));
        Assert.Equal(0UL, machine.Engine.RetiredInstructions);
    }

    [Fact]
    public void A_delegated_exception_goes_to_supervisor_mode_unless_it_comes_from_machine_mode()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Ebreak());
        AllowAllMemory(machine);
        machine.SetCsr(0x302, 1 << 3);
        machine.SetCsr(0x105, SupervisorHandler);

        machine.Step();
        Assert.Equal((Handler, PrivilegeMode.Machine), (machine.Hart.Pc, machine.Hart.Privilege));

        machine.Hart.Privilege = PrivilegeMode.User;
        machine.Hart.Pc = TestMachine.RamBase;
        machine.Step();
        Assert.Equal((SupervisorHandler, PrivilegeMode.Supervisor), (machine.Hart.Pc, machine.Hart.Privilege));
        Assert.Equal((3UL, TestMachine.RamBase), (machine.Csr(0x142), machine.Csr(0x141)));
        Assert.Equal(0UL, machine.Csr(0x100) & 0x100); // SPP = U
    }

    [Fact]
    public void Mret_and_sret_restore_mode_and_interrupt_enable()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Mret().Nop().Sret());
        AllowAllMemory(machine);
        machine.SetCsr(0x341, TestMachine.RamBase + 8);
        machine.SetCsr(0x300, (1UL << 11) | 0x80 | (1UL << 17)); // MPP = S, MPIE, MPRV
        machine.Step();
        Assert.Equal((TestMachine.RamBase + 8, PrivilegeMode.Supervisor), (machine.Hart.Pc, machine.Hart.Privilege));
        Assert.Equal(0x88UL, machine.Csr(0x300) & 0x21888); // MIE = MPIE, MPIE = 1, MPP = U, MPRV = 0

        machine.SetCsr(0x141, TestMachine.RamBase + 0x40);
        machine.SetCsr(0x100, 0x20); // SPP = U, SPIE
        machine.Step();
        Assert.Equal((TestMachine.RamBase + 0x40, PrivilegeMode.User), (machine.Hart.Pc, machine.Hart.Privilege));
        Assert.Equal(0x22UL, machine.Csr(0x100) & 0x122);
    }

    [Theory]
    [InlineData(0x30200073u, PrivilegeMode.Supervisor, 0UL)] // mret in S
    [InlineData(0x10200073u, PrivilegeMode.User, 0UL)] // sret in U
    [InlineData(0x10200073u, PrivilegeMode.Supervisor, 1UL << 22)] // sret in S with TSR
    [InlineData(0x10500073u, PrivilegeMode.User, 0UL)] // wfi in U
    [InlineData(0x10500073u, PrivilegeMode.Supervisor, 1UL << 21)] // wfi in S with TW
    [InlineData(0x12000073u, PrivilegeMode.User, 0UL)] // sfence.vma in U
    [InlineData(0x12000073u, PrivilegeMode.Supervisor, 1UL << 20)] // sfence.vma in S with TVM
    [InlineData(0x180022F3u, PrivilegeMode.Supervisor, 1UL << 20)] // csrr t0, satp with TVM
    [InlineData(0x100022F3u, PrivilegeMode.User, 0UL)] // csrr t0, sstatus in U
    [InlineData(0x10016073u, PrivilegeMode.User, 0UL)] // csrsi sstatus, 2 in U
    [InlineData(0x300022F3u, PrivilegeMode.Supervisor, 0UL)] // csrr t0, mstatus in S
    [InlineData(0xC0102073u, PrivilegeMode.User, 0UL)] // csrr x0, time without counteren
    [InlineData(0xC0101073u, PrivilegeMode.Machine, 0UL)] // csrw time
    [InlineData(0x5C0022F3u, PrivilegeMode.Machine, 0UL)] // a CSR that does not exist
    [InlineData(0x00302073u, PrivilegeMode.Machine, 0UL)] // csrr x0, fcsr with FS off
    [InlineData(0x02007053u, PrivilegeMode.Machine, 0UL)] // fadd.d with FS off
    [InlineData(0x00003007u, PrivilegeMode.Machine, 0UL)] // fld with FS off
    public void An_instruction_that_the_mode_or_a_trap_bit_forbids_is_illegal(uint word, PrivilegeMode mode, ulong status)
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Word(word));
        AllowAllMemory(machine);
        machine.SetCsr(0x300, status);
        machine.Hart.Privilege = mode;
        machine.Step();
        Assert.Equal((2UL, word), (machine.Csr(0x342), (uint)machine.Csr(0x343)));
    }

    [Fact]
    public void Csrrs_with_x0_does_not_write_and_csrrw_to_x0_does()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase)
            .Csrrs(5, 0xC00, 0) // a read of a read-only register
            .Csrrw(0, 0x340, 6)
            .Csrrs(7, 0x340, 8)
            .Csrrc(9, 0x340, 9)
            .Csrrwi(0, 0x140, 31).Csrrsi(0, 0x140, 0).Csrrci(11, 0x140, 1));
        machine.Hart.SetX(6, 0xF0);
        machine.Hart.SetX(8, 0x0F);
        machine.Hart.SetX(9, 0x11);
        machine.Step(7);
        Assert.Equal((0xF0UL, 0xFFUL, 0xEEUL), (machine.Hart.X(7), machine.Hart.X(9), machine.Csr(0x340)));
        Assert.Equal((31UL, 30UL), (machine.Hart.X(11), machine.Csr(0x140)));
        Assert.Equal(TestMachine.RamBase + 28, machine.Hart.Pc);
    }

    [Theory]
    [InlineData(0x300u, 0x1000UL, 0x1800UL, 0UL)] // MPP = 2 does not exist
    [InlineData(0x341u, 0x1003UL, ulong.MaxValue, 0x1002UL)] // mepc, bit 0
    [InlineData(0x305u, 0x1003UL, ulong.MaxValue, 0x1001UL)] // mtvec, bit 1
    [InlineData(0x302u, ulong.MaxValue, ulong.MaxValue, 0xB3FFUL)] // medeleg: no ecall from M
    [InlineData(0x303u, ulong.MaxValue, ulong.MaxValue, 0x222UL)]
    [InlineData(0x304u, ulong.MaxValue, ulong.MaxValue, 0xAAAUL)]
    [InlineData(0x106u, ulong.MaxValue, ulong.MaxValue, 7UL)]
    [InlineData(0x180u, 0x7000_0000_0000_0001UL, ulong.MaxValue, 0UL)] // a mode that does not exist changes nothing
    [InlineData(0x180u, 0x8FFF_F000_0000_0001UL, ulong.MaxValue, 0x8FFF_F000_0000_0001UL)] // Sv39, 16 bits of ASID
    [InlineData(0x7A0u, 5UL, ulong.MaxValue, 0UL)] // no trigger
    [InlineData(0x301u, 0UL, 0x3FFFFFFUL, 0x14112FUL)] // misa: ABCDFIMSU
    public void Spec_WARL_a_field_reads_a_legal_value_whatever_is_written(uint csr, ulong written, ulong mask, ulong expected)
    {
        using var machine = new TestMachine();
        machine.SetCsr(csr, written);
        Assert.Equal($"{expected:x}", $"{machine.Csr(csr) & mask:x}");
    }

    [Fact]
    public void The_write_of_minstret_counts_from_the_next_instruction()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Nop().Csrw(0xB02, 5).Csrr(6, 0xB02).Csrr(7, 0xB02));
        machine.Hart.SetX(5, 100);
        machine.Step(4);
        Assert.Equal((100UL, 101UL), (machine.Hart.X(6), machine.Hart.X(7)));
    }

    [Fact]
    public void An_inhibited_counter_stands_still()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase)
            .Csrw(0xB02, 0).Csrrwi(0, 0x320, 4).Csrr(6, 0xB02).Nop().Csrr(7, 0xB02).Csrrwi(0, 0x320, 0).Csrr(8, 0xB02).Csrr(9, 0xB02));
        machine.Step(8);
        Assert.Equal((1UL, 1UL, 1UL, 2UL), (machine.Hart.X(6), machine.Hart.X(7), machine.Hart.X(8), machine.Hart.X(9)));
    }

    [Fact]
    public void Mip_shows_the_pin_or_the_software_bit_and_read_modify_write_keeps_only_the_latter()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Csrrsi(5, 0x344, 0x2).Csrr(6, 0x344));
        machine.Pins[0].Set(HartPin.Seip, true);
        machine.Step(2);
        Assert.Equal((0x200UL, 0x202UL), (machine.Hart.X(5), machine.Hart.X(6)));
        machine.Pins[0].Set(HartPin.Seip, false);
        Assert.Equal(0x2UL, machine.Csr(0x344));
    }

    [Fact]
    public void Spec_interrupt_priority_the_most_urgent_one_is_taken_first_and_vectored()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Nop());
        machine.SetCsr(0x305, Handler | 1);
        machine.SetCsr(0x304, 0xAAA);
        foreach (var pin in Enum.GetValues<HartPin>())
        {
            machine.Pins[0].Set(pin, true);
        }

        foreach (var number in new[] { 11, 3, 7, 9, 1, 5 })
        {
            machine.SetCsr(0x300, 8);
            machine.Hart.Pc = TestMachine.RamBase;
            machine.Hart.Privilege = PrivilegeMode.Machine;
            machine.Step();
            Assert.Equal((1UL << 63) | (uint)number, machine.Csr(0x342));
            Assert.Equal(TestMachine.RamBase, machine.Csr(0x341));
            machine.Pins[0].Set((HartPin)number, false);
        }
    }

    [Fact]
    public void A_delegated_interrupt_waits_for_SIE_in_supervisor_mode_but_not_in_user_mode()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Nop().Nop().Csrrsi(0, 0x100, 2).Nop());
        AllowAllMemory(machine);
        machine.SetCsr(0x105, SupervisorHandler);
        machine.SetCsr(0x303, 0x222);
        machine.SetCsr(0x304, 0x200);
        machine.Pins[0].Set(HartPin.Seip, true);
        machine.Hart.Privilege = PrivilegeMode.Supervisor;
        machine.Step(2);
        Assert.Equal(TestMachine.RamBase + 8, machine.Hart.Pc);

        machine.Step(2); // csrsi sstatus, SIE: the next instruction is the handler's
        Assert.Equal((TestMachine.RamBase + 12, (1UL << 63) | 9), (machine.Csr(0x141), machine.Csr(0x142)));
        Assert.Equal(PrivilegeMode.Supervisor, machine.Hart.Privilege);

        machine.SetCsr(0x100, 0);
        machine.Hart.Privilege = PrivilegeMode.User;
        machine.Hart.Pc = TestMachine.RamBase;
        machine.Step();
        Assert.Equal(TestMachine.RamBase, machine.Csr(0x141));
    }

    private static TestMachine Make(Assembler program)
    {
        var machine = new TestMachine();
        var handlers = new Assembler(Handler);
        for (var i = 0; i < 512; i++)
        {
            handlers.Nop();
        }

        machine.Load(Handler, handlers.ToArray()).Load(program);
        machine.SetCsr(0x305, Handler);
        return machine;
    }

    private static void AllowAllMemory(TestMachine machine)
    {
        machine.SetCsr(0x3B0, ulong.MaxValue);
        machine.SetCsr(0x3A0, 0x1F);
    }
}
