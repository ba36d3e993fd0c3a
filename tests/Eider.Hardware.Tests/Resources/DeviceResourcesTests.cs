using Eider.Hardware.Resources;

namespace Eider.Hardware.Tests.Resources;

// Upstream's list of nine entries, one of each kind, and what is found in it.
public sealed class DeviceResourcesTests
{
    private static readonly Resource[] Entries =
    [
        new Resource.PioAddressRange(0, 5),
        new Resource.MmioAddressRange(0x1234_5678, 0x8765_4321),
        new Resource.MemAddressRange(0x1234_5678, 0x8765_4321),
        new Resource.LegacyIrq(0x168),
        new Resource.MsiIrq(MsiIrqType.PciMsi, 0x6666, 0x8888),
        new Resource.MsiIrq(MsiIrqType.PciMsix, 0x8888, 0x1_6666),
        new Resource.MsiIrq(MsiIrqType.GenericMsi, 0x1_6688, 0x1_6888),
        new Resource.MacAddress("00:08:63:66:86:88"),
        new Resource.MemorySlot(0x100),
    ];

    [Fact]
    public void Appending_keeps_the_order()
    {
        var resources = new DeviceResources();
        foreach (var entry in Entries)
        {
            resources.Append(entry);
            Assert.Same(entry, resources[^1]);
        }

        Assert.Equal(9, resources.Count);
        Assert.Equal(Entries, resources);
    }

    [Fact]
    public void Ranges_of_a_kind_are_all_found_in_order()
    {
        var resources = new DeviceResources(
            [.. Entries, new Resource.PioAddressRange(9, 1), new Resource.MmioAddressRange(1, 1), new Resource.MemAddressRange(2, 2), new Resource.MemorySlot(3)]);
        Assert.Equal([new Resource.PioAddressRange(0, 5), new Resource.PioAddressRange(9, 1)], resources.PioAddressRanges);
        Assert.Equal([new Resource.MmioAddressRange(0x1234_5678, 0x8765_4321), new Resource.MmioAddressRange(1, 1)], resources.MmioAddressRanges);
        Assert.Equal([new Resource.MemAddressRange(0x1234_5678, 0x8765_4321), new Resource.MemAddressRange(2, 2)], resources.MemAddressRanges);
        Assert.Equal([0x100u, 3u], resources.MemorySlots);
    }

    [Fact]
    public void Of_interrupts_and_addresses_the_first_one_is_found()
    {
        var resources = new DeviceResources(
            [.. Entries, new Resource.LegacyIrq(9), new Resource.MsiIrq(MsiIrqType.PciMsi, 1, 1), new Resource.MacAddress("x")]);
        Assert.Equal(0x168u, resources.LegacyIrq);
        Assert.Equal((0x6666u, 0x8888u), Msi(resources, MsiIrqType.PciMsi));
        Assert.Equal((0x8888u, 0x1_6666u), Msi(resources, MsiIrqType.PciMsix));
        Assert.Equal((0x1_6688u, 0x1_6888u), Msi(resources, MsiIrqType.GenericMsi));
        Assert.Equal("00:08:63:66:86:88", resources.MacAddress);

        static (uint, uint) Msi(DeviceResources resources, MsiIrqType type) =>
            (resources.FirstMsi(type)!.Base, resources.FirstMsi(type)!.Size);
    }

    [Fact]
    public void What_is_not_there_is_null_or_empty()
    {
        var resources = new DeviceResources();
        Assert.Null(resources.LegacyIrq);
        Assert.Null(resources.MacAddress);
        Assert.All(Enum.GetValues<MsiIrqType>(), type => Assert.Null(resources.FirstMsi(type)));
        Assert.Empty(resources.PioAddressRanges);
        Assert.Empty(resources.MmioAddressRanges);
        Assert.Empty(resources.MemAddressRanges);
        Assert.Empty(resources.MemorySlots);
    }

    [Fact]
    public void Two_lists_are_equal_by_their_entries_and_order()
    {
        Assert.Equal(new DeviceResources(Entries), new DeviceResources(Entries.Select(entry => entry with { })));
        Assert.Equal(new DeviceResources(Entries).GetHashCode(), new DeviceResources(Entries).GetHashCode());
        Assert.NotEqual(new DeviceResources(Entries), new DeviceResources(Entries.Reverse()));
        Assert.NotEqual(new DeviceResources(Entries), new DeviceResources(Entries.Skip(1)));
        Assert.False(new DeviceResources().Equals(null));
    }

    [Fact]
    public void A_copy_of_a_list_is_its_own()
    {
        var original = new DeviceResources(Entries);
        var copy = new DeviceResources(original);
        original.Append(new Resource.LegacyIrq(1));
        Assert.Equal(9, copy.Count);
    }

    [Fact]
    public void Constraints_have_the_defaults_of_their_kind()
    {
        var pio = new ResourceConstraint.PioAddress(2);
        Assert.Equal((null, 1, 2), (pio.Range, pio.Align, pio.Size));
        Assert.Equal(pio, pio with { });
        Assert.NotEqual<ResourceConstraint>(pio, new ResourceConstraint.MmioAddress(0x1000));
        var narrow = new ResourceConstraint.PioAddress(2, new PortRange(15, 16), 2);
        Assert.Equal(new PortRange(15, 16), narrow.Range);
        Assert.Equal((2, 2), (narrow.Align, narrow.Size));

        var mmio = new ResourceConstraint.MmioAddress(0x2000);
        Assert.Equal((null, 0x1000UL, 0x2000UL), (mmio.Range, mmio.Align, mmio.Size));
        var memory = new ResourceConstraint.MemAddress(0x2000);
        Assert.Equal((null, 0x1000UL, 0x2000UL), (memory.Range, memory.Align, memory.Size));
        Assert.Null(new ResourceConstraint.LegacyIrq().Irq);
        Assert.Equal(0x123u, new ResourceConstraint.LegacyIrq(0x123).Irq);
        var slot = new ResourceConstraint.MemorySlot();
        Assert.Equal((null, 1), (slot.Slot, slot.Size));
    }
}
