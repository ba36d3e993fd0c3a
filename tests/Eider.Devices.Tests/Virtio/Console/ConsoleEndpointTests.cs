using System.Text;
using Eider.Devices.Virtio.Console;

namespace Eider.Devices.Tests.Virtio.Console;

public sealed class ConsoleEndpointTests
{
    [Fact]
    public void Bytes_keep_their_order_through_a_ring_of_any_size()
    {
        var random = new Random(7);
        for (var capacity = 1; capacity < 40; capacity++)
        {
            var ring = new ByteRing(capacity);
            var (sent, received) = (0, 0);
            var buffer = new byte[64];
            for (var step = 0; step < 500; step++)
            {
                var length = random.Next(0, 50);
                for (var i = 0; i < length; i++)
                {
                    buffer[i] = unchecked((byte)(sent + i));
                }

                sent += ring.Write(buffer.AsSpan(0, length));
                Assert.InRange(ring.Count, 0, capacity);
                var given = ring.Read(buffer.AsSpan(0, random.Next(0, 50)));
                for (var i = 0; i < given; i++)
                {
                    Assert.Equal(unchecked((byte)(received + i)), buffer[i]);
                }

                received += given;
                Assert.Equal(sent - received, ring.Count);
            }
        }
    }

    [Fact]
    public void A_host_that_does_not_receive_holds_back_the_guest_and_loses_nothing()
    {
        var end = new ConsoleEndpoint(bufferBytes: 10);
        var changes = 0;
        end.Changed += (_, _) => changes++;
        Assert.Equal(10, end.Write(new byte[25]));
        Assert.Equal(0, end.Write(new byte[1]));
        Assert.Equal(0, changes);
        Assert.Equal(4, end.Receive(new byte[4]));
        Assert.Equal(1, changes);
        Assert.Equal(4, end.Write(new byte[9]));
        Assert.Equal(0, end.DiscardedBytes);
    }

    [Fact]
    public async Task A_guest_that_does_not_read_holds_back_the_sender()
    {
        var end = new ConsoleEndpoint(bufferBytes: 4);
        var sending = end.SendAsync("abcdefgh", TestContext.Current.CancellationToken).AsTask();
        Assert.False(sending.IsCompleted);
        Assert.Equal(4, end.UnreadBytes);
        var got = new StringBuilder();
        var piece = new byte[3];
        while (got.Length < 8)
        {
            got.Append(Encoding.ASCII.GetString(piece, 0, end.Read(piece)));
        }

        await sending;
        Assert.Equal("abcdefgh", got.ToString());
    }

    [Fact]
    public async Task Input_ends_after_what_was_sent_before_and_sending_more_is_an_error()
    {
        var end = new ConsoleEndpoint();
        end.Send("x"u8);
        end.CloseInput();
        Assert.False(end.IsInputEnded);
        Assert.Equal(1, end.Read(new byte[8]));
        Assert.True(end.IsInputEnded);
        Assert.Equal(0, end.Send("y"u8));
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await end.SendAsync("y", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_closed_end_gives_what_it_holds_then_zero_and_counts_what_it_throws_away()
    {
        var end = new ConsoleEndpoint();
        var cancellation = TestContext.Current.CancellationToken;
        end.Write("abc"u8);
        end.Close();
        Assert.Equal(5, end.Write("later"u8));
        Assert.Equal(5, end.DiscardedBytes);
        var buffer = new byte[16];
        Assert.Equal(3, await end.ReceiveAsync(buffer, cancellation));
        Assert.Equal(0, await end.ReceiveAsync(buffer, cancellation));
        end.Open();
        Assert.Equal(2, end.Write("de"u8));
        Assert.Equal(2, await end.ReceiveAsync(buffer, cancellation));
    }

    [Fact]
    public async Task A_waiting_receiver_gets_bytes_and_the_end()
    {
        var end = new ConsoleEndpoint();
        var buffer = new byte[16];
        var receiving = end.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask();
        Assert.False(receiving.IsCompleted);
        end.Write("hi"u8);
        Assert.Equal(2, await receiving);
        receiving = end.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask();
        end.Close();
        Assert.Equal(0, await receiving);
    }
}
