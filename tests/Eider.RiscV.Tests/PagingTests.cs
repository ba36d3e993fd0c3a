using Eider.RiscV.Tests.Support;
using static Eider.RiscV.Tests.Support.PageTables;

namespace Eider.RiscV.Tests;

/// <summary>Privileged ISA, "Virtual Address Translation Process", for loads, stores and fetches.</summary>
public sealed class PagingTests
{
    private const ulong Code = 0x4000_0000;
    private const ulong Data = 0x9000_0000;
    private const ulong CodePhysical = TestMachine.RamBase + 0x2_0000;
    private const ulong DataPhysical = TestMachine.RamBase + 0x4_0000;
    private const ulong All = V | R | W | X | A | D;
    private const uint Loads = 13, Stores = 15, Fetches = 12;

    [Theory]
    [InlineData(3, 0x0000_003F_0000_0000UL)]
    [InlineData(3, 0xFFFF_FFC0_0000_0000UL)]
    [InlineData(4, 0x0000_7F00_0000_0000UL)]
    [InlineData(4, 0xFFFF_8000_0000_0000UL)]
    [InlineData(5, 0x00FF_0000_0000_0000UL)]
    [InlineData(5, 0xFF00_0000_0000_0000UL)]
    public void Each_mode_translates_over_its_whole_width(int levels, ulong address)
    {
        using var machine = Make(out var tables, levels);
        tables.Map(address, DataPhysical, All);
        machine.Write64(DataPhysical + 8, 0xCAFE);
        Assert.Equal(0xCAFEUL, Load(machine, address + 8));
    }

    [Theory]
    [InlineData(3, 0x0000_0040_0000_0000UL)]
    [InlineData(4, 0x0000_8000_0000_0000UL)]
    [InlineData(5, 0x0100_0000_0000_0000UL)]
    public void An_address_that_is_not_sign_extended_page_faults(int levels, ulong address)
    {
        using var machine = Make(out _, levels);
        Assert.Equal((Loads, address), LoadFault(machine, address));
    }

    [Theory]
    [InlineData(0UL)] // not valid
    [InlineData(V | W | A | D)] // W without R
    [InlineData(V | X | A | D)] // execute only
    [InlineData(V | R | W | U | A | D)] // U page without SUM
    [InlineData(V | R | W | A | D | (1UL << 54))] // reserved bit
    [InlineData(V | R | W | A | D | (1UL << 61))] // Svpbmt is absent
    [InlineData(V | R | W | A | D | (1UL << 63))] // Svnapot is absent
    [InlineData(V)] // a pointer at the last level
    [InlineData(V | A)]
    public void A_load_from_such_a_leaf_page_faults(ulong flags)
    {
        using var machine = Make(out var tables);
        tables.Map(Data, DataPhysical, flags);
        Assert.Equal((Loads, Data + 16), LoadFault(machine, Data + 16));
    }

    [Fact]
    public void A_D_or_U_in_a_pointer_page_faults()
    {
        using var machine = Make(out var tables);
        var leaf = tables.Map(Data, DataPhysical, All);
        var middle = tables.Root + ((Data >> 30) * 8);
        machine.Write64(middle, machine.Read64(middle) | A);
        Assert.Equal((Loads, Data), LoadFault(machine, Data));
        Assert.NotEqual(0UL, leaf);
    }

    [Fact]
    public void A_store_to_a_read_only_page_faults_and_changes_nothing()
    {
        using var machine = Make(out var tables);
        tables.Map(Data, DataPhysical, V | R | A | D);
        Assert.Equal(0UL, Load(machine, Data)); // the TLB has it for loads now
        Assert.Equal((Stores, Data), StoreFault(machine, Data));
        Assert.Equal(0UL, machine.Read64(DataPhysical));
    }

