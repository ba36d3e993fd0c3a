using System.Buffers.Binary;
using Eider.Devices.Ide;
using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;
using Eider.Hardware.Resources;
using Eider.Hardware.Time;
using Eider.Testing.Hardware;
using Eider.Testing.Ide;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Ide;

/// <summary>The same channel as PIIX3, PIIX4, CMD646, at legacy ports and in memory: accesses of the machine's bus reach it.</summary>
public sealed class IdeAttachmentTests
{
    private const ulong Ram = 0x8000_0000;

    [Theory]
    [InlineData(0x7010)]
    [InlineData(0x7111)]
    public async Task PIIX_answers_at_the_legacy_ports_and_interrupts_on_two_lines(int deviceId)
    {
        var machine = new Machine();
        IdePciController function = deviceId == 0x7010
            ? new Piix3Ide(Disks(), Disks(), machine.Services, machine.Line, machine.SecondLine)
            : new Piix4Ide(Disks(), Disks(), machine.Services, machine.Line, machine.SecondLine);
        await using var owner = function;
        machine.Bus.Attach(function, new PciAddress(1, 1));
        Assert.Equal((0x8086U | ((uint)deviceId << 16), 0x0101_8000U), (machine.Config(0, 4), machine.Config(8, 4)));
        Assert.Equal(0xFF, machine.In(0x1F7)); // nothing is decoded yet
        machine.SetConfig(0x20, 4, 0xC101);
        machine.SetConfig(0x04, 2, 5);
        foreach (var (command, control, master, line) in new[]
        {
            (0x1F0, 0x3F6, 0xC100, machine.Line), (0x170, 0x376, 0xC108, machine.SecondLine),
        })
        {
            var driver = new PortDriver(machine, command, control, master, line);
            Assert.Equal(IdeDisks.Sectors, driver.Identify()[60]);
            driver.In(IdeDriver.Status);
            Assert.False(line.Level);
            ReadByBusMaster(driver);
            Assert.True(line.Level);
            driver.In(IdeDriver.Status);
        }

        machine.SetConfig(0x43, 1, 0); // the secondary channel is not decoded
        Assert.Equal((0x50, 0xFF), (machine.In(0x1F7), machine.In(0x177)));
        machine.SetConfig(0x04, 2, 0);
        Assert.Equal(0xFF, machine.In(0x1F7));
    }

