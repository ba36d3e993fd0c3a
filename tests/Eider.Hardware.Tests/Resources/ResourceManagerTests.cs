using Eider.Hardware.Resources;

namespace Eider.Hardware.Tests.Resources;

public sealed class ResourceManagerTests
{
    private readonly ResourceManager _x86 = new(ResourcePools.ForX86());

    // Upstream's legacy interrupt case.
    [Fact]
    public void The_shared_wire_is_always_granted_and_freeing_it_changes_nothing()
    {
        var first = _x86.Allocate([new ResourceConstraint.LegacyIrq()], shareIrq: true);
        var second = _x86.Allocate([new ResourceConstraint.LegacyIrq(9)], shareIrq: true);
        Assert.Equal((5u, 5u), (first.LegacyIrq, second.LegacyIrq));
        _x86.Release(first);
        _x86.Release(first);
        Refused(new ResourceConstraint.LegacyIrq(5));
    }

    [Fact]
    public void Wires_are_6_to_15_each_once()
    {
        var fixedOne = _x86.Allocate([new ResourceConstraint.LegacyIrq(15)]);
        Assert.Equal(15u, fixedOne.LegacyIrq);
        Refused(new ResourceConstraint.LegacyIrq(15));
        _x86.Release(fixedOne);
        Assert.Equal(15u, _x86.Allocate([new ResourceConstraint.LegacyIrq(15)]).LegacyIrq);
        Refused(new ResourceConstraint.LegacyIrq(4));
        Refused(new ResourceConstraint.LegacyIrq(16));
        for (var irq = 6u; irq < 15; irq++)
        {
            Assert.Equal(irq, _x86.Allocate([new ResourceConstraint.LegacyIrq()]).LegacyIrq);
        }

        Refused(new ResourceConstraint.LegacyIrq());
    }

    // Upstream's MSI case.
    [Fact]
    public void PCI_MSI_blocks_are_naturally_aligned_and_the_others_are_not()
    {
        Assert.Equal(24u, Msi(new ResourceConstraint.PciMsixIrq(3)).Base);
        Assert.Equal(27u, Msi(new ResourceConstraint.GenericIrq(2)).Base);
        Assert.Equal(32u, Msi(new ResourceConstraint.PciMsiIrq(8)).Base);
        var large = Msi(new ResourceConstraint.PciMsiIrq(512));
        Assert.Equal(512u, large.Base);
        Refused(new ResourceConstraint.PciMsiIrq(512));
        _x86.Release(new DeviceResources(large));
        // Three vectors take a place as four would.
        Assert.Equal(40u, Msi(new ResourceConstraint.PciMsiIrq(3)).Base);
        Assert.Equal(44u, Msi(new ResourceConstraint.PciMsiIrq(3)).Base);
        Refused(new ResourceConstraint.PciMsixIrq(4099));
        Refused(new ResourceConstraint.PciMsiIrq(0));
        Refused(new ResourceConstraint.PciMsiIrq(uint.MaxValue));

        Resource.MsiIrq Msi(ResourceConstraint constraint) => (Resource.MsiIrq)_x86.Allocate([constraint])[0];
    }

    // Upstream's port case: the last block does not fit its range, and nothing of the list stays taken.
    [Fact]
    public void A_list_that_cannot_be_met_takes_nothing()
    {
        _x86.Allocate([new ResourceConstraint.PioAddress(10)]);
        var requests = new List<ResourceConstraint>
        {
            new ResourceConstraint.PioAddress(0x2000, null, 0x1000),
            new ResourceConstraint.PioAddress(0x1000, new PortRange(0x8000, 0x9000), 0x1000),
            new ResourceConstraint.PioAddress(0x1000, new PortRange(0x9000, 0xA000), 0x1000),
            new ResourceConstraint.PioAddress(0x1000, new PortRange(0xB000, 0xC000), 0x1000),
        };
        var expected = _x86.Allocate(requests);
        Assert.Equal([0x1000, 0x8000, 0x9000, 0xB000], expected.PioAddressRanges.Select(range => (int)range.Base.Value));
        _x86.Release(expected);
        requests.Add(new ResourceConstraint.PioAddress(0x1000, new PortRange(0xC000, 0xC000), 0x1000));
        Assert.Throws<ResourceUnavailableException>(() => _x86.Allocate(requests));
        requests.RemoveAt(4);
        Assert.Equal(expected, _x86.Allocate(requests));
    }