    [Fact]
    public void SUM_and_MXR_open_what_they_say_and_close_it_again()
    {
        using var machine = Make(out var tables);
        tables.Map(Data, DataPhysical, V | R | W | U | A | D);
        tables.Map(Data + 0x1000, DataPhysical + 0x1000, V | X | A | D);
        machine.Write64(DataPhysical, 1);
        machine.Write64(DataPhysical + 0x1000, 2);
        machine.SetCsr(0x100, 1 << 18);
        Assert.Equal(1UL, Load(machine, Data));
        machine.SetCsr(0x100, 0);
        Assert.Equal((Loads, Data), LoadFault(machine, Data));
        machine.SetCsr(0x100, 1 << 19);
        Assert.Equal(2UL, Load(machine, Data + 0x1000));
        machine.SetCsr(0x100, 0);
        Assert.Equal((Loads, Data + 0x1000), LoadFault(machine, Data + 0x1000));
    }

    [Fact]
    public void User_mode_needs_U_and_supervisor_mode_never_executes_a_U_page()
    {
        using var machine = Make(out var tables);
        tables.Map(Data, CodePhysical, V | R | X | U | A | D);
        machine.SetCsr(0x100, 1 << 18);
        machine.Hart.Pc = Data;
        machine.Step();
        Assert.Equal((Fetches, Data), (Cause(machine), machine.Csr(0x143)));

        machine.Hart.Privilege = PrivilegeMode.User;
        machine.Hart.Pc = Data;
        machine.Step();
        Assert.Equal(Data + 4, machine.Hart.Pc);
        machine.Hart.Pc = Code;
        machine.Step();
        Assert.Equal((Fetches, Code), (Cause(machine), machine.Csr(0x143)));
    }

    [Fact]
    public void Svadu_sets_A_at_a_load_and_D_at_the_first_store()
    {
        using var machine = Make(out var tables);
        var leaf = tables.Map(Data, DataPhysical, V | R | W);
        Load(machine, Data);
        Assert.Equal(A, machine.Read64(leaf) & (A | D));
        Store(machine, Data, 5);
        Assert.Equal(A | D, machine.Read64(leaf) & (A | D));
        Assert.Equal(5UL, machine.Read64(DataPhysical));
    }