    [Fact]
    public async Task CMD646_is_native_and_latches_the_interrupts_of_both_channels_on_INTA()
    {
        var machine = new Machine(); // device 1 has its INTA# on the second wire
        await using var function = new Cmd646Ide(Disks(), Disks(), machine.Services);
        machine.Bus.Attach(function, new PciAddress(1, 1));
        Assert.Equal((0x0646_1095U, 0x0101_8F07U, 1U), (machine.Config(0, 4), machine.Config(8, 4), machine.Config(0x3D, 1)));
        for (var bar = 0; bar < 5; bar++)
        {
            machine.SetConfig(0x10 + (4 * bar), 4, uint.MaxValue);
            var size = bar == 4 ? 16U : bar % 2 == 0 ? 8U : 4U;
            Assert.Equal(~(size - 1) | 1, machine.Config(0x10 + (4 * bar), 4) | 0xFFFF_0000);
            machine.SetConfig(0x10 + (4 * bar), 4, (uint)(0x1C01 + (bar * 0x10)));
        }

        machine.SetConfig(0x04, 2, 5);
        for (var channel = 0; channel < 2; channel++)
        {
            var driver = new PortDriver(machine, 0x1C00 + (channel * 0x20), 0x1C12 + (channel * 0x20), 0x1C40 + (channel * 8), machine.SecondLine);
            Assert.Equal(IdeDisks.Sectors, driver.Identify()[60]);
            driver.In(IdeDriver.Status);
            Assert.False(machine.SecondLine.Level);
            ReadByBusMaster(driver);
            Assert.True(machine.SecondLine.Level);
            var bit = 4U << channel;
            Assert.Equal(bit, machine.Config(0x71, 1));
            Assert.Equal((channel == 0 ? 4U : 0, channel == 0 ? 0 : 0x10U), (machine.Config(0x50, 1), machine.Config(0x57, 1)));
            Assert.Equal((int)bit, machine.In(0x1C41));
            machine.Out(0x1C41, (byte)(0x10 << channel)); // blocked
            Assert.False(machine.SecondLine.Level);
            machine.Out(0x1C41, 0);
            Assert.True(machine.SecondLine.Level);
            machine.SetConfig(channel == 0 ? 0x50 : 0x57, 1, channel == 0 ? 4U : 0x10U); // cleared by a one, also while INTRQ is up
            Assert.Equal((false, 0U), (machine.SecondLine.Level, machine.Config(0x71, 1)));
            driver.In(IdeDriver.Status);
            driver.Send28(0xE5);
            Assert.True(machine.SecondLine.Level);
            machine.Out(0x1C41, (byte)bit);
            Assert.False(machine.SecondLine.Level);
            driver.In(IdeDriver.Status);
        }

        machine.SetConfig(0x51, 1, 0x04);
        Assert.Equal((0x50, 0xFF), (machine.In(0x1C07), machine.In(0x1C27)));
        function.Reset();
        Assert.Equal((0x0CU, 0U, 1U), (machine.Config(0x51, 1), machine.Config(4, 2), machine.Config(0x10, 4)));
    }

    [Fact]
    public async Task Wide_accesses_to_command_and_status_of_the_bus_master_read_ones_and_are_dropped()
    {
        var machine = new Machine();
        await using var function = new Piix3Ide(Disks(), Disks(), machine.Services, machine.Line, machine.SecondLine);
        machine.Bus.Attach(function, new PciAddress(1, 1));
        machine.SetConfig(0x20, 4, 0xC101);
        machine.SetConfig(0x04, 2, 5);
        Assert.Equal((0xFFFFU, uint.MaxValue), (machine.In(0xC100, 2), machine.In(0xC100, 4)));
        machine.Out(0xC100, 2, 0x0101);
        Assert.Equal(0, machine.In(0xC100));
        machine.Out(0xC104, 4, 0x1234_5678);
        Assert.Equal((0x1234_5678U, 0x1234U, 0x56), (machine.In(0xC104, 4), machine.In(0xC106, 2), machine.In(0xC105)));
    }

    [Fact]
    public async Task A_function_that_is_no_bus_master_reaches_no_memory()
    {
        var machine = new Machine();
        await using var function = new Piix3Ide(Disks(), Disks(), machine.Services, machine.Line, machine.SecondLine);
        machine.Bus.Attach(function, new PciAddress(1, 1));
        machine.SetConfig(0x20, 4, 0xC101);
        machine.SetConfig(0x04, 2, 1);
        var driver = new PortDriver(machine, 0x1F0, 0x3F6, 0xC100, machine.Line);
        driver.PrepareTable((uint)Ram, ((uint)Ram + 0x1000, 512));
        driver.Send28(0xC8, 5, 1);
        driver.StartBusMaster(toMemory: true);
        driver.Settle();
        Assert.Equal((0x06, 0x41), (driver.InBusMaster(2), driver.InAlternate()));
    }

