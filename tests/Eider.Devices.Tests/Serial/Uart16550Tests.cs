using Eider.Devices.Serial;
using Eider.Devices.Tests.Interrupts;
using Eider.Hardware.Bus;

namespace Eider.Devices.Tests.Serial;

/// <summary>PC16550D data sheet; clause numbers are its sections.</summary>
public sealed class Uart16550Tests : IDisposable
{
    private const ulong Data = 0;
    private const ulong Ier = 1;
    private const ulong Iir = 2;
    private const ulong Fcr = 2;
    private const ulong Lcr = 3;
    private const ulong Mcr = 4;
    private const ulong Lsr = 5;
    private const ulong Msr = 6;
    private const ulong Scr = 7;

    private readonly TestLine _line = new();
    private readonly TestPeer _peer = new();
    private readonly Uart16550 _uart;

    public Uart16550Tests() => _uart = new Uart16550(_line, _peer);

    public void Dispose() => _uart.Dispose();

    [Fact]
    public void Spec_8_1_after_a_master_reset_the_registers_read_as_table_III_says()
    {
        Assert.Equal(0x00, _uart.Read8(Ier));
        Assert.Equal(0x01, _uart.Read8(Iir));
        Assert.Equal(0x00, _uart.Read8(Lcr));
        Assert.Equal(0x00, _uart.Read8(Mcr));
        Assert.Equal(0x60, _uart.Read8(Lsr));
        Assert.Equal(0x00, _uart.Read8(Msr) & 0x0F);
        Assert.False(_line.Level);
    }

    [Fact]
    public void Characters_reach_the_host_in_order()
    {
        foreach (var character in "Hello"u8)
        {
            Assert.Equal(0x60, _uart.Read8(Lsr));
            _uart.Write8(Data, character);
        }

        Assert.Equal("Hello", _peer.Output);
        Assert.Equal(5, _uart.Statistics.WrittenBytes);
    }

    [Fact]
    public void Spec_8_3_the_divisor_latch_hides_data_and_interrupt_enable()
    {
        _uart.Write8(Ier, 0x01);
        _uart.Write8(Lcr, 0x83);
        _uart.Write8(Data, 0x34);
        _uart.Write8(Ier, 0x12);
        Assert.Equal(0x34, _uart.Read8(Data));
        Assert.Equal(0x12, _uart.Read8(Ier));
        _uart.Write8(Lcr, 0x03);
        Assert.Equal(0x01, _uart.Read8(Ier));
        Assert.Equal("", _peer.Output);
    }

    [Fact]
    public void Spec_8_6_reading_IIR_ends_the_THRE_interrupt_only_when_it_is_the_one_reported()
    {
        _uart.Write8(Ier, 0x03);
        _peer.Type("x");
        Assert.Equal(0x04, _uart.Read8(Iir));
        Assert.Equal(0x04, _uart.Read8(Iir));
        _uart.Read8(Data);
        Assert.Equal(0x02, _uart.Read8(Iir));
        Assert.Equal(0x01, _uart.Read8(Iir));
        Assert.False(_line.Level);
    }

    // serial8250_do_startup and serial8250_set_THRE_test: switching ETBEI on with an empty transmitter must
    // interrupt, and again after it was off.
    [Fact]
    public void Linux_finds_the_THRE_interrupt_each_time_it_is_switched_on()
    {
        for (var i = 0; i < 2; i++)
        {
            _uart.Write8(Ier, 0x02);
            Assert.True(_line.Level);
            Assert.Equal(0x02, _uart.Read8(Iir));
            Assert.False(_line.Level);
            _uart.Write8(Ier, 0x00);
        }
    }

    [Fact]
    public void Each_character_sent_interrupts_again()
    {
        _uart.Write8(Ier, 0x02);
        _uart.Read8(Iir);
        _uart.Write8(Data, (byte)'a');
        Assert.True(_line.Level);
        Assert.Equal(0x02, _uart.Read8(Iir));
    }

    [Fact]
    public void A_host_that_does_not_read_stalls_the_transmitter_and_loses_nothing()
    {
        _peer.Room = 2;
        _uart.Write8(Fcr, 0x01);
        _uart.Write8(Ier, 0x02);
        _uart.Read8(Iir);
        foreach (var character in "abcd"u8)
        {
            _uart.Write8(Data, character);
        }

        Assert.Equal("ab", _peer.Output);
        Assert.Equal(0x00, _uart.Read8(Lsr) & 0x60);
        Assert.False(_line.Level);
        _peer.GiveRoom(1);
        Assert.Equal("abc", _peer.Output);
        Assert.False(_line.Level);
        _peer.GiveRoom(9);
        Assert.Equal("abcd", _peer.Output);
        Assert.Equal(0x60, _uart.Read8(Lsr) & 0x60);
        Assert.True(_line.Level);
    }

