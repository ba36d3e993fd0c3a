using Eider.Hardware.Bus;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Bus;

public sealed class IoDispatcherTests
{
    private readonly IoManager _bus = new();
    private readonly FakeDevice _device = new() { Seed = 0x40 };
    private readonly IoDispatcher _dispatcher;

    public IoDispatcherTests()
    {
        _dispatcher = new IoDispatcher(_bus);
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x100), new Resource.PioAddressRange(0x1F0, 8)));
    }

    [Theory]
    [InlineData(IoSpace.Mmio, 0x1004)]
    [InlineData(IoSpace.Pio, 0x1F4)]
    public void One_access_reaches_the_device_of_its_space(IoSpace space, ulong address)
    {
        var data = new byte[2];
        Assert.Equal(BusStatus.Ok, _dispatcher.Dispatch(new IoAccess(space, address, IoDirection.Read, 2, 1, data), out var completed).Status);
        Assert.Equal([0x44, 0x45], data);
        Assert.Equal(1, completed);
        data = [0x34, 0x12];
        Assert.Equal(BusStatus.Ok, _dispatcher.Dispatch(new IoAccess(space, address, IoDirection.Write, 2, 1, data), out _).Status);
        Assert.Equal(new FakeAccess(space, IoDirection.Write, address - 4, 4, 2, 0x1234), _device.Accesses[^1]);
    }

    // Seed 003: rep insw and rep outsl on the data port of a disk.
    [Fact]
    public void String_input_fills_the_buffer_from_one_port()
    {
        var next = 0;
        var table = new PortTable();
        table.RegisterRead(0x170, 2, 2, this, _ => (uint)(0x0100 + next++));
        _bus.Register(table, ((IDeviceIo)table).TrappedIoResources);
        var data = new byte[8];
        Assert.Equal(BusStatus.Ok, _dispatcher.Dispatch(new IoAccess(IoSpace.Pio, 0x170, IoDirection.Read, 2, 4, data), out var completed).Status);
        Assert.Equal(4, completed);
        Assert.Equal([0, 1, 1, 1, 2, 1, 3, 1], data);
    }

    [Fact]
    public void String_output_writes_item_by_item_to_one_port()
    {
        var data = new byte[] { 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0 };
        _dispatcher.Dispatch(new IoAccess(IoSpace.Pio, 0x1F0, IoDirection.Write, 4, 3, data), out _);
        Assert.Equal([1UL, 2UL, 3UL], _device.Accesses.Select(access => access.Value));
        Assert.All(_device.Accesses, access => Assert.Equal((0UL, 4), (access.Offset, access.LengthBytes)));
    }

    [Fact]
    public void A_pending_item_stops_the_repetition_and_the_rest_goes_on_after_it()
    {
        var calls = 0;
        var pending = new PendingAccess();
        _device.OnAccess = _ => ++calls == 2 ? BusResult.WaitFor(pending) : BusResult.Ok;
        var data = new byte[4];
        var access = new IoAccess(IoSpace.Pio, 0x1F0, IoDirection.Read, 1, 4, data);
        var result = _dispatcher.Dispatch(access, out var completed);
        Assert.Same(pending, result.Pending);
        Assert.Equal(1, completed);

        pending.Complete(0x99);
        access[completed][0] = (byte)pending.Value;
        Assert.Equal(BusStatus.Ok, _dispatcher.Dispatch(access.Skip(completed + 1), out completed).Status);
        Assert.Equal(2, completed);
        Assert.Equal([0x40, 0x99, 0x40, 0x40], data);
    }

    [Fact]
    public void A_missed_item_reads_ones_and_the_first_failure_is_told()
    {
        var data = new byte[4];
        Assert.Equal(BusStatus.NoDevice, _dispatcher.Dispatch(new IoAccess(IoSpace.Pio, 0x300, IoDirection.Read, 2, 2, data), out var completed).Status);
        Assert.Equal(2, completed);
        Assert.All(data, value => Assert.Equal(0xFF, value));
    }

    [Fact]
    public void A_port_that_cannot_be_is_a_miss()
    {
        var data = new byte[1];
        Assert.Equal(BusStatus.NoDevice, _dispatcher.Dispatch(new IoAccess(IoSpace.Pio, 0x1_01F0, IoDirection.Read, 1, 1, data), out _).Status);
        Assert.Equal(0xFF, data[0]);
        Assert.Equal(BusStatus.NoDevice, _dispatcher.Dispatch(new IoAccess(IoSpace.Pio, 0x1_01F0, IoDirection.Write, 1, 1, data), out _).Status);
        Assert.Empty(_device.Accesses);
    }

    [Fact]
    public void No_items_do_nothing() =>
        Assert.Equal(BusStatus.Ok, _dispatcher.Dispatch(new IoAccess(IoSpace.Pio, 0x1F0, IoDirection.Read, 2, 0, []), out _).Status);

    [Theory]
    [InlineData(2, 2, 3)]
    [InlineData(0, 1, 0)]
    [InlineData(9, 1, 9)]
    [InlineData(1, -1, 0)]
    public void An_engine_that_describes_no_access_is_told(int size, int count, int bufferBytes) =>
        Assert.Throws<ArgumentException>(() => new IoAccess(IoSpace.Pio, 0, IoDirection.Read, size, count, new byte[bufferBytes]).Count);

    // Design: a register access never throws, whatever the guest sends.
    [Fact]
    public void Whatever_a_guest_sends_is_answered_with_a_status_and_every_byte_of_a_read_is_defined()
    {
        _device.IsRecording = false;
        ulong[] edges = [0, 0x1EF, 0x1F0, 0x1F7, 0x1F8, 0xFFF, 0x1000, 0x10FF, 0x1100, 0xFFFF, 0x1_0000, ulong.MaxValue];
        var accesses = 0;
        foreach (var space in Enum.GetValues<IoSpace>())
        {
            foreach (var direction in Enum.GetValues<IoDirection>())
            {
                foreach (var address in edges)
                {
                    for (var size = 1; size <= 8; size++)
                    {
                        var data = new byte[size * 3];
                        data.AsSpan().Fill(0xA5);
                        var result = _dispatcher.Dispatch(new IoAccess(space, address, direction, size, 3, data), out var completed);
                        Assert.Equal(3, completed);
                        Assert.NotEqual(BusStatus.Pending, result.Status);
                        // The device answers 0x40 and up, everybody else ones: the old bytes show nowhere.
                        Assert.Equal(direction == IoDirection.Write, data.Contains((byte)0xA5));
                        accesses++;
                    }
                }
            }
        }

        Assert.Equal(2 * 2 * 12 * 8, accesses);
    }

    [Fact]
    public void Dispatching_allocates_nothing()
    {
        _device.IsRecording = false;
        var data = new byte[512];
        Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run() => _dispatcher.Dispatch(new IoAccess(IoSpace.Pio, 0x1F0, IoDirection.Read, 2, 256, data), out _);
    }
}
