using Eider.Hardware.Interrupts;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Interrupts;

// Upstream's cases of the device's interrupt manager, with its resources.
public sealed class DeviceInterruptManagerTests
{
    private static readonly DeviceInterruptMode[] MessageModes =
        [DeviceInterruptMode.GenericMsi, DeviceInterruptMode.PciMsi, DeviceInterruptMode.PciMsix];

    private readonly Sink _sink = new();
    private readonly FakeInterruptLine _line = new();
    private readonly InterruptManager _board;
    private readonly DeviceInterruptManager _device;

    public DeviceInterruptManagerTests()
    {
        _board = new InterruptManager(irq => irq == 0 ? _line : null, _sink);
        _device = new DeviceInterruptManager(_board, MakeResources());
    }

    [Fact]
    public void It_starts_disabled_and_enabling_chooses_the_wire()
    {
        Assert.Equal(DeviceInterruptMode.Disabled, _device.Mode);
        Assert.False(_device.IsEnabled);
        Assert.Null(_device.Group);
        Assert.Equal(4, _board.Groups.Count);
        Assert.True(_device.TryEnable());
        Assert.True(_device.TryEnable());
        Assert.Equal(DeviceInterruptMode.Legacy, _device.Mode);
        Assert.Equal(InterruptSourceType.Legacy, _device.Group!.Type);
        Assert.True(_device.Group.Trigger(0));
        Assert.Equal(1, _line.Rises);
        _device.Reset();
        Assert.Equal(DeviceInterruptMode.Disabled, _device.Mode);
        Assert.Null(_device.Group);
    }

    [Fact]
    public void The_mode_cannot_be_switched_while_interrupts_are_on()
    {
        Assert.True(_device.TryEnable());
        Assert.All(Enum.GetValues<DeviceInterruptMode>(), mode => Assert.False(_device.TrySetMode(mode)));
        _device.Reset();
        Assert.True(_device.TrySetMode(DeviceInterruptMode.PciMsi));
    }

    // Every switch there is: refused exactly from one kind of messages to another one.
    [Fact]
    public void From_messages_to_other_messages_it_goes_through_the_wire_or_nothing_only()
    {
        foreach (var from in Enum.GetValues<DeviceInterruptMode>())
        {
            foreach (var to in Enum.GetValues<DeviceInterruptMode>())
            {
                Assert.True(_device.TrySetMode(DeviceInterruptMode.Disabled));
                Assert.True(_device.TrySetMode(from));
                var allowed = from == to || !MessageModes.Contains(from) || !MessageModes.Contains(to);
                Assert.Equal(allowed, _device.TrySetMode(to));
                Assert.Equal(allowed ? to : from, _device.Mode);
            }
        }
    }

    [Fact]
    public void Without_a_wire_enabling_needs_a_choice_and_without_messages_there_is_none()
    {
        var messages = new DeviceInterruptManager(
            _board, new DeviceResources(new Resource.MsiIrq(MsiIrqType.PciMsix, 0x800, 2)));
        Assert.False(messages.TryEnable());
        Assert.False(messages.TrySetMode(DeviceInterruptMode.Legacy));
        Assert.False(messages.TrySetMode(DeviceInterruptMode.PciMsi));
        Assert.True(messages.TrySetMode(DeviceInterruptMode.PciMsix));
        Assert.True(messages.TryEnable());
        var nothing = new DeviceInterruptManager(_board, new DeviceResources());
        Assert.False(nothing.TryEnable());
    }

    [Fact]
    public void Messages_are_programmed_one_by_one()
    {
        // The largest group, MSI-X, has 0x30.
        Assert.False(_device.TrySetData(0x30, 0));
        Assert.False(_device.TrySetAddress(512, 0));
        Assert.False(_device.TrySetMask(512, true));
        Assert.False(_device.TryGetMask(512, out _));
        Assert.True(_device.TrySetData(0x2F, 0));
        Assert.True(_device.TryGetMask(0, out var masked));
        Assert.False(masked);
        Assert.True(_device.TrySetMask(0, true));
        Assert.True(_device.TryGetMask(0, out masked));
        Assert.True(masked);
    }

