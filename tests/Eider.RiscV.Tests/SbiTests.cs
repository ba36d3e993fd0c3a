using System.Text;
using Eider.Hardware.Lifecycle;
using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

/// <summary>The built-in supervisor binary interface, called from S-mode as a kernel does.</summary>
public sealed class SbiTests : IConsoleSink, IPowerSink
{
    private const ulong Time = 0x54494D45, Ipi = 0x735049, Fence = 0x52464E43, Harts = 0x48534D, Reset = 0x53525354, Console = 0x4442434E;
    private const long NotSupported = -2, InvalidParameter = -3, InvalidAddress = -5, AlreadyAvailable = -6, Failed = -1;
    private const ulong Secondary = TestMachine.RamBase + 0x1000;

    private readonly StringBuilder _written = new();
    private readonly List<PowerRequest> _power = [];
    private string _input = "";
    private int _room = int.MaxValue;

    [Fact]
    public void A_supervisor_begins_as_the_boot_protocol_says()
    {
        using var machine = Make(2);
        Assert.Equal((PrivilegeMode.Supervisor, 0UL, 0x8700_0000UL, TestMachine.RamBase), (machine.Hart.Privilege, machine.Hart.X(10), machine.Hart.X(11), machine.Hart.Pc));
        Assert.Equal((0UL, 0UL, 0UL), (machine.Csr(0x180), machine.Csr(0x104), machine.Csr(0x100) & 2));
        Assert.Equal(HartRunState.Stopped, machine.Engine.Harts[1].RunState);
    }

    [Fact]
    public void Base_says_version_2_and_probes_what_is_there()
    {
        using var machine = Make();
        Assert.Equal((0L, 2UL << 24), Call(machine, 0x10, 0));
        foreach (var id in new[] { 0x10UL, Time, Ipi, Fence, Harts, Reset, Console })
        {
            Assert.Equal((0L, 1UL), Call(machine, 0x10, 3, id));
        }

        Assert.Equal((0L, 0UL), Call(machine, 0x10, 3, 0x504D55)); // PMU
        Assert.Equal((0L, 0UL), Call(machine, 0x10, 4));
    }

    [Fact]
    public void Without_console_and_power_their_extensions_are_absent()
    {
        using var machine = new TestMachine(start: RiscVStartMode.Supervisor);
        Assert.Equal((0L, 0UL), Call(machine, 0x10, 3, Console));
        Assert.Equal((0L, 0UL), Call(machine, 0x10, 3, Reset));
        Assert.Equal(NotSupported, Call(machine, Reset, 0).Error);
    }

    [Theory]
    [InlineData(0x46574654UL, 0UL)] // FWFT
    [InlineData(0UL, 0UL)] // legacy set_timer
    [InlineData(0x54494D45UL, 1UL)]
    [InlineData(0x735049UL, 9UL)]
    [InlineData(0x52464E43UL, 3UL)]
    [InlineData(0x48534DUL, 4UL)]
    [InlineData(0x53525354UL, 1UL)]
    [InlineData(0x4442434EUL, 3UL)]
    [InlineData(0x10UL, 7UL)]
    public void An_unknown_extension_or_function_is_not_supported_and_keeps_all_other_registers(ulong extension, ulong function)
    {
        using var machine = Make();
        for (var i = 1; i < 32; i++)
        {
            machine.Hart.SetX(i, (ulong)(1000 + i));
        }

        Assert.Equal((NotSupported, 0UL), Call(machine, extension, function, 1002));
        for (var i = 1; i < 32; i++)
        {
            if (i is not (10 or 11 or 16 or 17))
            {
                Assert.Equal((ulong)(1000 + i), machine.Hart.X(i));
            }
        }

        Assert.Equal((PrivilegeMode.Supervisor, 0UL), (machine.Hart.Privilege, machine.Engine.RetiredInstructions));
    }

    [Fact]
    public void Set_timer_clears_STIP_and_sets_it_when_time_comes()
    {
        using var machine = Make();
        Call(machine, Time, 0, 0);
        Assert.Equal(0x20UL, machine.Csr(0x144));
        Call(machine, Time, 0, ulong.MaxValue);
        Assert.Equal(0UL, machine.Csr(0x144));
        Call(machine, Time, 0, 50);
        Assert.Equal(0UL, machine.Csr(0x144));
        machine.Time.Advance(50);
        machine.Time.RunDueTimers();
        Assert.Equal(0x20UL, machine.Csr(0x144));
    }