    [Fact]
    public async Task A_channel_without_PCI_stands_at_its_ports()
    {
        var machine = new Machine();
        await using var channel = new IdeChannel("isa", Disks().Device0, null, machine.Services, machine.Line);
        var ports = new IdeLegacyPorts(channel, 0x1F0, 0x3F6);
        machine.Io.Register(ports, ports.AssignedResources);
        var driver = new PortDriver(machine, 0x1F0, 0x3F6, 0, machine.Line);
        driver.Send28(0x20, 7, 1);
        Assert.Equal(IdeDisks.Content(1, 7), driver.ReadBlocks(512, 512));
        driver.OutControl(4);
        driver.OutControl(0);
        Assert.Equal((0x50, 0x01), (driver.InAlternate(), driver.In(IdeDriver.Error)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_channel_in_memory_has_its_registers_at_the_distance_of_the_device_tree(int shift)
    {
        var machine = new Machine();
        var channel = new IdeChannel("mmio", Disks().Device0, null, machine.Services, machine.Line);
        await using var device = new IdeMmio(channel, shift);
        machine.Io.Register(device, new DeviceResources(new Resource.MmioAddressRange(0x1000_0000, IdeMmio.SizeBytes)));
        var data = new byte[1];
        Assert.Equal(BusStatus.Ok, machine.Io.MmioRead(0x1000_0000UL + (7UL << shift), data).Status);
        Assert.Equal(0x50, data[0]);
        Assert.Equal(BusStatus.Ok, machine.Io.MmioRead(0x1000_0800, data).Status);
        Assert.Equal(0x50, data[0]);
        machine.Io.MmioWrite(0x1000_0000UL + (6UL << shift), [0xE0]);
        machine.Io.MmioWrite(0x1000_0000UL + (7UL << shift), [0xEC]);
        var word = new byte[4];
        Assert.Equal(BusStatus.Ok, machine.Io.MmioRead(0x1000_0000, word).Status);
        Assert.Equal(0x0008_0040U, BinaryPrimitives.ReadUInt32LittleEndian(word));
        if (shift > 0)
        {
            Assert.Equal(BusStatus.InvalidRegister, machine.Io.MmioRead(0x1000_0001, data).Status);
        }

        Assert.Equal(BusStatus.InvalidRegister, machine.Io.MmioRead(0x1000_0000UL + (8UL << shift), data).Status);
    }

    private static void ReadByBusMaster(PortDriver driver)
    {
        driver.PrepareTable((uint)Ram, ((uint)Ram + 0x1000, 1024));
        driver.OutBusMaster(2, 0x66);
        driver.Send28(0xC8, 5, 2);
        driver.StartBusMaster(toMemory: true);
        driver.Settle();
        Assert.Equal((0x64, 0x50), (driver.InBusMaster(2), driver.InAlternate()));
        driver.StopBusMaster();
        var data = new byte[1024];
        driver.ReadMemory(Ram + 0x1000, data);
        Assert.Equal(IdeDisks.Content(2, 5), data);
    }

    // The bit goes off on one hart while a piece is being copied: the write waits for that piece, and none follows.
    [Fact]
    public async Task A_function_that_is_no_bus_master_any_more_does_not_touch_memory()
    {
        var machine = new Machine();
        using var inside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var memory = new WatchedMemory(machine.Memory)
        {
            Refuses = (address, access) =>
            {
                if (access == GuestMemoryAccess.Write)
                {
                    inside.Set();
                    goOn.Wait();
                }

                return false;
            },
        };
        var services = new IdeServices { Memory = memory, Executor = new ThreadExecutor(failure => throw failure) };
        await using var function = new Cmd646Ide(Disks(), new IdeChannelDevices(), services);
        machine.Bus.Attach(function, new PciAddress(1, 1));
        machine.SetConfig(0x10, 4, 0x1C01);
        machine.SetConfig(0x14, 4, 0x1C11);
        machine.SetConfig(0x20, 4, 0x1C41);
        machine.SetConfig(0x04, 2, 5);
        var driver = new PortDriver(machine, 0x1C00, 0x1C12, 0x1C40, machine.SecondLine);
        driver.PrepareTable((uint)Ram, ((uint)Ram + 0x1000, 1024), ((uint)Ram + 0x2000, 1024));
        driver.Send28(0xC8, 5, 4);
        driver.StartBusMaster(toMemory: true);
        inside.Wait(TestContext.Current.CancellationToken);

        var off = Task.Run(() => machine.SetConfig(0x04, 2, 1), TestContext.Current.CancellationToken);
        var first = await Task.WhenAny(off, Task.Delay(100, TestContext.Current.CancellationToken));
        goOn.Set();
        Assert.NotSame(off, first);
        await off;
        memory.IsFrozen = true;
        SpinWait.SpinUntil(() => (driver.InAlternate() & IdeDriver.Busy) == 0, TimeSpan.FromSeconds(10));

        Assert.Empty(memory.WritesWhileFrozen);
        Assert.Equal((0x41, 0x04), (driver.In(IdeDriver.Status), driver.In(IdeDriver.Error)));
        Assert.Equal(0x06, driver.InBusMaster(2) & 0x07);
    }

    private static IdeChannelDevices Disks() => new(IdeDisks.Disk(IdeDisks.Numbered()));

    private sealed class Machine
    {
        public Machine()
        {
            Memory = new GuestRam((Ram, 1 << 20));
            Services = new IdeServices { Memory = Memory, Executor = Workers };
            Bus = new PciBus(
                Io, new PciWindows(0x4000_0000, 0x7FFF_FFFF, 0, 0xFFFF), [Line, SecondLine, new FakeInterruptLine(), new FakeInterruptLine()]);
        }

        public IoManager Io { get; } = new();

        public GuestRam Memory { get; }

        public ManualExecutor Workers { get; } = new();

        public FakeInterruptLine Line { get; } = new();

        public FakeInterruptLine SecondLine { get; } = new();

        public IdeServices Services { get; }

        public PciBus Bus { get; }

        public uint Config(int offset, int width)
        {
            var data = new byte[4];
            Bus.ReadConfig(0, 9, offset, data.AsSpan(0, width));
            return BinaryPrimitives.ReadUInt32LittleEndian(data);
        }

        public void SetConfig(int offset, int width, uint value)
        {
            var data = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(data, value);
            Bus.WriteConfig(0, 9, offset, data.AsSpan(0, width));
        }

        public int In(int port) => (int)In(port, 1);

        public uint In(int port, int width)
        {
            var data = new byte[4];
            Io.PioRead((ushort)port, data.AsSpan(0, width));
            return BinaryPrimitives.ReadUInt32LittleEndian(data);
        }

        public void Out(int port, byte value) => Io.PioWrite((ushort)port, [value]);

        public void Out(int port, int width, uint value)
        {
            var data = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(data, value);
            Io.PioWrite((ushort)port, data.AsSpan(0, width));
        }
    }

    private sealed class PortDriver(Machine machine, int command, int control, int master, IInterruptLine line) : IdeDriver
    {
        public override uint MemoryBase => (uint)Ram;

        public override bool IsInterrupting => ((FakeInterruptLine)line).Level;

        public override ushort InWord() => (ushort)machine.In(command, 2);

        public override void OutWord(ushort value) => machine.Out(command, 2, value);

        public override byte InAlternate() => (byte)machine.In(control);

        public override void OutControl(byte value) => machine.Out(control, value);

        public override byte InBusMaster(int offset) => (byte)machine.In(master + offset);

        public override void OutBusMaster(int offset, byte value) => machine.Out(master + offset, value);

        public override void OutTable(uint address) => machine.Out(master + 4, 4, address);

        public override void ReadMemory(ulong address, Span<byte> bytes) => Assert.True(machine.Memory.TryRead(address, bytes));

        public override void WriteMemory(ulong address, ReadOnlySpan<byte> bytes) => Assert.True(machine.Memory.TryWrite(address, bytes));

        public override void Settle() => machine.Workers.RunPending();

        protected override byte ReadRegister(int index) => (byte)machine.In(command + index);

        protected override void WriteRegister(int index, byte value) => machine.Out(command + index, value);
    }
}