    [Fact]
    public void Without_ADUE_a_clear_A_or_D_page_faults()
    {
        using var machine = Make(out var tables);
        machine.SetCsr(0x30A, 0);
        tables.Map(Data, DataPhysical, V | R | W);
        Assert.Equal((Loads, Data), LoadFault(machine, Data));
        tables.Map(Data, DataPhysical, V | R | W | A);
        Assert.Equal(0UL, Load(machine, Data));
        Assert.Equal((Stores, Data), StoreFault(machine, Data));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_superpage_maps_all_of_itself_and_must_be_aligned(int level)
    {
        using var machine = Make(out var tables);
        var size = 1UL << (12 + (9 * level));
        var address = 16 * (1UL << 30);
        tables.Map(address, TestMachine.RamBase & ~(size - 1), All, level);
        machine.Write64(DataPhysical + 0x123000, 77);
        Assert.Equal(77UL, Load(machine, address + ((DataPhysical + 0x123000) & (size - 1))));

        tables.Map(address + size, TestMachine.RamBase + 0x1000, All, level);
        Assert.Equal((Loads, address + size), LoadFault(machine, address + size));
    }

    [Fact]
    public void A_page_table_outside_of_RAM_is_an_access_fault_of_the_original_kind()
    {
        using var machine = Make(out var tables);
        machine.Write64(tables.Root + ((Data >> 30) * 8), (0x1000UL << 10) | V);
        Assert.Equal((5u, Data), LoadFault(machine, Data));
        Assert.Equal((7u, Data), StoreFault(machine, Data));
        machine.Hart.Pc = Data;
        machine.Step();
        Assert.Equal((1u, Data), (Cause(machine), machine.Csr(0x143)));
    }

    [Fact]
    public void A_change_is_seen_after_sfence_vma_of_the_page_and_also_inside_a_superpage()
    {
        using var machine = Make(out var tables);
        tables.Map(Data, DataPhysical, All);
        machine.Write64(DataPhysical, 1);
        machine.Write64(DataPhysical + 0x1000, 2);
        Assert.Equal(1UL, Load(machine, Data));
        tables.Map(Data, DataPhysical + 0x1000, All);
        machine.Hart.SetX(5, Data);
        Execute(machine, program => program.SfenceVma(5, 0));
        Assert.Equal(2UL, Load(machine, Data));

        var big = 16 * (1UL << 30);
        tables.Map(big, TestMachine.RamBase & ~0x1F_FFFFUL, All, 1);
        var inside = big + (DataPhysical & 0x1F_FFFF);
        Assert.Equal(1UL, Load(machine, inside));
        tables.Map(big, (TestMachine.RamBase & ~0x1F_FFFFUL) + 0x20_0000, All, 1);
        machine.Hart.SetX(5, big + 0x1000); // another page of the same superpage
        Execute(machine, program => program.SfenceVma(5, 0));
        Assert.Equal(0UL, Load(machine, inside));
    }

    [Fact]
    public void A_new_satp_switches_the_address_space()
    {
        using var machine = Make(out var tables);
        tables.Map(Data, DataPhysical, All);
        machine.Write64(DataPhysical, 1);
        machine.Write64(DataPhysical + 0x1000, 2);
        Assert.Equal(1UL, Load(machine, Data));
        var other = new PageTables(machine, 4, TestMachine.RamBase + 0x30_0000);
        other.Map(Code, CodePhysical, All);
        other.Map(Data, DataPhysical + 0x1000, All);
        machine.SetCsr(0x180, other.Satp | (7UL << 44));
        Assert.Equal(2UL, Load(machine, Data));
    }

    [Fact]
    public void A_misaligned_store_over_two_pages_writes_nothing_when_the_second_faults()
    {
        using var machine = Make(out var tables);
        tables.Map(Data, DataPhysical, All);
        tables.Map(Data + 0x1000, DataPhysical + 0x1000, V | R | A);
        Assert.Equal((Stores, Data + 0x1000), StoreFault(machine, Data + 0xFFC));
        Assert.Equal(0UL, machine.Read64(DataPhysical + 0xFF8));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_instruction_over_two_pages_reports_the_second_half_when_that_faults(bool throughBlocks)
    {
        using var machine = Make(out var tables);
        machine.Load(CodePhysical + 0xFFC, [0x01, 0x00, 0x13, 0x05]); // c.nop, first half of addi a0, x0, 5
        machine.Hart.Pc = Code + 0xFFC;
        machine.Hart.SetX(10, 0);
        Assert.NotNull(tables);
        if (throughBlocks)
        {
            machine.SetCsr(0x105, CodePhysical); // a fault here ends in a loop of faults
            machine.Engine.Run(100);
        }
        else
        {
            machine.Step(2);
        }

        Assert.Equal((Fetches, Code + 0x1000), (Cause(machine), throughBlocks ? Code + 0x1000 : machine.Csr(0x143)));

        machine.Load(CodePhysical + 0x5000, [0x50, 0x00]);
        tables.Map(Code + 0x1000, CodePhysical + 0x5000, All);
        machine.Hart.Pc = Code + 0xFFC;
        machine.Step(2);
        Assert.Equal((5UL, Code + 0x1002), (machine.Hart.X(10), machine.Hart.Pc));
    }

    [Fact]
    public void MPRV_makes_loads_of_machine_mode_as_MPP_but_never_fetches()
    {
        using var machine = Make(out var tables);
        tables.Map(Data, DataPhysical, All);
        machine.Write64(DataPhysical, 9);
        machine.Hart.Privilege = PrivilegeMode.Machine;
        machine.SetCsr(0x300, (1UL << 17) | (1UL << 11));
        machine.Load(CodePhysical, new Assembler(CodePhysical).Ld(7, 5, 0).ToArray());
        machine.Hart.SetX(5, Data);
        machine.Hart.Pc = CodePhysical;
        machine.Step();
        Assert.Equal(9UL, machine.Hart.X(7));
    }

    [Fact]
    public void Atomics_fault_as_stores_and_lr_as_a_load()
    {
        using var machine = Make(out _);
        machine.Hart.SetX(5, Data);
        Execute(machine, program => program.Amo(0, 3, 7, 5, 6));
        Assert.Equal(Stores, Cause(machine));
        Execute(machine, program => program.Amo(3, 3, 7, 5, 6));
        Assert.Equal(Stores, Cause(machine));
        Execute(machine, program => program.Amo(2, 3, 7, 5, 0));
        Assert.Equal(Loads, Cause(machine));
    }

    // PMP, with its grain of a page.
    [Fact]
    public void Spec_PMP_without_a_matching_entry_supervisor_mode_may_access_nothing()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Nop());
        machine.SetCsr(0x302, 0);
        machine.Hart.Privilege = PrivilegeMode.Supervisor;
        machine.Step();
        Assert.Equal((1UL, TestMachine.RamBase), (machine.Csr(0x342), machine.Csr(0x343)));
    }