    [Theory]
    [InlineData(0b10UL, 0UL, 0L, 0b10u)]
    [InlineData(0b1UL, 1UL, 0L, 0b10u)]
    [InlineData(0b11UL, 0UL, 0L, 0b11u)]
    [InlineData(0UL, ulong.MaxValue, 0L, 0b11u)]
    [InlineData(0b100UL, 0UL, InvalidParameter, 0u)]
    [InlineData(1UL, 2UL, InvalidParameter, 0u)]
    [InlineData(1UL, 64UL, InvalidParameter, 0u)]
    [InlineData(0UL, 0UL, 0L, 0u)]
    public void Send_ipi_sets_SSIP_of_exactly_the_harts_in_the_mask(ulong mask, ulong maskBase, long error, uint harts)
    {
        using var machine = Make(2);
        Assert.Equal((error, 0UL), Call(machine, Ipi, 0, mask, maskBase));
        foreach (var hart in machine.Engine.Harts)
        {
            Assert.True(hart.TryReadCsr(0x144, out var pending));
            Assert.Equal((harts >> hart.Id) & 1, (pending >> 1) & 1);
        }
    }

    [Fact]
    public void Hart_start_starts_a_stopped_hart_once_and_hart_stop_ends_it()
    {
        using var machine = Make(2);
        machine.Load(Secondary, new Assembler(Secondary).Addi(5, 11, 1).Addi(6, 10, 0).Li(17, Harts).Addi(16, 0, 1).Ecall().ToArray());
        Assert.Equal((0L, 1UL), Call(machine, Harts, 2, 1));
        Assert.Equal(InvalidAddress, Call(machine, Harts, 0, 1, 0x1000, 0).Error);
        Assert.Equal(InvalidParameter, Call(machine, Harts, 0, 2, Secondary, 0).Error);
        Assert.Equal(AlreadyAvailable, Call(machine, Harts, 0, 0, Secondary, 0).Error);
        Assert.Equal(0L, Call(machine, Harts, 0, 1, Secondary, 41).Error);
        Assert.Equal(AlreadyAvailable, Call(machine, Harts, 0, 1, Secondary, 41).Error);
        Assert.Equal((0L, 0UL), Call(machine, Harts, 2, 1));
        var second = machine.Engine.Harts[1];
        machine.Load(new Assembler(TestMachine.RamBase).Wfi());
        machine.Hart.Pc = TestMachine.RamBase;
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(1000));