    [Fact]
    public void A_list_with_one_of_everything_that_fails_at_each_place_takes_nothing()
    {
        ResourceConstraint[] all =
        [
            new ResourceConstraint.PioAddress(8), new ResourceConstraint.MmioAddress(0x1000), new ResourceConstraint.MemAddress(0x1000),
            new ResourceConstraint.LegacyIrq(), new ResourceConstraint.PciMsiIrq(4), new ResourceConstraint.PciMsixIrq(4),
            new ResourceConstraint.GenericIrq(4), new ResourceConstraint.MemorySlot(null, 2),
        ];
        var expected = _x86.Allocate(all);
        Assert.Equal(9, expected.Count);
        _x86.Release(expected);
        for (var place = 0; place <= all.Length; place++)
        {
            var requests = all.ToList();
            requests.Insert(place, new ResourceConstraint.LegacyIrq(99));
            Assert.Throws<ResourceUnavailableException>(() => _x86.Allocate(requests));
        }

        Assert.Equal(expected, _x86.Allocate(all));
    }

    [Fact]
    public void The_top_port_can_be_taken_and_freed()
    {
        var top = _x86.Allocate([new ResourceConstraint.PioAddress(1, new PortRange(0xFFFF, 0xFFFF))]);
        Assert.Equal(0xFFFF, top.PioAddressRanges[0].Base.Value);
        _x86.Release(top);
        Assert.Equal(top, _x86.Allocate([new ResourceConstraint.PioAddress(1, new PortRange(0xFFFF, 0xFFFF))]));
    }

    // Upstream's slot case, without its off-by-one: KVM has 509 slots, 0 to 508.
    [Fact]
    public void Memory_slots_are_509_and_several_are_consecutive()
    {
        Assert.Equal([0u], Slots(new ResourceConstraint.MemorySlot()));
        Assert.Equal([200u], Slots(new ResourceConstraint.MemorySlot(200)));
        Refused(new ResourceConstraint.MemorySlot(200));
        Assert.Equal([300u, 301u, 302u], Slots(new ResourceConstraint.MemorySlot(300, 3)));
        _x86.Release(new DeviceResources(new Resource.MemorySlot(301)));
        Refused(new ResourceConstraint.MemorySlot(300, 3));
        Assert.Equal([301u], Slots(new ResourceConstraint.MemorySlot(301)));
        Assert.Equal([508u], Slots(new ResourceConstraint.MemorySlot(508)));
        Refused(new ResourceConstraint.MemorySlot(509));
        Refused(new ResourceConstraint.MemorySlot(507, 2));
        Refused(new ResourceConstraint.MemorySlot(null, 0));

        IReadOnlyList<uint> Slots(ResourceConstraint constraint) => _x86.Allocate([constraint]).MemorySlots;
    }

    // Upstream's MMIO case; its reserved piece began and ended one byte too low.
    [Theory]
    [InlineData(0xFBFF_F000, 0xFBFF_FFFF, true)]
    [InlineData(0xFBFF_F000, 0xFC00_0FFF, true)]
    [InlineData(0xFC00_0000, 0xFC00_0FFF, false)]
    [InlineData(0xFE00_0000, 0xFFFF_FFFF, false)]
    [InlineData(0xFFFF_F000, 0xFFFF_FFFF, false)]
    [InlineData(0xBFFF_F000, 0xBFFF_FFFF, false)]
    [InlineData(0xFE00_0000, 0xFFFF_FFFF_FFFF_FFFF, true)] // above memory
    public void The_last_64_MiB_below_4_GiB_are_not_given_out(ulong min, ulong max, bool granted)
    {
        ResourceConstraint[] request = [new ResourceConstraint.MmioAddress(0x1000, new AddressRange(min, max))];
        if (granted)
        {
            Assert.Single(_x86.Allocate(request));
        }
        else
        {
            Assert.Throws<ResourceUnavailableException>(() => _x86.Allocate(request));
        }
    }