    [Fact]
    public void What_was_programmed_before_is_used_from_the_start_and_what_comes_later_after_an_update()
    {
        _device.DeviceId = 0x18;
        _device.TrySetAddress(1, 0xFEE0_0000);
        _device.TrySetData(1, 0x41);
        Assert.True(_device.TrySetMode(DeviceInterruptMode.GenericMsi));
        Assert.False(_device.TryUpdate(1));
        Assert.True(_device.TryEnable());
        Assert.Equal(0x10u, _device.Group!.Count);
        _device.Group.Trigger(1);
        _device.TrySetData(1, 0x42);
        _device.Group.Trigger(1);
        Assert.True(_device.TryUpdate(1));
        Assert.False(_device.TryUpdate(0x10));
        _device.Group.Trigger(1);
        Assert.Equal([0x41u, 0x41u, 0x42u], _sink.Sent.Select(sent => sent.Message.Data));
        Assert.All(_sink.Sent, sent => Assert.Equal((0x201u, 0x18u), (sent.Vector, sent.Message.DeviceId!.Value)));
    }

    [Fact]
    public void A_mask_holds_a_message_back_until_it_is_lifted()
    {
        _device.TrySetMask(3, true);
        _device.TrySetMode(DeviceInterruptMode.PciMsix);
        Assert.True(_device.TryEnable());
        Assert.False(_device.Group!.Trigger(3));
        Assert.True(_device.Group.IsPending(3));
        _device.TrySetMask(3, false);
        Assert.Empty(_sink.Sent);
        Assert.True(_device.TryUpdate(3));
        Assert.Equal(0x303u, Assert.Single(_sink.Sent).Vector);
    }

    [Fact]
    public void A_wire_has_nothing_to_update()
    {
        Assert.True(_device.TryEnable());
        Assert.False(_device.TryUpdate(0));
    }

    [Fact]
    public void Reset_forgets_messages_and_masks()
    {
        _device.TrySetData(0, 100);
        _device.TrySetMask(0, true);
        _device.TrySetMode(DeviceInterruptMode.GenericMsi);
        _device.TryEnable();
        _device.Reset();
        Assert.True(_device.TryGetMask(0, out var masked));
        Assert.False(masked);
        _device.TrySetMode(DeviceInterruptMode.GenericMsi);
        _device.TryEnable();
        Assert.True(_device.Group!.Trigger(0));
        Assert.Equal(0u, Assert.Single(_sink.Sent).Message.Data);
    }

    [Fact]
    public void Interrupts_that_are_in_use_are_refused_and_none_is_taken()
    {
        Assert.Throws<ArgumentException>(() => new DeviceInterruptManager(
            _board, new DeviceResources(new Resource.MsiIrq(MsiIrqType.GenericMsi, 0x900, 1), new Resource.MsiIrq(MsiIrqType.PciMsi, 0x100, 1))));
        Assert.Equal(4, _board.Groups.Count);
        _device.Destroy();
        Assert.Empty(_board.Groups);
        _ = new DeviceInterruptManager(_board, MakeResources());
    }

    private static DeviceResources MakeResources() => new(
        new Resource.MmioAddressRange(0xD000_0000, 0x10_0000),
        new Resource.LegacyIrq(0),
        new Resource.MsiIrq(MsiIrqType.GenericMsi, 0x200, 0x10),
        new Resource.MsiIrq(MsiIrqType.PciMsi, 0x100, 0x20),
        new Resource.MsiIrq(MsiIrqType.PciMsix, 0x300, 0x30));

    private sealed class Sink : IMsiSink
    {
        public List<(uint Vector, MsiMessage Message)> Sent { get; } = [];

        public void Send(uint vector, in MsiMessage message) => Sent.Add((vector, message));
    }
}