    [Fact]
    public void Spec_PMP_the_lowest_entry_decides_and_a_lock_binds_machine_mode()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Ld(7, 5, 0).Sd(7, 5, 0));
        machine.Hart.SetX(5, DataPhysical);
        machine.SetCsr(0x3B0, (DataPhysical >> 2) | 0x1FF); // NAPOT, 4 KiB
        machine.SetCsr(0x3B1, ulong.MaxValue);
        machine.SetCsr(0x3A0, 0x1F19); // entry 0: R; entry 1: everything
        machine.Step(2);
        Assert.Equal(TestMachine.RamBase + 8, machine.Hart.Pc); // not locked: machine mode is free

        machine.SetCsr(0x3A0, 0x1F99);
        machine.Hart.Pc = TestMachine.RamBase;
        machine.Step(2);
        Assert.Equal((7UL, DataPhysical), (machine.Csr(0x342), machine.Csr(0x343)));

        machine.SetCsr(0x3A0, 0x1F1F); // locked: it stays
        Assert.Equal(0x1F99UL, machine.Csr(0x3A0));
        machine.SetCsr(0x3B0, 0);
        Assert.Equal((DataPhysical >> 2) | 0x1FF, machine.Csr(0x3B0));
    }

    [Fact]
    public void Spec_PMP_a_top_of_range_entry_begins_where_the_one_before_ends()
    {
        using var machine = new TestMachine();
        machine.SetCsr(0x3B0, DataPhysical >> 2);
        machine.SetCsr(0x3B1, (DataPhysical + 0x2000) >> 2);
        machine.SetCsr(0x3B2, ulong.MaxValue);
        machine.SetCsr(0x3A0, 0x1C0800 | (0x1FUL << 16)); // entry 1: TOR without permission; entry 2: everything
        machine.Load(new Assembler(TestMachine.RamBase).Ld(7, 5, 0));
        foreach (var (address, allowed) in new[] { (DataPhysical - 8, true), (DataPhysical, false), (DataPhysical + 0x1FF8, false), (DataPhysical + 0x2000, true) })
        {
            machine.Hart.Privilege = PrivilegeMode.User;
            machine.Hart.Pc = TestMachine.RamBase;
            machine.Hart.SetX(5, address);
            machine.Step();
            Assert.Equal(allowed ? TestMachine.RamBase + 4 : machine.Csr(0x305), machine.Hart.Pc);
        }
    }

    [Fact]
    public void Spec_PMP_the_grain_is_readable_as_a_page()
    {
        using var machine = new TestMachine();
        machine.SetCsr(0x3B0, ulong.MaxValue);
        Assert.Equal(((1UL << 54) - 1) & ~0x3FFUL, machine.Csr(0x3B0)); // off: G bits read 0
        machine.SetCsr(0x3A0, 0x18);
        Assert.Equal((1UL << 54) - 1, machine.Csr(0x3B0));
        machine.SetCsr(0x3A0, 0x10); // NA4 cannot be chosen
        Assert.Equal(0x18UL, machine.Csr(0x3A0));
        machine.SetCsr(0x3A0, 0x1A); // W without R
        Assert.Equal(0x18UL, machine.Csr(0x3A0));
    }

    [Fact]
    public void A_translation_that_changed_without_a_fence_is_the_old_or_the_new_one_never_a_mixture()
    {
        // The store remembers the page as writable; the load after it walks anew and finds another, read-only page.
        using var machine = Make(out var tables);
        tables.Map(Data, DataPhysical, All);
        Store(machine, Data, 1);
        tables.Map(Data, DataPhysical + 0x1000, V | R | A | D);
        machine.Write64(DataPhysical + 0x1000, 7);
        if (Load(machine, Data) == 7)
        {
            Assert.Equal((Stores, Data), StoreFault(machine, Data));
        }

        Assert.Equal(7UL, machine.Read64(DataPhysical + 0x1000));
    }

    [Fact]
    public void A_fence_for_one_address_of_a_512_GiB_page_is_one_for_all_of_it()
    {
        const ulong Huge = 1UL << 39;
        using var machine = Make(out var tables, 4);
        tables.Map(Huge, 0, All, level: 3);
        Assert.Equal(0UL, Load(machine, Huge + DataPhysical));
        tables.Map(Huge, 0, 0, level: 3);
        machine.Hart.SetX(5, Huge + (5UL << 30));
        Execute(machine, program => program.SfenceVma(5, 0));
        Assert.Equal((Loads, Huge + DataPhysical), LoadFault(machine, Huge + DataPhysical));
    }

    private static TestMachine Make(out PageTables tables, int levels = 3)
    {
        var machine = new TestMachine();
        machine.SetCsr(0x3B0, ulong.MaxValue);
        machine.SetCsr(0x3A0, 0x1F);
        machine.SetCsr(0x302, 0xB1FF);
        machine.SetCsr(0x30A, 1UL << 61);
        tables = new PageTables(machine, levels);
        tables.Map(Code, CodePhysical, All);
        machine.SetCsr(0x180, tables.Satp);
        machine.Load(CodePhysical, new Assembler(Code).Nop().ToArray());
        machine.Hart.Privilege = PrivilegeMode.Supervisor;
        return machine;
    }

    private static void Execute(TestMachine machine, Func<Assembler, Assembler> emit)
    {
        machine.SetCsr(0x142, 0);
        machine.Load(CodePhysical + 0x100, emit(new Assembler(Code)).FenceI().ToArray());
        machine.Hart.Privilege = PrivilegeMode.Supervisor;
        machine.Hart.Pc = Code + 0x100;
        machine.Step();
    }

    private static ulong Load(TestMachine machine, ulong address)
    {
        machine.Hart.SetX(5, address);
        Execute(machine, program => program.Ld(7, 5, 0));
        Assert.Equal((0u, Code + 0x104), (Cause(machine), machine.Hart.Pc));
        return machine.Hart.X(7);
    }

    private static void Store(TestMachine machine, ulong address, ulong value)
    {
        machine.Hart.SetX(5, address);
        machine.Hart.SetX(7, value);
        Execute(machine, program => program.Sd(7, 5, 0));
        Assert.Equal(0u, Cause(machine));
    }

    private static (uint Cause, ulong Value) LoadFault(TestMachine machine, ulong address)
    {
        machine.Hart.SetX(5, address);
        Execute(machine, program => program.Ld(7, 5, 0));
        return (Cause(machine), machine.Csr(0x143));
    }

    private static (uint Cause, ulong Value) StoreFault(TestMachine machine, ulong address)
    {
        machine.Hart.SetX(5, address);
        machine.Hart.SetX(7, ulong.MaxValue);
        Execute(machine, program => program.Sd(7, 5, 0));
        return (Cause(machine), machine.Csr(0x143));
    }

    private static uint Cause(TestMachine machine) => (uint)machine.Csr(0x142);
}