    [Fact]
    public void Registers_come_from_3_GiB_on_and_memory_leaves_that_hole()
    {
        Assert.Equal(0xC000_0000UL, _x86.Allocate([new ResourceConstraint.MmioAddress(0x1000)]).MmioAddressRanges[0].Base.Value);
        Refused(new ResourceConstraint.MemAddress(0x100_0000, new AddressRange(0xFE00_0000UL, 0xFFFF_FFFFUL)));
        Assert.Equal(0UL, _x86.Allocate([new ResourceConstraint.MemAddress(0x1000)]).MemAddressRanges[0].Base);
    }

    // Upstream's duplicate memory case.
    [Fact]
    public void The_same_memory_is_not_given_out_twice()
    {
        var range = new AddressRange(0x1_0000_0000UL, 0x1_0100_0000UL);
        _x86.Allocate([new ResourceConstraint.MemAddress(0x100_0000, range)]);
        Refused(new ResourceConstraint.MemAddress(0x100_0000, range));
    }

    [Fact]
    public void Freeing_twice_is_a_clear_error_and_frees_nothing_of_the_list()
    {
        var port = _x86.Allocate([new ResourceConstraint.PioAddress(4)]);
        var registers = _x86.Allocate([new ResourceConstraint.MmioAddress(0x1000)]);
        _x86.Release(registers);
        var error = Assert.Throws<InvalidOperationException>(() => _x86.Release(new DeviceResources([.. port, .. registers])));
        Assert.Contains("0xc0000000", error.Message, StringComparison.OrdinalIgnoreCase);
        _x86.Release(port);
        Assert.Throws<InvalidOperationException>(() => _x86.Release(port));
        var again = _x86.Allocate([new ResourceConstraint.PioAddress(4)]);
        Assert.Throws<InvalidOperationException>(() => _x86.Release(new DeviceResources([.. again, .. again])));
        _x86.Release(again);
    }

    [Theory] // Upstream's invalid frees
    [InlineData(16)]
    [InlineData(0)]
    public void Freeing_a_wire_that_is_none_is_an_error(uint irq) =>
        Assert.Throws<InvalidOperationException>(() => _x86.Release(new DeviceResources(new Resource.LegacyIrq(irq))));

    [Fact]
    public void Freeing_messages_over_the_end_is_an_error() =>
        Assert.Throws<InvalidOperationException>(() => _x86.Release(new DeviceResources(new Resource.MsiIrq(MsiIrqType.PciMsi, 1023, 3))));

    [Fact]
    public void A_MAC_address_belongs_to_no_pool() =>
        _x86.Release(new DeviceResources(new Resource.MacAddress("52:54:00:12:34:56")));

    [Fact]
    public void The_board_gives_its_fixed_places_to_those_who_name_them_and_others_to_the_rest()
    {
        var board = new ResourceManager(ResourcePools.ForBoard());
        var any = board.Allocate(
            [new ResourceConstraint.MmioAddress(0x1000), new ResourceConstraint.LegacyIrq(), new ResourceConstraint.PioAddress(8)]);
        Assert.Equal((0xE000_0000UL, 72u, (ushort)0x1000),
            (any.MmioAddressRanges[0].Base.Value, any.LegacyIrq, any.PioAddressRanges[0].Base.Value));

        // The memory map of the board: each of these must be grantable at its address.
        (ulong Base, ulong Size)[] places =
        [
            (0x8400, 0x100), (0x10_0000, 0x1000), (0x10_1000, 0x1000), (0x200_0000, 0x1_0000), (0xC00_0000, 0x60_0000),
            (0x1000_0000, 0x100), (0x300_0000, 0x1_0000), (0x3000_0000, 0x1000_0000), (0xCAFE_0000, 0x1000), (0xD001_F000, 0x1000),
            (0x4000_0000_0000, 0x1000), (0xFF_FFFF_FFFF_F000, 0x1000),
        ];
        foreach (var (start, size) in places)
        {
            var granted = board.Allocate(
                [new ResourceConstraint.MmioAddress(size, new AddressRange(start, start + size - 1), 0)]);
            Assert.Equal(start, granted.MmioAddressRanges[0].Base.Value);
        }

        foreach (var irq in new uint[] { 2, 10, 11, 32, 35, 40, 71, 95 })
        {
            Assert.Equal(irq, board.Allocate([new ResourceConstraint.LegacyIrq(irq)]).LegacyIrq);
        }

        Assert.Throws<ResourceUnavailableException>(() => board.Allocate([new ResourceConstraint.LegacyIrq(96)]));
        Assert.Throws<ResourceUnavailableException>(() => board.Allocate([new ResourceConstraint.PciMsixIrq(0x1_0001)]));
        Assert.Throws<ResourceUnavailableException>(
            () => board.Allocate([new ResourceConstraint.MmioAddress(0x1000, new AddressRange(0x8000_0000UL, 0x8000_FFFFUL))]));
    }