    [Fact]
    public void Spec_8_5_the_transmit_FIFO_holds_16_characters_and_one_without_FIFOs()
    {
        _peer.Room = 0;
        _uart.Write8(Data, (byte)'1');
        _uart.Write8(Data, (byte)'2');
        _peer.GiveRoom(100);
        Assert.Equal("1", _peer.Output);

        _peer.Room = 0;
        _uart.Write8(Fcr, 0x01);
        foreach (var character in "0123456789abcdefXYZ"u8)
        {
            _uart.Write8(Data, character);
        }

        _peer.GiveRoom(100);
        Assert.Equal("10123456789abcdef", _peer.Output);
    }

    [Fact]
    public void Input_waits_at_the_host_until_the_guest_reads()
    {
        _uart.Write8(Fcr, 0x01);
        _peer.Type("0123456789abcdefghij");
        Assert.Equal(4, _peer.Waiting);
        var read = "";
        while ((_uart.Read8(Lsr) & 1) != 0)
        {
            read += (char)_uart.Read8(Data);
        }

        Assert.Equal("0123456789abcdefghij", read);
        Assert.Equal(0, _peer.Waiting);
        Assert.Equal(0, _uart.Read8(Lsr) & 0x02);
    }

    [Theory]
    [InlineData(0x01, 1)]
    [InlineData(0x41, 4)]
    [InlineData(0x81, 8)]
    [InlineData(0xC1, 14)]
    public void Spec_8_5_the_trigger_level_tells_data_from_a_timeout(byte fifoControl, int trigger)
    {
        _uart.Write8(Fcr, fifoControl);
        _uart.Write8(Ier, 0x01);
        _peer.Type(new string('x', trigger));
        Assert.Equal(0xC4, _uart.Read8(Iir));
        _uart.Read8(Data);
        Assert.Equal(trigger == 1 ? 0xC1 : 0xCC, _uart.Read8(Iir));
        Assert.Equal(trigger > 1, _line.Level);
    }

    [Fact]
    public void Spec_8_5_FIFO_bits_of_IIR_follow_FCR_and_switching_empties_both_FIFOs()
    {
        _uart.Write8(Fcr, 0x01);
        Assert.Equal(0xC1, _uart.Read8(Iir));
        _peer.Type("abc");
        _uart.Write8(Fcr, 0x00);
        Assert.Equal(0x01, _uart.Read8(Iir));
        Assert.Equal(0, _uart.Read8(Lsr) & 1);
        _uart.Write8(Fcr, 0x01);
        _peer.Type("abc");
        _uart.Write8(Fcr, 0x03);
        Assert.Equal(0, _uart.Read8(Lsr) & 1);
    }

    [Fact]
    public void Spec_8_8_loopback_feeds_the_receiver_and_the_modem_inputs_and_cuts_the_line()
    {
        _uart.Write8(Mcr, 0x10);
        _uart.Write8(Data, (byte)'l');
        _peer.Type("line");
        Assert.Equal("", _peer.Output);
        Assert.Equal(0x61, _uart.Read8(Lsr));
        Assert.Equal((byte)'l', _uart.Read8(Data));
        Assert.Equal(0, _uart.Read8(Lsr) & 1);
        _uart.Write8(Mcr, 0x00);
        Assert.Equal((byte)'l', _uart.Read8(Data));
    }

    // The test that 8250 drivers use to find a chip: MCR_LOOP | OUT2 | RTS gives CTS and DCD.
    [Fact]
    public void Loopback_shows_the_outputs_as_modem_inputs()
    {
        _uart.Write8(Mcr, 0x1A);
        Assert.Equal(0x90, _uart.Read8(Msr) & 0xF0);
        _uart.Write8(Mcr, 0x1F);
        Assert.Equal(0xF0, _uart.Read8(Msr) & 0xF0);
        _uart.Write8(Mcr, 0x00);
        Assert.Equal(0xB0, _uart.Read8(Msr) & 0xF0);
    }

    [Fact]
    public void Spec_8_9_modem_deltas_interrupt_and_reading_clears_them()
    {
        _uart.Write8(Mcr, 0x10);
        _uart.Read8(Msr);
        _uart.Write8(Ier, 0x08);
        Assert.False(_line.Level);
        _uart.Write8(Mcr, 0x14);
        Assert.Equal(0x40, _uart.Read8(Msr)); // ring on is no trailing edge
        Assert.False(_line.Level);
        _uart.Write8(Mcr, 0x12);
        Assert.True(_line.Level);
        Assert.Equal(0x00, _uart.Read8(Iir));
        Assert.Equal(0x15, _uart.Read8(Msr)); // CTS on, its delta, and the ring's trailing edge
        Assert.False(_line.Level);
        Assert.Equal(0x10, _uart.Read8(Msr));
    }

