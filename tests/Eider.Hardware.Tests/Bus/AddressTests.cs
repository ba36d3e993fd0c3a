using Eider.Hardware.Bus;

namespace Eider.Hardware.Tests.Bus;

// Upstream's cases of its address types: made from and turned into numbers, ordered, narrowed with a check.
public sealed class AddressTests
{
    [Theory]
    [InlineData(0UL, true)]
    [InlineData(0xFFFFUL, true)]
    [InlineData(0x1_0000UL, false)]
    [InlineData(ulong.MaxValue, false)]
    public void A_port_is_made_from_an_address_only_if_it_fits(ulong address, bool fits)
    {
        Assert.Equal(fits, PioAddress.TryFrom(address, out var port));
        Assert.Equal(fits, port.ToIoAddress() == new IoAddress(address));
    }

    [Fact]
    public void Addresses_and_ports_are_ordered_by_their_number()
    {
        IoAddress low = 0x1000, high = IoAddress.FromUInt64(0xFFFF_FFFF_FFFF_FFFF);
        Assert.True(low < high && high > low && low <= high && high >= low);
        Assert.True(low.CompareTo(high) < 0);
        Assert.Equal(low, new IoAddress(0x1000));
        PioAddress first = 0x1F0, last = PioAddress.FromUInt16(0x1F7);
        Assert.True(first < last && last > first && first <= last && last >= first);
        Assert.True(last.CompareTo(first) > 0);
        Assert.NotEqual(first, last);
    }

    [Fact]
    public void They_are_written_in_hexadecimal()
    {
        Assert.Equal("0xd0000000", new IoAddress(0xD000_0000).ToString());
        Assert.Equal("0x1f0", new PioAddress(0x1F0).ToString());
    }
}