    [Fact]
    public void A_refusal_says_which_constraint_and_what_was_granted_there()
    {
        var board = new ResourceManager(ResourcePools.ForBoard());
        var ram = new Resource.MemAddressRange(0x8000_0000UL, 0x10_0000);
        var rtc = new Resource.MmioAddressRange(0x10_1000, 0x1000);
        board.Allocate(
        [
            new ResourceConstraint.MemAddress(ram.Size, new AddressRange(0x8000_0000UL, 0x800F_FFFFUL)),
            new ResourceConstraint.MmioAddress(rtc.Size, new AddressRange(0x10_1000UL, 0x10_1FFFUL)),
            new ResourceConstraint.LegacyIrq(11),
            new ResourceConstraint.PioAddress(8, new PortRange(0x3F8, 0x3FF)),
            new ResourceConstraint.MemorySlot(3),
        ]);
        (ResourceConstraint Constraint, Resource? Holder)[] refused =
        [
            (new ResourceConstraint.MmioAddress(0x2000, new AddressRange(0x10_0000UL, 0x10_1FFFUL)), rtc),
            (new ResourceConstraint.MmioAddress(0x1000, new AddressRange(0x800F_F000UL, 0x800F_FFFFUL)), ram),
            (new ResourceConstraint.MmioAddress(0x1000, new AddressRange(0x9000_0000UL, 0x9000_0FFFUL)), null),
            (new ResourceConstraint.MmioAddress(0x1000, new AddressRange(0x10_2800UL, 0x10_37FFUL)), null),
            (new ResourceConstraint.MemAddress(0x1000, new AddressRange(0x8000_0000UL, 0x8000_0FFFUL)), ram),
            (new ResourceConstraint.LegacyIrq(11), new Resource.LegacyIrq(11)),
            (new ResourceConstraint.LegacyIrq(96), null),
            (new ResourceConstraint.PioAddress(8, new PortRange(0x3F4, 0x3FB)), new Resource.PioAddressRange(0x3F8, 8)),
            (new ResourceConstraint.MemorySlot(2, 2), new Resource.MemorySlot(3)),
            (new ResourceConstraint.GenericIrq(0x1_0001), null),
        ];
        foreach (var (constraint, holder) in refused)
        {
            Assert.False(board.TryAllocate([new ResourceConstraint.LegacyIrq(50), constraint], out var granted, out var refusal));
            Assert.Null(granted);
            Assert.Equal(new ResourceRefusal(constraint, holder), refusal);
        }

        Assert.Equal(50u, board.Allocate([new ResourceConstraint.LegacyIrq(50)]).LegacyIrq);
    }

    [Fact]
    public void Several_threads_get_different_resources()
    {
        var granted = new System.Collections.Concurrent.ConcurrentBag<ulong>();
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 200; i++)
            {
                granted.Add(_x86.Allocate([new ResourceConstraint.MmioAddress(0x1000)]).MmioAddressRanges[0].Base.Value);
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(800, granted.Distinct().Count());
    }

    private void Refused(ResourceConstraint constraint) =>
        Assert.Throws<ResourceUnavailableException>(() => _x86.Allocate([constraint]));
}