    [Fact]
    public void Spec_8_4_an_overrun_is_reported_first_and_ends_when_LSR_is_read()
    {
        _uart.Write8(Mcr, 0x10);
        _uart.Write8(Ier, 0x07);
        _uart.Write8(Data, 1);
        _uart.Write8(Data, 2);
        Assert.Equal(0x06, _uart.Read8(Iir));
        Assert.Equal(0x63, _uart.Read8(Lsr));
        Assert.Equal(0x61, _uart.Read8(Lsr));
        Assert.Equal(0x04, _uart.Read8(Iir));
    }

    [Fact]
    public void Scratch_keeps_a_byte_and_reserved_bits_read_0()
    {
        _uart.Write8(Scr, 0xA5);
        Assert.Equal(0xA5, _uart.Read8(Scr));
        _uart.Write8(Ier, 0xF0);
        _uart.Write8(Mcr, 0xE0);
        Assert.Equal(0x00, _uart.Read8(Ier));
        Assert.Equal(0x00, _uart.Read8(Mcr));
    }

    [Fact]
    public void Registers_take_bytes_only()
    {
        var data = new byte[4];
        Assert.Equal(BusStatus.InvalidSize, _uart.Read(0UL, 0UL, data).Status);
        Assert.Equal(BusStatus.InvalidSize, _uart.Write(0UL, 0UL, data).Status);
        Assert.Equal(BusStatus.InvalidRegister, _uart.Read(0UL, 8UL, data.AsSpan(0, 1)).Status);
    }

    [Fact]
    public void Whatever_the_guest_sends_is_answered()
    {
        _peer.Type(new string('i', 3_000));
        _uart.AssertAnyAccessIsAnswered(Uart16550.SizeBytes, seed: 4);
    }

    [Fact]
    public void Characters_keep_their_order_when_host_and_guest_move_them_at_once()
    {
        _uart.Write8(Fcr, 0x01);
        var host = new Thread(() =>
        {
            while (_peer.Output.Length < 20_000)
            {
                _peer.GiveRoom(7);
            }
        });
        _peer.Room = 0;
        host.Start();
        for (var i = 0; i < 20_000; i++)
        {
            while ((_uart.Read8(Lsr) & 0x20) == 0)
            {
                Thread.Yield();
            }

            _uart.Write8(Data, (byte)('a' + (i % 26)));
        }

        Assert.True(host.Join(TimeSpan.FromSeconds(30)));
        Assert.Equal(string.Concat(Enumerable.Range(0, 20_000).Select(i => (char)('a' + (i % 26)))), _peer.Output);
    }

    [Fact]
    public void A_character_written_while_the_one_before_it_is_sent_and_thrown_away_is_sent_too()
    {
        _uart.Write8(Fcr, 0x01);
        _peer.Writing = () =>
        {
            // Another hart, while the host takes the first character.
            _uart.Write8(Fcr, 0x05);
            _uart.Write8(Data, (byte)'b');
        };
        _uart.Write8(Data, (byte)'a');
        Assert.Equal("ab", _peer.Output);
        Assert.Equal(0x60, _uart.Read8(Lsr) & 0x60);
    }

    [Fact]
    public void A_character_written_after_a_reset_that_came_while_the_one_before_it_was_sent_is_sent_too()
    {
        _peer.Writing = () =>
        {
            _uart.Reset();
            _uart.Write8(Data, (byte)'b');
        };
        _uart.Write8(Data, (byte)'a');
        Assert.Equal("ab", _peer.Output);
    }

    [Fact]
    public async Task Clearing_FIFOs_against_a_host_on_other_threads_loses_no_later_character()
    {
        _uart.Write8(Fcr, 0x01);
        using var stop = new CancellationTokenSource();
        var host = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _peer.Changed?.Invoke();
            }
        });
        for (var i = 0; i < 3000; i++)
        {
            _uart.Write8(Data, (byte)'x');
            _uart.Write8(Fcr, 0x05);
            _uart.Write8(Data, (byte)'!');
            var patience = SpinWait.SpinUntil(() => (_uart.Read8(Lsr) & 0x60) == 0x60, TimeSpan.FromSeconds(10));
            Assert.True(patience);
        }

        await stop.CancelAsync();
        await host;
        Assert.Equal(3000, _peer.Output.Count(character => character == '!'));
    }
}
