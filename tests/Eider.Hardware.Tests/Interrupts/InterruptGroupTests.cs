using Eider.Hardware.Interrupts;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Interrupts;

public sealed class InterruptGroupTests
{
    private readonly FakeInterruptLine[] _lines = [.. Enumerable.Range(0, 8).Select(_ => new FakeInterruptLine())];
    private readonly Messages _messages = new();
    private readonly InterruptManager _manager;

    public InterruptGroupTests() =>
        _manager = new InterruptManager(irq => irq < 8 ? _lines[irq] : null, _messages) { SharedIrq = 5 };

    [Fact]
    public void A_disabled_group_signals_nothing_and_remembers_nothing()
    {
        var wire = _manager.CreateGroup(InterruptSourceType.Legacy, 3, 1);
        Assert.False(wire.Trigger(0));
        Assert.False(wire.IsPending(0));
        wire.Enable();
        Assert.Equal(0, _lines[3].Rises);
        Assert.True(wire.Trigger(0));
        Assert.Equal((1, false), (_lines[3].Rises, _lines[3].Level));
        wire.Disable();
        Assert.False(wire.Trigger(0));
        Assert.Equal(1, _lines[3].Rises);
    }

    [Fact]
    public void A_wire_follows_the_level_while_it_is_enabled_and_not_masked()
    {
        var wire = (LegacyInterruptGroup)_manager.CreateGroup(InterruptSourceType.Legacy, 3, 1);
        wire.SetLevel(true);
        Assert.False(_lines[3].Level);
        wire.Enable();
        Assert.True(_lines[3].Level);
        wire.Mask(0);
        Assert.False(_lines[3].Level);
        wire.Unmask(0);
        Assert.True(_lines[3].Level);
        Assert.True(wire.Trigger(0)); // high already: nothing to add
        Assert.True(_lines[3].Level);
        wire.SetLevel(false);
        wire.SetLevel(false);
        Assert.False(_lines[3].Level);
        wire.SetLevel(true);
        wire.Disable();
        Assert.False(_lines[3].Level);
        Assert.Equal(_lines[3].Calls, 2 * _lines[3].Rises);
    }

    [Fact]
    public void Each_message_has_its_own_address_and_data()
    {
        var group = _manager.CreateGroup(InterruptSourceType.PciMsix, 0x300, 2);
        group.Enable(new MsiMessage(0xFEE0_0000, 0x41), new MsiMessage(0xFEE0_1000, 0x42, 8));
        Assert.True(group.Trigger(1));
        group.Update(1, new MsiMessage(0xFEE0_2000, 0x43));
        group.GetNotifier(1)();
        Assert.True(group.Trigger(0));
        Assert.Equal(
            [
                (0x301u, new MsiMessage(0xFEE0_1000, 0x42, 8)),
                (0x301u, new MsiMessage(0xFEE0_2000, 0x43)),
                (0x300u, new MsiMessage(0xFEE0_0000, 0x41)),
            ],
            _messages.Sent);
    }

