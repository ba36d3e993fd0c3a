using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;
using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

public sealed class DeviceAccessTests
{
    private const ulong Base = 0x1000_0000;

    [Theory]
    [InlineData(0u, 1, 0xFFFF_FFFF_FFFF_FF81UL)]
    [InlineData(1u, 2, 0xFFFF_FFFF_FFFF_8281UL)]
    [InlineData(2u, 4, 0xFFFF_FFFF_8483_8281UL)]
    [InlineData(3u, 8, 0x8887_8685_8483_8281UL)]
    [InlineData(6u, 4, 0x8483_8281UL)]
    public void A_load_reaches_the_device_once_with_its_width(uint funct3, int width, ulong expected)
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Load(funct3, 7, 5, 8), out var device);
        machine.Step();
        Assert.Equal(expected, machine.Hart.X(7));
        Assert.Equal([(false, 8UL, width, 0UL)], device.Accesses);
    }

    [Fact]
    public void A_store_reaches_the_device_with_its_width_and_value()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Store(1, 6, 5, 4), out var device);
        machine.Hart.SetX(6, 0xAABB_CCDD);
        machine.Step();
        Assert.Equal([(true, 4UL, 2, 0xCCDDUL)], device.Accesses);
    }

    [Fact]
    public void What_the_device_refuses_reads_as_ones_and_goes_on()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Lw(7, 5, 0).Sw(7, 5, 0).Nop(), out var device);
        device.Answer = BusStatus.InvalidRegister;
        machine.Step(2);
        Assert.Equal((ulong.MaxValue, TestMachine.RamBase + 8), (machine.Hart.X(7), machine.Hart.Pc));
    }

    [Theory]
    [InlineData(false, 5UL)]
    [InlineData(true, 7UL)]
    public void An_address_without_a_device_is_an_access_fault(bool store, ulong cause)
    {
        var program = new Assembler(TestMachine.RamBase);
        using var machine = Make(store ? program.Sw(7, 5, 0) : program.Lw(7, 5, 0), out _);
        machine.Hart.SetX(5, 0x2000_0000);
        machine.Step();
        Assert.Equal((cause, 0x2000_0000UL), (machine.Csr(0x342), machine.Csr(0x343)));
    }

    [Fact]
    public void A_fetch_from_a_device_is_an_access_fault()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Jalr(0, 5, 0), out var device);
        machine.Step(2);
        Assert.Equal((1UL, Base, Base), (machine.Csr(0x342), machine.Csr(0x343), machine.Csr(0x341)));
        Assert.Empty(device.Accesses);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_pending_read_holds_only_its_hart_and_finishes_with_the_answer(long budget)
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Addi(8, 8, 1).Lw(7, 5, 0).Addi(8, 8, 1).Wfi(), out var device, harts: 2);
        machine.Engine.Harts[1].Pc = TestMachine.RamBase + 0x100;
        machine.Load(TestMachine.RamBase + 0x100, new Assembler(TestMachine.RamBase + 0x100).Label("l").Addi(9, 9, 1).J("l").ToArray());
        var pending = new PendingAccess();
        var wakes = 0;
        machine.Engine.WorkAvailable = () => wakes++;
        device.Pending = pending;
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(EngineStop.BudgetSpent, machine.Engine.Run(budget));
        }

        Assert.Equal((HartRunState.WaitingForBus, TestMachine.RamBase + 4, 1UL), (machine.Hart.RunState, machine.Hart.Pc, machine.Hart.X(8)));
        Assert.True(machine.Engine.Harts[1].X(9) > 5);
        Assert.Equal(1UL, machine.Hart.RetiredInstructions);

        Assert.True(pending.Complete(0x8000_0001));
        Assert.Equal(1, wakes);
        for (var i = 0; i < 8; i++)
        {
            machine.Engine.Run(budget);
        }

        Assert.Equal((0xFFFF_FFFF_8000_0001UL, 2UL, HartRunState.WaitingForInterrupt), (machine.Hart.X(7), machine.Hart.X(8), machine.Hart.RunState));
        Assert.Equal(4UL, machine.Hart.RetiredInstructions);
        Assert.Single(device.Accesses);
    }

    [Fact]
    public void A_machine_whose_only_hart_waits_for_a_device_says_so()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Sw(7, 5, 0).Wfi(), out var device);
        device.Pending = new PendingAccess();
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(1000));
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(1000));
        device.Pending.Complete();
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(1000));
        Assert.Equal((HartRunState.WaitingForInterrupt, 2UL), (machine.Hart.RunState, machine.Engine.RetiredInstructions));
    }

    [Fact]
    public void An_atomic_on_a_device_is_an_access_fault()
    {
        using var machine = Make(new Assembler(TestMachine.RamBase).Amo(0, 2, 7, 5, 6), out var device);
        machine.Step();
        Assert.Equal((7UL, Base), (machine.Csr(0x342), machine.Csr(0x343)));
        Assert.Empty(device.Accesses);
    }

    private static TestMachine Make(Assembler program, out RecordingDevice device, int harts = 1)
    {
        var machine = new TestMachine(harts);
        device = new RecordingDevice();
        machine.Io.Register(device, new DeviceResources([new Resource.MmioAddressRange(Base, 0x1000)]));
        machine.Load(program);
        machine.Hart.SetX(5, Base);
        return machine;
    }

    private sealed class RecordingDevice : IDeviceIo
    {
        public List<(bool IsWrite, ulong Offset, int Width, ulong Value)> Accesses { get; } = [];

        public BusStatus Answer { get; set; }

        public PendingAccess? Pending { get; set; }

        public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
        {
            Accesses.Add((false, offset.Value, data.Length, 0));
            for (var i = 0; i < data.Length; i++)
            {
                data[i] = (byte)(0x81 + i);
            }

            return Pending is null ? Answer : BusResult.WaitFor(Pending);
        }

        public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
        {
            var value = 0UL;
            for (var i = 0; i < data.Length; i++)
            {
                value |= (ulong)data[i] << (8 * i);
            }

            Accesses.Add((true, offset.Value, data.Length, value));
            return Pending is null ? Answer : BusResult.WaitFor(Pending);
        }
    }
}
