using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Hardware.Tests.Bus;

// Seed 003, "register_ioport_read": a table for each width, one owner for each port.
public sealed class PortTableTests
{
    private readonly PortTable _table = new();
    private readonly IoManager _bus = new();
    private readonly object _owner = new();
    private readonly List<(int Port, int Width, uint Value)> _written = [];

    [Fact]
    public void Each_width_has_a_handler_of_its_own()
    {
        RegisterDisk();
        Assert.Equal(0xB0u, Read(0x1F0, 1));
        Assert.Equal(0x1111u, Read(0x1F0, 2));
        Assert.Equal(0x2222_2222u, Read(0x1F0, 4));
        Write(0x1F0, 1, 0xAB);
        Write(0x1F0, 2, 0xABCD);
        Write(0x1F0, 4, 0xABCD_EF01);
        Assert.Equal([(0x1F0, 1, 0xABu), (0x1F0, 2, 0xABCDu), (0x1F0, 4, 0xABCD_EF01u)], _written);
    }

    [Fact]
    public void A_width_that_nobody_claimed_is_composed_of_narrower_accesses_low_one_first()
    {
        RegisterDisk();
        Assert.Equal(0xB5B4u, Read(0x1F4, 2));
        Assert.Equal(0xB7B6_B5B4u, Read(0x1F4, 4));
        Write(0x1F4, 4, 0x0403_0201);
        Assert.Equal([(0x1F4, 1, 1u), (0x1F5, 1, 2u), (0x1F6, 1, 3u), (0x1F7, 1, 4u)], _written);
    }

    [Fact]
    public void A_long_access_is_composed_of_words_where_words_are_claimed()
    {
        _table.RegisterRead(0x10, 4, 2, _owner, port => 0xA000u + port.Value);
        _table.RegisterWrite(0x10, 4, 2, _owner, (port, value) => _written.Add((port.Value, 2, value)));
        Attach();
        Assert.Equal(0xA012_A010u, Read(0x10, 4));
        Write(0x10, 4, 0x2222_1111);
        Assert.Equal([(0x10, 2, 0x1111u), (0x12, 2, 0x2222u)], _written);
        // Bytes were not claimed: they read FF, and a word handler is not taken apart for them.
        Assert.Equal(0xFFu, Read(0x10, 1));
        Assert.Equal(0xFFFFu, Read(0x11, 2));
    }

    [Fact]
    public void Unclaimed_bytes_read_FF_and_drop_writes_also_at_the_edges()
    {
        RegisterDisk();
        Assert.Equal(0xFFB7u, Read(0x1F7, 2));
        Assert.Equal(0xFFFF_FFB7u, Read(0x1F7, 4));
        Assert.Equal(0xB0FFu, Read(0x1EF, 2));
        Assert.Equal(0xFFFFu, Read(0x1F8, 2));
        Write(0x1F7, 4, 0x0403_0201);
        Assert.Equal([(0x1F7, 1, 1u)], _written);
    }

    [Fact]
    public void A_port_that_only_reads_drops_writes()
    {
        _table.RegisterRead(0x60, 1, 1, _owner, _ => 7);
        Attach();
        Assert.Equal(BusStatus.Ok, _bus.PioWrite(0x60, [1]).Status);
        Assert.Equal(7u, Read(0x60, 1));
        Assert.Empty(_written);
    }

    [Fact]
    public void A_handlers_value_is_cut_to_the_width()
    {
        _table.RegisterRead(0x60, 1, 1, _owner, _ => 0x1234_5678);
        Attach();
        Assert.Equal(0x78u, Read(0x60, 1));
        Assert.Equal(0xFF78u, Read(0x60, 2));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(-1)]
    public void A_bad_width_is_an_error(int size)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _table.RegisterRead(0x10, 8, size, _owner, _ => 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _table.RegisterWrite(0x10, 8, size, _owner, (_, _) => { }));
    }

    [Theory]
    [InlineData(0x10, 0, 1)]
    [InlineData(0x10, 3, 2)]
    [InlineData(0xFFFF, 2, 1)]
    [InlineData(0x10, -2, 1)]
    public void A_range_that_is_none_is_an_error(ushort start, int length, int size) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _table.RegisterRead(start, length, size, _owner, _ => 0));

    [Fact]
    public void A_second_owner_of_a_port_is_an_error_and_claims_nothing()
    {
        RegisterDisk();
        Assert.Throws<BusOverlapException>(() => _table.RegisterRead(0x1F6, 4, 1, new object(), _ => 0));
        Assert.Throws<BusOverlapException>(() => _table.RegisterWrite(0x1F1, 1, 1, new object(), (_, _) => { }));
        // The second port of the word-wide data port has an owner, too.
        var words = new PortTable();
        words.RegisterRead(0x20, 2, 2, _owner, _ => 0);
        Assert.Throws<BusOverlapException>(() => words.RegisterRead(0x21, 1, 1, new object(), _ => 0));
        Assert.Equal(new DeviceResources(new Resource.PioAddressRange(0x1F0, 8)), _table.AssignedResources);
    }

    [Fact]
    public void It_traps_exactly_the_claimed_ports_merged()
    {
        _table.RegisterRead(0x170, 8, 1, _owner, _ => 0);
        _table.RegisterWrite(0x178, 4, 4, _owner, (_, _) => { });
        _table.RegisterRead(0x376, 1, 1, new object(), _ => 0);
        _table.RegisterRead(0xFFFF, 1, 1, new object(), _ => 0);
        Assert.Equal(
            new DeviceResources(
                new Resource.PioAddressRange(0x170, 12), new Resource.PioAddressRange(0x376, 1), new Resource.PioAddressRange(0xFFFF, 1)),
            _table.AssignedResources);
    }

    [Fact]
    public void All_ports_can_be_claimed()
    {
        _table.RegisterRead(0, 0x10000, 1, _owner, port => (uint)(port.Value & 0x7F));
        Attach();
        Assert.Equal(0x7Fu, Read(0xFFFF, 1));
        Assert.Equal(0x7F7Eu, Read(0xFFFE, 2));
        Assert.Equal(0xFF7Fu, Read(0xFFFF, 2));
    }

    // The registers and the data port of an IDE channel, as the seed registers them.
    private void RegisterDisk()
    {
        _table.RegisterRead(0x1F0, 8, 1, _owner, port => 0xB0u + (port.Value & 7u));
        _table.RegisterRead(0x1F0, 2, 2, _owner, _ => 0x1111);
        _table.RegisterRead(0x1F0, 4, 4, _owner, _ => 0x2222_2222);
        foreach (var width in new[] { 1, 2, 4 })
        {
            _table.RegisterWrite(0x1F0, width == 1 ? 8 : width, width, _owner, (port, value) => _written.Add((port.Value, width, value)));
        }

        Attach();
    }

    private void Attach() => _bus.Register(_table, ((IDeviceIo)_table).TrappedIoResources);

    private uint Read(ushort port, int width)
    {
        var data = new byte[4];
        _bus.PioRead(port, data.AsSpan(0, width));
        return BitConverter.ToUInt32(data);
    }

    private void Write(ushort port, int width, uint value) => _bus.PioWrite(port, BitConverter.GetBytes(value).AsSpan(0, width));
}
