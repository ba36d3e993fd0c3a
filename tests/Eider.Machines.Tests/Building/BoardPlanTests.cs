using Eider.Machines.Building;
using Eider.Machines.Tests.Machines;

namespace Eider.Machines.Tests.Building;

public sealed class BoardPlanTests
{
    [Fact]
    public void Slot_n_is_at_d0000000_plus_n_pages_with_source_40_plus_n()
    {
        var plan = Plan([.. Enumerable.Range(0, 32).Select(_ => new DiskConfiguration { Image = "mem:1M" })]);
        Assert.Equal(
            Enumerable.Range(0, 32).Select(n => (0xD000_0000 + ((ulong)n * 0x1000), 40 + n)),
            plan.Virtio.Select(device => (device.Base, device.Source!.Value)));
    }

    [Fact]
    public void The_boards_own_devices_stand_where_the_memory_map_says()
    {
        var plan = Plan([]);
        PlacedDevice[] devices = [plan.Power, plan.Rtc, plan.Clint, plan.Plic, plan.Serial];
        Assert.Equal(
            [(0x10_0000UL, null), (0x10_1000UL, 11), (0x200_0000UL, null), (0xC00_0000UL, null), (0x1000_0000UL, (int?)10)],
            devices.Select(device => (device.Base, device.Source)));
    }

    [Fact]
    public void Who_names_a_slot_has_it_and_the_others_share_the_rest_in_their_order() =>
        Assert.Equal(
            [(0xD000_0000UL, 40), (0xD000_2000UL, 42), (0xD000_1000UL, 41), (0xD000_3000UL, 43)],
            Places([Disk(), Disk(slot: 2), Disk(slot: 1), Disk()]));

    // What the first two name themselves leaves one half of their slots to others; a slot is given out whole or not at all.
    [Fact]
    public void A_device_gets_the_lowest_slot_that_has_free_what_it_does_not_name() =>
        Assert.Equal(
            [(0x5000_0000UL, 40), (0xD000_0000UL, 60), (0xD000_1000UL, 41), (0xD000_3000UL, 42), (0xD000_2000UL, 70), (0xD000_4000UL, 44)],
            Places(
            [
                Disk(address: 0x5000_0000),
                Disk(irq: 60),
                Disk(),
                Disk(address: 0xD000_3000),
                Disk(irq: 70),
                Disk(),
            ]));

    [Fact]
    public void A_device_may_stand_above_all_memory() =>
        Assert.Equal([(0x4000_0000_0000UL, 40)], Places([Disk(address: 0x4000_0000_0000)]));

    [Theory]
    [InlineData(0x9000_0000UL)]
    [InlineData(0x20_0000_0000UL)]
    [InlineData(0xFFFF_FFFF_FFFF_FFFFUL)]
    public void A_place_kept_for_RAM_or_none_at_all_is_refused_with_those_that_there_are(ulong address) =>
        Refused(
            FormattableString.Invariant($"$.disks[0].address: found address 0x{address:x} for vda, expected a multiple of 4096 in ")
                + "0x0 to 0x7fffffff or 0xc0000000 to 0xffffffff or 0x400000000000 to 0xffffffffffffff",
            [Disk(address: address)]);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_source_that_does_not_exist_is_refused(int irq) =>
        Refused(FormattableString.Invariant($"$.disks[0].irq: found IRQ {irq} for vda, expected 1 to 95"), [Disk(irq: irq)]);

    [Fact]
    public void A_conflict_is_said_of_the_wish_that_causes_it()
    {
        Refused("$.disks[1].irq: IRQ 41 of vdb is taken by vda", [Disk(slot: 1), Disk(slot: 2, irq: 41)]);
        Refused("$.disks[1].irq: IRQ 43 of vdb is taken by vda", [Disk(slot: 3, address: 0x5000_0000), Disk(slot: 3)]);
        Refused("$.disks[1]: vdb (0xd0000000 to 0xd0000fff) overlaps vda (0xd0000000 to 0xd0000fff)", [Disk(), Disk(address: 0xD000_0000)]);
        Refused("$.disks[0]: vda (0x80000000 to 0x80000fff) overlaps RAM (0x80000000 to 0x800fffff)", [Disk(address: 0x8000_0000)]);
    }

