using System.Text;
using Eider.Devices.Virtio.Console;
using static Eider.Devices.Virtio.Console.ConsoleControlEvent;

namespace Eider.Devices.Tests.Virtio.Console;

public sealed class ConsoleControlTests
{
    private readonly ConsoleControl _control = new(portCount: 4);

    [Fact]
    public void Nothing_is_said_before_the_driver_is_ready()
    {
        Assert.True(_control.TryAdd(0, "a", isConsole: true, isHostOpen: true));
        Assert.Empty(TakeAll());
        Assert.True(_control.TryAccept(new(0, DeviceReady, 0)));
        Assert.Empty(TakeAll());
    }

    [Fact]
    public void A_driver_that_gets_ready_is_told_of_ports_then_of_what_each_is()
    {
        _control.TryAdd(0, null, isConsole: true, isHostOpen: true);
        _control.TryAdd(2, "exit", isConsole: false, isHostOpen: true);
        _control.Resize(80, 25);
        Assert.True(_control.TryAccept(new(0, DeviceReady, 1)));
        Assert.Equal(["0 DeviceAdd 0", "2 DeviceAdd 0"], TakeAll());
        Assert.True(_control.TryAccept(new(2, PortReady, 1)));
        Assert.Equal(["2 PortName 1 exit", "2 PortOpen 1"], TakeAll());
        Assert.True(_control.TryAccept(new(0, PortReady, 1)));
        Assert.Equal(["0 ConsolePort 1", "0 PortOpen 1", "0 Resize 0 50001900"], TakeAll());
    }

    [Fact]
    public void Spec_5_3_6_2_1_a_A_port_that_exists_is_never_added_again_nor_one_past_the_last()
    {
        Assert.False(_control.TryAdd(4, null, false, true));
        Assert.False(_control.TryAdd(-1, null, false, true));
        Assert.True(_control.TryAdd(3, null, false, true));
        Assert.False(_control.TryAdd(3, null, false, true));
        _control.TryAccept(new(0, DeviceReady, 1));
        Assert.Equal(["3 DeviceAdd 0"], TakeAll());
        _control.TryAccept(new(0, DeviceReady, 1));
        Assert.Empty(TakeAll());
    }

    [Fact]
    public void Spec_5_3_6_2_1_b_A_port_that_was_never_added_is_not_removed()
    {
        Assert.False(_control.TryRemove(1));
        _control.TryAccept(new(0, DeviceReady, 1));
        _control.TryAdd(1, null, false, true);
        Assert.True(_control.TryRemove(1)); // before the driver heard of it
        Assert.Empty(TakeAll());
        _control.TryAdd(1, null, false, true);
        Assert.Equal(["1 DeviceAdd 0"], TakeAll());
        Assert.True(_control.TryRemove(1));
        Assert.Equal(["1 DeviceRemove 0"], TakeAll());
        Assert.Empty(TakeAll());
    }

    [Fact]
    public void A_number_that_is_removed_and_taken_again_is_removed_first()
    {
        Open(1);
        _control.TryRemove(1);
        _control.TryAdd(1, "new", false, true);
        Assert.False(_control.IsGuestOpen(1));
        Assert.False(_control.TryAccept(new(1, PortReady, 1))); // still speaks of the old one
        Assert.Equal(["1 DeviceRemove 0", "1 DeviceAdd 0"], TakeAll());
        Assert.True(_control.TryAccept(new(1, PortReady, 1)));
        Assert.Equal(["1 PortName 1 new", "1 PortOpen 1"], TakeAll());
    }

    [Fact]
    public void The_host_closing_and_opening_its_end_is_heard_in_order()
    {
        Open(0);
        Assert.True(_control.SetHostOpen(0, false));
        Assert.False(_control.SetHostOpen(0, false));
        Assert.True(_control.SetHostOpen(0, true));
        Assert.Equal(["0 PortOpen 0", "0 PortOpen 1"], TakeAll());
        _control.SetHostOpen(0, false);
        _control.SetHostOpen(0, true);
        _control.SetHostOpen(0, false);
        Assert.Equal(["0 PortOpen 0"], TakeAll());
    }

    [Fact]
    public void Messages_that_make_no_sense_are_refused()
    {
        _control.TryAdd(0, null, false, true);
        Assert.False(_control.TryAccept(new(0, PortReady, 1))); // not announced yet
        _control.TryAccept(new(0, DeviceReady, 1));
        TakeAll();
        Assert.False(_control.TryAccept(new(1, PortReady, 1)));
        Assert.False(_control.TryAccept(new(4, PortOpen, 1)));
        Assert.False(_control.TryAccept(new(uint.MaxValue, PortOpen, 1)));
        Assert.False(_control.TryAccept(new(0, DeviceAdd, 1)));
        Assert.False(_control.TryAccept(new(0, (ConsoleControlEvent)0xffff, 1)));
    }

    [Fact]
    public void However_often_the_driver_asks_a_port_owes_each_message_once()
    {
        Open(0);
        for (var i = 0; i < 100_000; i++)
        {
            _control.TryAccept(new(0, PortReady, 1));
        }

        Assert.Equal(["0 PortName 1 p0", "0 PortOpen 1"], TakeAll());
    }

    [Fact]
    public void A_reset_forgets_the_driver_and_keeps_the_ports()
    {
        Open(0);
        _control.SetHostOpen(0, false);
        _control.Reset();
        Assert.False(_control.IsGuestOpen(0));
        Assert.Empty(TakeAll());
        _control.TryAccept(new(0, DeviceReady, 1));
        Assert.Equal(["0 DeviceAdd 0"], TakeAll());
        _control.TryAccept(new(0, PortReady, 1));
        Assert.Equal(["0 PortName 1 p0"], TakeAll()); // the host's end is closed still
    }

    private void Open(int id)
    {
        _control.TryAdd(id, "p" + id, false, true);
        _control.TryAccept(new(0, DeviceReady, 1));
        TakeAll();
        _control.TryAccept(new((uint)id, PortReady, 1));
        TakeAll();
        _control.TryAccept(new((uint)id, PortOpen, 1));
        Assert.True(_control.IsGuestOpen(id));
    }

    private List<string> TakeAll()
    {
        var list = new List<string>();
        var bytes = new byte[ConsoleControl.MaxMessageBytes];
        while (_control.TryTakeMessage(bytes, out var length))
        {
            var message = ConsoleControlMessage.Read(bytes);
            var rest = bytes[ConsoleControlMessage.Size..length];
            var text = message.Event == Resize ? Convert.ToHexString(rest) : Encoding.UTF8.GetString(rest);
            list.Add($"{message.Port} {message.Event} {message.Value} {text}".TrimEnd());
        }

        return list;
    }
}