        Assert.Equal((42UL, 1UL, HartRunState.Stopped), (second.X(5), second.X(6), second.RunState));
    }

    [Fact]
    public void The_last_hart_that_stops_halts_the_engine()
    {
        using var machine = Make();
        machine.Load(new Assembler(TestMachine.RamBase).Li(17, Harts).Addi(16, 0, 1).Ecall());
        Assert.Equal(EngineStop.Halted, machine.Engine.Run(1000));
    }

    [Fact]
    public void A_retentive_suspend_sleeps_until_an_interrupt_and_returns_success()
    {
        using var machine = Make();
        machine.SetCsr(0x104, 0x20);
        machine.Load(new Assembler(TestMachine.RamBase).Li(17, Harts).Addi(16, 0, 3).Addi(10, 0, 0).Ecall().Addi(5, 10, 7).Wfi());
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(1000));
        Assert.Equal(0UL, machine.Hart.X(5));
        machine.SetCsr(0x14D, 1);
        machine.Time.Advance(1);
        machine.Time.RunDueTimers();
        machine.Engine.Run(1);
        Assert.Equal(7UL, machine.Hart.X(5));
    }

    [Fact]
    public void Remote_sfence_vma_reaches_the_other_hart_before_it_returns()
    {
        using var machine = Make(2);
        var second = machine.Engine.Harts[1];
        var tables = new PageTables(machine);
        const ulong Page = 0x5000_0000;
        tables.Map(Page, TestMachine.RamBase + 0x5000, 0xCF);
        tables.Map(0x4000_0000, Secondary, 0xCF);
        machine.Write64(TestMachine.RamBase + 0x5000, 1);
        machine.Write64(TestMachine.RamBase + 0x6000, 2);
        machine.Load(Secondary, new Assembler(0x4000_0000).Label("l").Ld(7, 5, 0).J("l").ToArray());
        Call(machine, Harts, 0, 1, Secondary, 0);
        second.SetX(5, Page);
        second.Pc = 0x4000_0000;
        Assert.True(second.TryWriteCsr(0x180, tables.Satp));
        machine.Load(new Assembler(TestMachine.RamBase).Label("l").J("l"));
        machine.Hart.Pc = TestMachine.RamBase;
        machine.Engine.Run(5000);
        Assert.Equal(1UL, second.X(7));

        tables.Map(Page, TestMachine.RamBase + 0x6000, 0xCF);
        Assert.Equal(0L, Call(machine, Fence, 1, 0b11, 0, Page, 0x1000).Error);
        machine.Hart.Pc = TestMachine.RamBase;
        machine.Engine.Run(5000);
        Assert.Equal(2UL, second.X(7));
    }

    [Theory]
    [InlineData(0UL, 0UL, PowerRequestKind.Shutdown)]
    [InlineData(1UL, 0UL, PowerRequestKind.Restart)]
    [InlineData(2UL, 1UL, PowerRequestKind.Restart)]
    public void System_reset_goes_to_the_power_sink_and_does_not_return(ulong type, ulong reason, PowerRequestKind kind)
    {
        using var machine = Make(2);
        machine.Load(new Assembler(TestMachine.RamBase).Li(17, Reset).Addi(16, 0, 0).Ecall().Nop());
        machine.Hart.SetX(10, type);
        machine.Hart.SetX(11, reason);
        Assert.Equal(EngineStop.Halted, machine.Engine.Run(1000));
        Assert.Equal([new PowerRequest(kind, (int)reason)], _power);
    }

    [Fact]
    public void System_reset_refuses_reserved_types()
    {
        using var machine = Make();
        Assert.Equal(InvalidParameter, Call(machine, Reset, 0, 3, 0).Error);
        Assert.Equal(InvalidParameter, Call(machine, Reset, 0, 0, 2).Error);
        Assert.Empty(_power);
    }

    [Fact]
    public void The_debug_console_writes_reads_and_reports_how_much()
    {
        using var machine = Make();
        machine.Load(TestMachine.RamBase + 0x2000, "Hello"u8.ToArray());
        Assert.Equal((0L, 5UL), Call(machine, Console, 0, 5, TestMachine.RamBase + 0x2000, 0));
        Assert.Equal(0L, Call(machine, Console, 2, '!').Error);
        Assert.Equal("Hello!", _written.ToString());

        _room = 2;
        Assert.Equal((0L, 2UL), Call(machine, Console, 0, 5, TestMachine.RamBase + 0x2000, 0));
        _room = 0;
        Assert.Equal(Failed, Call(machine, Console, 2, '!').Error);

        _input = "abc";
        Assert.Equal((0L, 3UL), Call(machine, Console, 1, 8, TestMachine.RamBase + 0x2100, 0));
        Assert.Equal(0x636261UL, machine.Read64(TestMachine.RamBase + 0x2100));
        Assert.Equal((0L, 0UL), Call(machine, Console, 1, 8, TestMachine.RamBase + 0x2100, 0));
    }

    [Theory]
    [InlineData(5UL, 0x1000UL, 0UL)]
    [InlineData(5UL, 0x8000_0000UL, 1UL)]
    [InlineData(ulong.MaxValue, 0x8000_0000UL, 0UL)]
    public void The_debug_console_refuses_what_is_not_RAM(ulong length, ulong low, ulong high)
    {
        using var machine = Make();
        Assert.Equal(InvalidParameter, Call(machine, Console, 0, length, low, high).Error);
        Assert.Equal(InvalidParameter, Call(machine, Console, 1, length, low, high).Error);
    }

    [Theory]
    [InlineData(0xFFFF_FFFF_FFFF_F000UL, 0xFFFUL)]
    [InlineData(0xFFFF_FFFF_FFFF_E001UL, 0x1FFEUL)]
    [InlineData(0xFFFF_FFFF_FFFF_FFFFUL, 0UL)]
    public async Task A_remote_fence_of_the_last_page_of_the_address_space_ends(ulong start, ulong size)
    {
        var call = Task.Run(
            () =>
            {
                using var machine = Make();
                return Call(machine, Fence, 1, 1, 0, start, size).Error;
            },
            TestContext.Current.CancellationToken);
        Assert.Equal(0L, await call.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Ecall_from_user_mode_goes_to_the_supervisor()
    {
        using var machine = Make();
        machine.Load(new Assembler(TestMachine.RamBase).Ecall());
        machine.SetCsr(0x105, Secondary);
        machine.Hart.Privilege = PrivilegeMode.User;
        machine.Step();
        Assert.Equal((8UL, PrivilegeMode.Supervisor, Secondary), (machine.Csr(0x142), machine.Hart.Privilege, machine.Hart.Pc));
    }

    int IConsoleSink.Write(ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(bytes.Length, _room);
        _written.Append(Encoding.ASCII.GetString(bytes[..count]));
        return count;
    }

    int IConsoleSink.Read(Span<byte> bytes)
    {
        var count = Encoding.ASCII.GetBytes(_input.AsSpan(0, Math.Min(_input.Length, bytes.Length)), bytes);
        _input = _input[count..];
        return count;
    }

    void IPowerSink.Request(PowerRequest request) => _power.Add(request);

    private TestMachine Make(int harts = 1) => new(harts, RiscVStartMode.Supervisor, this, this);

    private static (long Error, ulong Value) Call(TestMachine machine, ulong extension, ulong function, params ulong[] arguments)
    {
        machine.Load(TestMachine.RamBase + 0x3000, new Assembler(TestMachine.RamBase + 0x3000).Ecall().ToArray());
        machine.Hart.Pc = TestMachine.RamBase + 0x3000;
        machine.Hart.SetX(17, extension);
        machine.Hart.SetX(16, function);
        for (var i = 0; i < arguments.Length; i++)
        {
            machine.Hart.SetX(10 + i, arguments[i]);
        }

        do
        {
            machine.Step();
        }
        while (machine.Hart.Pc == TestMachine.RamBase + 0x3000 && machine.Hart.RunState == HartRunState.Running);

        return ((long)machine.Hart.X(10), machine.Hart.X(11));
    }
}