    [Fact]
    public void A_masked_interrupt_becomes_pending_and_is_signalled_once_when_the_mask_goes()
    {
        var group = _manager.CreateGroup(InterruptSourceType.PciMsi, 0x40, 4);
        group.Enable(new MsiMessage[4]);
        group.Mask(2);
        Assert.True(group.IsMasked(2));
        Assert.False(group.Trigger(2));
        Assert.False(group.Trigger(2));
        Assert.True(group.IsPending(2));
        Assert.True(group.Trigger(1));
        Assert.Single(_messages.Sent);
        group.Unmask(2);
        Assert.Equal([0x41u, 0x42u], _messages.Sent.Select(sent => sent.Vector));
        Assert.False(group.IsPending(2));
        group.Unmask(2);
        Assert.Equal(2, _messages.Sent.Count);

        group.Mask(2);
        group.Trigger(2);
        group.Disable();
        Assert.False(group.IsPending(2));
        group.Unmask(2);
        Assert.Equal(2, _messages.Sent.Count);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var wire = _manager.CreateGroup(InterruptSourceType.Legacy, 1, 1);
        var group = _manager.CreateGroup(InterruptSourceType.GenericMsi, 100, 2);
        Assert.Throws<ArgumentException>(() => wire.Enable(default(MsiMessage)));
        Assert.Throws<ArgumentException>(() => group.Enable(default(MsiMessage)));
        Assert.Throws<InvalidOperationException>(() => group.Update(0, default));
        wire.Enable();
        Assert.Throws<InvalidOperationException>(() => wire.Update(0, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => wire.Trigger(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Mask(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Unmask(uint.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.IsPending(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.GetNotifier(2));
    }

    [Fact]
    public void An_interrupt_belongs_to_one_group_until_it_is_destroyed()
    {
        var wire = _manager.CreateGroup(InterruptSourceType.Legacy, 1, 1);
        var group = _manager.CreateGroup(InterruptSourceType.PciMsi, 32, 8);
        Refused(InterruptSourceType.Legacy, 1, 1);
        Refused(InterruptSourceType.PciMsix, 39, 1);
        Refused(InterruptSourceType.GenericMsi, 30, 3);
        _manager.CreateGroup(InterruptSourceType.PciMsix, 40, 1);
        _manager.CreateGroup(InterruptSourceType.PciMsix, 0, 4); // the wire with this number is another thing
        wire.Enable();
        ((LegacyInterruptGroup)wire).SetLevel(true);
        _manager.DestroyGroup(wire);
        Assert.False(_lines[1].Level);
        _manager.DestroyGroup(group);
        Assert.Throws<ArgumentException>(() => _manager.DestroyGroup(group));
        _manager.CreateGroup(InterruptSourceType.Legacy, 1, 1);
        _manager.CreateGroup(InterruptSourceType.PciMsix, 30, 10);
        Assert.Equal(4, _manager.Groups.Count);
    }

    [Fact]
    public void Groups_that_cannot_be_are_refused()
    {
        Refused(InterruptSourceType.Legacy, 1, 2);
        Refused(InterruptSourceType.Legacy, 1, 0);
        Refused(InterruptSourceType.Legacy, 8, 1); // no such wire
        Refused(InterruptSourceType.PciMsi, uint.MaxValue, 2);
        var board = new InterruptManager(_ => _lines[0]);
        Assert.Throws<ArgumentException>(() => board.CreateGroup(InterruptSourceType.PciMsi, 0, 1));
    }

    [Fact]
    public void The_shared_wire_is_high_while_any_device_wants_it()
    {
        var groups = Enumerable.Range(0, 3)
            .Select(_ => (LegacyInterruptGroup)_manager.CreateGroup(InterruptSourceType.Legacy, 5, 1)).ToArray();
        Array.ForEach(groups, group => group.Enable());
        groups[0].SetLevel(true);
        groups[1].SetLevel(true);
        groups[0].SetLevel(false);
        Assert.True(_lines[5].Level);
        groups[1].SetLevel(false);
        Assert.False(_lines[5].Level);
        Assert.Equal(1, _lines[5].Rises);
        groups[2].SetLevel(true);
        _manager.DestroyGroup(groups[2]);
        Assert.False(_lines[5].Level);
    }

    // Upstream's status register case.
    [Fact]
    public void The_status_register_sets_clears_and_is_cleared_by_reading()
    {
        var status = new InterruptStatusRegister32();
        Assert.Equal(0u, status.Read());
        status.Write(0x13);
        Assert.Equal(0x13u, status.Read());
        Assert.Equal(0x13u, status.ClearBits(0x11));
        Assert.Equal(0x2u, status.Read());
        Assert.Equal(0x2u, status.SetBits(0x100));
        Assert.Equal(0x102u, status.ReadAndClear());
        Assert.Equal(0u, status.Read());
    }

    [Fact]
    public void No_bit_of_the_status_register_is_lost_between_threads()
    {
        var status = new InterruptStatusRegister32();
        long set = 0, taken = 0;
        var setters = Enumerable.Range(0, 2).Select(bit => new Thread(() =>
        {
            var mine = 0;
            for (var i = 0; i < 20_000; i++)
            {
                mine += (status.SetBits(1u << bit) & (1u << bit)) == 0 ? 1 : 0;
            }

            Interlocked.Add(ref set, mine);
        })).ToArray();
        Array.ForEach(setters, setter => setter.Start());
        while (setters.Any(setter => setter.IsAlive))
        {
            taken += uint.PopCount(status.ReadAndClear());
        }

        // Each time that a bit became set it was taken exactly once.
        Assert.Equal(set, taken + uint.PopCount(status.Read()));
    }

    [Fact]
    public void Pins_of_a_hart_keep_their_levels_and_tell_of_changes()
    {
        var pins = new HartPins();
        var changes = 0;
        pins.Changed = () => changes++;
        pins.Set(HartPin.Meip, true);
        pins.Set(HartPin.Meip, true);
        pins.Set(HartPin.Ssip, true);
        Assert.Equal((1u << 11) | (1u << 1), pins.Levels);
        pins.Set(HartPin.Meip, false);
        Assert.Equal(1u << 1, pins.Levels);
        Assert.Equal(3, changes);
    }

    private void Refused(InterruptSourceType type, uint first, uint count) =>
        Assert.Throws<ArgumentException>(() => _manager.CreateGroup(type, first, count));

    private sealed class Messages : IMsiSink
    {
        public List<(uint Vector, MsiMessage Message)> Sent { get; } = [];

        public void Send(uint vector, in MsiMessage message) => Sent.Add((vector, message));
    }
}