    [Fact]
    public void A_name_is_given_once()
    {
        var configuration = new MachineConfiguration
        {
            Memory = "1M",
            Disks = ["mem:1M"],
            Devices = [new CustomDeviceConfiguration { Device = new BrokenDevice(), Name = "vda" }],
        };
        var error = Assert.Throws<MachineConfigurationException>(() => BoardPlan.Create(configuration));
        Assert.StartsWith("$.devices[0].name: found 'vda' for a second device", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_on_the_PCI_bus_get_the_device_numbers_from_1_on_but_for_those_that_are_named()
    {
        var plan = Plan([OnPci(), OnPci(slot: 2), Disk(), OnPci(slot: 0), OnPci()]);
        Assert.True(plan.HasPci);
        Assert.Equal([1, 2, null, 0, 3], plan.Virtio.Select(device => device.Pci?.Device));
        Assert.Equal((0xD000_0000UL, 40), (plan.Virtio[2].Base, plan.Virtio[2].Source!.Value));
        Assert.False(Plan([Disk()]).HasPci);
    }

    [Fact]
    public void A_place_that_the_PCI_bus_does_not_have_is_refused()
    {
        Refused("$.disks[1].slot: device number 3 of vdb on the PCI bus is taken by vda, expected a free one from 0 to 31", [OnPci(slot: 3), OnPci(slot: 3)]);
        Refused("$.disks[0].slot: device number 32 of vda on the PCI bus does not exist", [OnPci(slot: 32)]);
        Refused("$.disks[0].address: vda stands on the PCI bus", [OnPci() with { Address = 0x5000_0000 }]);
        Refused("$.disks[0].irq: vda stands on the PCI bus", [OnPci() with { Irq = 50 }]);
        Refused("$.disks[31]: no device number is left on the PCI bus for vdaf", [.. Enumerable.Repeat(OnPci(), 32)]);
    }

    [Fact]
    public void With_a_PCI_bus_its_windows_and_wires_are_taken()
    {
        Refused("$.disks[1]: vdb (0x40000000 to 0x40000fff) overlaps pci (0x40000000 to 0x7fffffff)", [OnPci(), Disk(address: 0x4000_0000)]);
        Refused("$.disks[0].irq: IRQ 33 of vda is taken by pci", [Disk(irq: 33), OnPci()]);
        var configuration = new MachineConfiguration
        {
            Memory = "1M",
            Disks = [OnPci()],
            Board = new BoardConfiguration { Rtc = new DevicePlacement { Address = 0x3000_0000 } },
        };
        var error = Assert.Throws<MachineConfigurationException>(() => BoardPlan.Create(configuration));
        Assert.StartsWith("$.board.rtc: rtc stands where the PCI host bridge is", error.Message, StringComparison.Ordinal);
    }

    private static DiskConfiguration OnPci(int? slot = null) =>
        new() { Image = "mem:1M", Slot = slot, Transport = VirtioTransportKind.Pci };

    private static DiskConfiguration Disk(int? slot = null, ulong? address = null, int? irq = null) =>
        new() { Image = "mem:1M", Slot = slot, Address = address, Irq = irq };

    private static BoardPlan Plan(DiskConfiguration[] disks) =>
        BoardPlan.Create(new MachineConfiguration { Memory = "1M", Disks = disks });

    private static IEnumerable<(ulong Base, int Source)> Places(DiskConfiguration[] disks) =>
        Plan(disks).Virtio.Select(device => (device.Base, device.Source!.Value));

    private static void Refused(string start, DiskConfiguration[] disks)
    {
        var error = Assert.Throws<MachineConfigurationException>(() => Plan(disks));
        Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
        Assert.Equal(MachineErrorKind.Conflict, error.Kind);
    }
}
