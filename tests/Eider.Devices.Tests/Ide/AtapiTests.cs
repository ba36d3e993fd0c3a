using System.Buffers.Binary;
using System.Text;
using Eider.Devices.Ide;
using Eider.Devices.Tests.Virtio.Block;
using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

public sealed class AtapiTests
{
    private const int Blocks = 1000;
    private const uint Table = (uint)IdeTestBench.RamBase;
    private const uint Memory = (uint)IdeTestBench.RamBase + 0x10_0000;

    [Fact]
    public async Task A_drive_shows_the_packet_signature_and_aborts_what_is_for_disks()
    {
        await using var bench = Bench();
        AssertSignature(bench, 0x00);
        foreach (var command in new byte[] { 0xEC, 0x20 })
        {
            bench.Out(IdeDriver.Low, 0x77);
            bench.Out(IdeDriver.Command, command);
            Assert.True(bench.IsInterrupting);
            Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
            Assert.Equal((1, 1, 0x14, 0xEB), Signature(bench));
        }

        bench.Out(IdeDriver.Command, 0x08);
        AssertSignature(bench, 0x00);
        Assert.False(bench.IsInterrupting);
    }

    [Fact]
    public async Task Identify_packet_data_are_those_of_a_CD_drive()
    {
        await using var bench = Bench();
        var words = bench.Identify(0xA1);
        foreach (var (word, value) in new[]
        {
            (0, 0x85C0), (48, 1), (49, 0x0300), (53, 7), (62, 7), (63, 7), (64, 3), (65, 0xB4), (66, 0xB4), (67, 0x12C), (68, 0xB4),
            (71, 0x1E), (72, 0x1E), (80, 0x1E), (82, 0x4218), (85, 0x4218), (88, 0x203F),
        })
        {
            Assert.Equal((word, value), (word, words[word]));
        }

        bench.Send28(0xEF, features: 0x03, count: 0x21);
        Assert.Equal((0x0207, 0x003F), (bench.Identify(0xA1)[63], bench.Identify(0xA1)[88]));
    }

    [Fact]
    public async Task A_packet_goes_through_its_phases_as_the_interrupt_reason_tells()
    {
        await using var bench = Bench();
        bench.Select(0);
        bench.Out(IdeDriver.Features, 0);
        bench.Out(IdeDriver.Mid, 0x00);
        bench.Out(IdeDriver.High, 0x08);
        bench.Out(IdeDriver.Command, 0xA0);
        Assert.Equal((0x58, 1), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Count)));
        Assert.False(bench.IsInterrupting); // none for the packet
        bench.OutBlock([0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0, 0, 0]);
        for (var block = 0; block < 2; block++)
        {
            bench.Settle();
            Assert.True(bench.IsInterrupting);
            Assert.Equal((0x58, 2), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Count)));
            Assert.Equal((0x00, 0x08), (bench.In(IdeDriver.Mid), bench.In(IdeDriver.High)));
            Assert.Equal(Content(5 + block, 1), bench.InBlock(2048));
        }

        bench.Settle();
        Assert.True(bench.IsInterrupting);
        Assert.Equal((0x50, 3), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Count)));
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(5120)] // more than a block, and no multiple of one
    [InlineData(5121)]
    [InlineData(2)]
    [InlineData(512)]
    [InlineData(0xFFFE)]
    [InlineData(0xFFFF)]
    public async Task Blocks_come_in_pieces_of_the_byte_count_limit(int limit)
    {
        await using var bench = Bench();
        var count = limit == 2 ? 1 : 100;
        Assert.Equal(Content(7, count), Packet(bench, [0x28, 0, 0, 0, 0, 7, 0, 0, (byte)count], limit));
        Assert.Equal(Content(7, count), Packet(bench, [0xA8, 0, 0, 0, 0, 7, 0, 0, 0, (byte)count], limit));
        Assert.Equal(Content(7, count), Packet(bench, [0xBE, 0, 0, 0, 0, 7, 0, 0, (byte)count, 0x10], limit));
    }

    [Fact]
    public async Task An_odd_limit_is_taken_whole_only_if_one_block_is_enough()
    {
        await using var bench = Bench();
        Packet(bench, [0x12, 0, 0, 0, 5], 5, expectedFirstBlock: 5);
        Packet(bench, [0x12, 0, 0, 0, 36], 5, expectedFirstBlock: 4);
    }

    [Fact]
    public async Task A_limit_of_zero_aborts_a_command_with_data_and_suits_one_without()
    {
        await using var bench = Bench();
        bench.SendPacket([0x12, 0, 0, 0, 36], byteLimit: 0);
        bench.Settle();
        Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        bench.SendPacket([0x00], byteLimit: 0);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
    }

    // Rounded down it is 0: the device would send more than the host has room for, or nothing for ever.
    [Fact]
    public async Task A_limit_of_one_aborts_an_answer_that_is_longer_and_suits_one_byte()
    {
        await using var bench = Bench();
        foreach (var packet in (byte[][])[[0x25], [0x28, 0, 0, 0, 0, 7, 0, 0, 2]])
        {
            bench.SendPacket(packet, byteLimit: 1);
            bench.Settle();
            Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        }

        bench.SendPacket([0x12, 0, 0, 0, 1], byteLimit: 1);
        Assert.Equal([0x05], bench.ReadPacketReply());
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
    }

    [Fact]
    public async Task A_disc_that_is_changed_between_two_parts_of_an_answer_gives_nothing_to_it()
    {
        await using var bench = Bench();
        var other = new ScriptedStorage(new byte[Blocks * 2048]);
        bench.SendPacket([0x28, 0, 0, 0, 0, 7, 0, 0, 200], 2048);
        bench.Settle();
        var got = new List<byte>(bench.InBlock(2048));
        Assert.True(await bench.Channel.Tray(0)!.TryChangeAsync(other));
        got.AddRange(bench.ReadPacketReply());
        Assert.Equal(Content(7, got.Count / 2048), got); // what lay in the drive's buffer already
        Assert.InRange(got.Count, 2048, 199 * 2048);
        Assert.Equal((0x41, 0x20), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal((0x02, 0x3A), SenseOf(bench));
    }

    [Fact]
    public async Task Overlap_is_aborted()
    {
        await using var bench = Bench();
        bench.Out(IdeDriver.Features, 2);
        bench.Out(IdeDriver.Command, 0xA0);
        Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
    }

    [Fact]
    public async Task Packets_move_their_data_by_the_bus_master_with_one_interrupt()
    {
        await using var bench = Bench();
        bench.PrepareTable(Table, (Memory, 0), (Memory + 0x1_0000, 0), (Memory + 0x2_0000, 0), (Memory + 0x3_0000, (100 * 2048) - (3 * 65536)));
        var rises = bench.Line.Rises;
        bench.SendPacket([0x28, 0, 0, 0, 0, 7, 0, 0, 100], features: 1);
        bench.Settle();
        Assert.Equal(IdeDriver.Busy, bench.InAlternate() & (IdeDriver.Busy | IdeDriver.DataRequest));
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.Equal(rises + 1, bench.Line.Rises);
        Assert.Equal(0x04, bench.InBusMaster(2));
        Assert.Equal((0x50, 3), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Count)));
        var data = new byte[100 * 2048];
        bench.ReadMemory(Memory, data);
        Assert.Equal(Content(7, 100), data);
    }

    // A reply that lies in the drive's buffer goes the same way.
    [Fact]
    public async Task Replies_move_by_the_bus_master()
    {
        await using var bench = Bench();
        bench.PrepareTable(Table, (Memory, 36));
        bench.SendPacket([0x12, 0, 0, 0, 36], features: 1);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.Equal((0x04, 0x50), (bench.InBusMaster(2), bench.In(IdeDriver.Status)));
        var reply = new byte[36];
        bench.ReadMemory(Memory, reply);
        Assert.Equal(Packet(bench, [0x12, 0, 0, 0, 36]), reply);
    }

    [Fact]
    public async Task Errors_are_sense_key_in_the_error_register_and_told_once()
    {
        await using var bench = Bench();
        AssertSense(bench, [0xFF], 0x5, 0x20, 0x00);
        Assert.Equal((0x70, 0x00), (Packet(bench, [3, 0, 0, 0, 18])[0], Packet(bench, [3, 0, 0, 0, 18])[2]));
        AssertSense(bench, [0x28, 0, 0, 0, 0x03, 0xE8, 0, 0, 1], 0x5, 0x21, 0x00);
        AssertSense(bench, [0x28, 0, 0, 0, 0x03, 0xE7, 0, 0, 2], 0x5, 0x21, 0x00);
    }

    // A block number of -1 was CVE-2020-29443.
    [Theory]
    [InlineData(0x28)]
    [InlineData(0xA8)]
    [InlineData(0xBE)]
    public async Task Addresses_and_counts_at_their_limits_stay_inside_of_the_disc(byte opcode)
    {
        await using var bench = Bench();
        foreach (var lba in new uint[] { 0, Blocks - 1, Blocks, Blocks + 1, 1U << 31, uint.MaxValue })
        {
            foreach (var count in new uint[] { 0, 1, 0xFFFF, uint.MaxValue })
            {
                var packet = new byte[12];
                packet[0] = opcode;
                BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(2), lba);
                var isRead10 = opcode == 0x28;
                var asked = opcode switch { 0x28 => count & 0xFFFF, 0xA8 => count, _ => count & 0xFF_FFFF };
                if (isRead10)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(7), (ushort)asked);
                }
                else if (opcode == 0xA8)
                {
                    BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(6), asked);
                }
                else
                {
                    BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(6), (asked << 8) | 0x10);
                }

                bench.SendPacket(packet);
                var data = bench.ReadPacketReply();
                var isGood = asked == 0 || (lba < Blocks && asked <= Blocks - lba);
                Assert.Equal(isGood ? 0x50 : 0x41, bench.In(IdeDriver.Status));
                Assert.Equal(isGood ? asked * 2048 : 0, (uint)data.Length);
            }
        }
    }

    [Fact]
    public async Task An_empty_drive_is_not_ready_and_its_tray_can_be_opened()
    {
        await using var bench = new IdeTestBench(new IdeCdrom());
        foreach (var opcode in new byte[] { 0x00, 0x25, 0x28, 0x2B, 0x43, 0x51, 0x52, 0xA8, 0xAD, 0xBE })
        {
            AssertSense(bench, [opcode], 0x2, 0x3A, 0x00);
        }

        AssertSense(bench, [0x1B, 0, 0, 0, 1], 0x2, 0x3A, 0x00); // start
        Assert.Empty(Packet(bench, [0x1B, 0, 0, 0, 2])); // eject
        AssertSense(bench, [0x00], 0x2, 0x3A, 0x02);
        Assert.Equal(new byte[] { 0, 4, 4, 0x10, 0, 1, 0, 0 }, Packet(bench, [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8]));
        Assert.Equal(new byte[] { 0, 0, 0x80, 0x10 }, Packet(bench, [0x4A, 1, 0, 0, 0x02, 0, 0, 0, 8]));
        AssertSense(bench, [0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8], 0x5, 0x24, 0x00);
        Assert.Equal(0, BinaryPrimitives.ReadUInt16BigEndian(Packet(bench, [0x46, 0, 0, 0, 0, 0, 0, 0, 20]).AsSpan(6)));
    }

    [Fact]
    public async Task A_changed_medium_is_told_in_two_steps_and_one_event()
    {
        var second = new ScriptedStorage(new byte[50 * 2048]);
        await using var bench = Bench();
        Assert.True(await bench.Channel.Tray(0)!.TryChangeAsync(second));
        Assert.Equal(36, Packet(bench, [0x12, 0, 0, 0, 36]).Length); // ALLOW_UA
        AssertSense(bench, [0x00], 0x2, 0x3A, 0x00);
        bench.SendPacket([0x00]);
        Assert.Equal((0x41, 0x60), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        bench.SendPacket([0x25]); // the attention stands until it was asked for
        Assert.Equal((0x41, 0x60), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal((0x06, 0x28), SenseOf(bench));
        Assert.Equal(new byte[] { 0, 0, 0, 49, 0, 0, 8, 0 }, Packet(bench, [0x25]));
        Assert.Equal(new byte[] { 0, 4, 4, 0x10, 2, 2, 0, 0 }, Packet(bench, [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8]));
        Assert.Equal(new byte[] { 0, 4, 4, 0x10, 0, 2, 0, 0 }, Packet(bench, [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8]));
    }

    [Fact]
    public async Task A_locked_tray_stays_closed_for_the_guest_and_asks_it_for_the_host()
    {
        await using var bench = Bench();
        var tray = bench.Channel.Tray(0)!;
        Packet(bench, [0x1E, 0, 0, 0, 1]);
        Assert.True(tray.IsLocked);
        AssertSense(bench, [0x1B, 0, 0, 0, 2], 0x5, 0x53, 0x02);
        Assert.False(await tray.TryChangeAsync(null));
        Assert.Equal(1, Packet(bench, [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8])[4]);
        Assert.Equal(0, Packet(bench, [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8])[4]);
        Packet(bench, [0x1E]);
        var ejected = 0;
        tray.Ejected = _ => ejected++;
        Packet(bench, [0x1B, 0, 0, 0, 2]);
        Assert.Equal((1, true), (ejected, tray.IsOpen));
        AssertSense(bench, [0x00], 0x2, 0x3A, 0x02);
        Packet(bench, [0x1B, 0, 0, 0, 3]); // load
        Assert.False(tray.IsOpen);
        AssertSense(bench, [0x00], 0x6, 0x28, 0x00);
        Assert.Empty(Packet(bench, [0x00]));
        Assert.Empty(Packet(bench, [0x1B, 0, 0, 0, 0x20])); // a power condition completes
    }

    [Fact]
    public async Task A_medium_that_is_taken_out_ends_its_command_and_is_free_when_the_change_completes()
    {
        var storage = new ScriptedStorage(new byte[Blocks * 2048]) { Holds = true, IgnoresCancellation = true };
        await using var bench = new IdeTestBench(new IdeCdrom { Medium = storage });
        bench.SendPacket([0x28, 0, 0, 0, 0, 7, 0, 0, 100]);
        bench.Settle();
        var change = bench.Channel.Tray(0)!.TryChangeAsync(null).AsTask();
        Assert.False(change.IsCompleted);
        storage.Release(0);
        bench.Settle();
        Assert.True(await change);
        Assert.Equal((0x41, 0x20), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal((0x02, 0x3A), SenseOf(bench));
    }

    [Fact]
    public async Task A_block_that_cannot_be_read_is_a_medium_error_at_its_address_after_all_before_it()
    {
        var faulty = new Storage.Layers.FaultStorage(
            new ScriptedStorage(Content(0, Blocks)), [new Storage.Layers.FaultRule { OffsetBytes = 42 * 2048 }]);
        await using var bench = new IdeTestBench(new IdeCdrom { Medium = faulty });
        Assert.Equal(Content(40, 2), Packet(bench, [0x28, 0, 0, 0, 0, 40, 0, 0, 20], 2048));
        Assert.Equal((0x41, 0x30), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        var sense = Packet(bench, [3, 0, 0, 0, 18]);
        Assert.Equal((0xF0, 3, 42, 0x11), (sense[0], sense[2], BinaryPrimitives.ReadInt32BigEndian(sense.AsSpan(3)), sense[12]));
    }

    [Fact]
    public async Task The_table_of_contents_has_one_track_and_the_lead_out_in_blocks_and_in_minutes()
    {
        await using var bench = Bench();
        Assert.Equal(
            [0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x16, 0xAA, 0, 0, 0, 0x03, 0xE8], Packet(bench, [0x43, 0, 0, 0, 0, 0, 0, 0, 20]));
        // 1000 + 150 frames: 0 minutes, 15 seconds, 25 frames.
        Assert.Equal(
            [0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 2, 0, 0, 0x16, 0xAA, 0, 0, 0, 15, 25], Packet(bench, [0x43, 2, 0, 0, 0, 0, 0, 0, 20]));
        Assert.Equal([0, 10, 1, 1, 0, 0x16, 0xAA, 0, 0, 0, 0x03, 0xE8], Packet(bench, [0x43, 0, 0, 0, 0, 0, 0xAA, 0, 20]));
        AssertSense(bench, [0x43, 0, 0, 0, 0, 0, 2, 0, 20], 0x5, 0x24, 0x00);
        foreach (var packet in new byte[][] { [0x43, 0, 1, 0, 0, 0, 0, 0, 20], [0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0x40] })
        {
            Assert.Equal([0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0], Packet(bench, packet));
        }

        var raw = Packet(bench, [0x43, 2, 2, 0, 0, 0, 0, 0, 100]);
        Assert.Equal((48, 46), (raw.Length, raw[1]));
        Assert.Equal(new byte[] { 0xA0, 0xA1, 0xA2, 1 }, new[] { raw[7], raw[18], raw[29], raw[40] });
        Assert.Equal((0, 15, 25), (raw[34], raw[35], raw[36]));
        AssertSense(bench, [0x43, 0, 5], 0x5, 0x24, 0x00);
    }

    [Fact]
    public async Task Mode_pages_come_behind_the_header_of_their_command()
    {
        await using var bench = Bench();
        var six = Packet(bench, [0x1A, 0, 0x01, 0, 255]);
        Assert.Equal([11, 0x70, 0, 0, 0x01, 6, 0, 5, 0, 0, 0, 0], six);
        var ten = Packet(bench, [0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 255]);
        Assert.Equal((30, 0, 28, 0x70, 0x2A, 20), (ten.Length, ten[0], ten[1], ten[2], ten[8], ten[9]));
        Assert.Equal(8 + 8 + 16 + 22, Packet(bench, [0x5A, 0, 0x3F, 0, 0, 0, 0, 0, 255]).Length);
        Packet(bench, [0x1E, 0, 0, 0, 1]);
        Assert.Equal(0x2B, Packet(bench, [0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 255])[14]);
        AssertSense(bench, [0x5A, 0, 0x6A, 0, 0, 0, 0, 0, 255], 0x5, 0x24, 0x00);
        AssertSense(bench, [0x5A, 0, 0xEA, 0, 0, 0, 0, 0, 255], 0x5, 0x39, 0x00);
        AssertSense(bench, [0x5A, 0, 0x05, 0, 0, 0, 0, 0, 255], 0x5, 0x24, 0x00);
    }

    [Fact]
    public async Task Inquiry_tells_who_it_is()
    {
        await using var bench = new IdeTestBench(new IdeCdrom { Serial = "CD-7", Firmware = "2.71" });
        var reply = Packet(bench, [0x12, 0, 0, 0, 96]);
        Assert.Equal([5, 0x80, 0, 0x21, 0x1F, 0, 0, 0], reply[..8]);
        Assert.Equal("EIDER   DVD-ROM         2.71", Encoding.ASCII.GetString(reply, 8, 28));
        Assert.Equal([5, 0, 0, 3, 0, 0x80, 0x83], Packet(bench, [0x12, 1, 0, 0, 96]));
        Assert.Equal([5, 0x80, 0, 4, .. "CD-7"u8.ToArray()], Packet(bench, [0x12, 1, 0x80, 0, 96]));
        Assert.Equal([5, 0x83, 0, 8, 2, 0, 0, 4, .. "CD-7"u8.ToArray()], Packet(bench, [0x12, 1, 0x83, 0, 96]));
        AssertSense(bench, [0x12, 1, 0x55, 0, 96], 0x5, 0x24, 0x00);
        AssertSense(bench, [0x12, 0, 0x55, 0, 96], 0x5, 0x24, 0x00);
    }

    [Fact]
    public async Task Configuration_disc_and_track_information_tell_what_lies_in_it()
    {
        await using var cd = Bench();
        Assert.Equal(
            [0, 0, 0, 16, 0, 0, 0, 8, 0, 0, 3, 8, 0, 0x10, 0, 0, 0, 8, 1, 0], Packet(cd, [0x46, 0, 0, 0, 0, 0, 0, 0, 100]));
        Assert.Equal([0, 32, 0x0E, 1, 1, 1, 1, 0x20], Packet(cd, [0x51, 0, 0, 0, 0, 0, 0, 0, 34])[..8]);
        var track = Packet(cd, [0x52, 1, 0, 0, 0, 1, 0, 0, 100]);
        Assert.Equal((36, 34, 1, 1, 4, 1), (track.Length, track[1], track[2], track[3], track[5], track[6]));
        Assert.Equal(Blocks, BinaryPrimitives.ReadInt32BigEndian(track.AsSpan(24)));
        AssertSense(cd, [0x52, 1, 0, 0, 0, 2, 0, 0, 100], 0x5, 0x24, 0x00);
        Assert.Equal([0, 0, 0, 0, 0, 1, 0, 0], Packet(cd, [0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8]));
        AssertSense(cd, [0xAD, 0, 0, 0, 0, 0, 0, 0, 0x10, 0], 0x5, 0x30, 0x00);
        await using var dvd = new IdeTestBench(new IdeCdrom { Medium = new SparseStorage(4L * 400_000) });
        Assert.Equal(0x10, Packet(dvd, [0x46, 0, 0, 0, 0, 0, 0, 0, 100])[7]);
        var physical = Packet(dvd, [0xAD, 0, 0, 0, 0, 0, 0, 0, 0x10, 0]);
        Assert.Equal((2052, 0x08, 0x02), (physical.Length, physical[0], physical[1]));
        Assert.Equal(0x3_0000, BinaryPrimitives.ReadInt32BigEndian(physical.AsSpan(8)));
        Assert.Equal(0x3_0000 + 399_999, BinaryPrimitives.ReadInt32BigEndian(physical.AsSpan(12)));
        Assert.Equal(8, Packet(dvd, [0xAD, 0, 0, 0, 0, 0, 0, 1, 0x10, 0]).Length);
        Assert.Equal(2052, Packet(dvd, [0xAD, 0, 0, 0, 0, 0, 0, 4, 0x10, 0]).Length);
        Assert.Equal(20, Packet(dvd, [0xAD, 0, 0, 0, 0, 0, 0, 0xFF, 0x10, 0]).Length);
        AssertSense(dvd, [0xAD, 0, 0, 0, 0, 0, 0, 3, 0x10, 0], 0x5, 0x24, 0x00);
        AssertSense(dvd, [0xAD, 0, 0, 0, 0, 0, 1, 0, 0x10, 0], 0x5, 0x24, 0x00);
    }

    // Both check sums of each vector of a block are zero: that is how a drive checks them (ECMA-130, annex A).
    [Fact]
    public async Task Read_CD_gives_whole_sectors_that_check()
    {
        await using var bench = Bench();
        var data = Packet(bench, [0xBE, 0, 0, 0, 0, 75, 0, 0, 40, 0xF8], 3000);
        Assert.Equal(40 * 2352, data.Length);
        for (var i = 0; i < 40; i++)
        {
            var sector = data.AsSpan(i * 2352, 2352).ToArray();
            Assert.Equal([0, .. Enumerable.Repeat((byte)0xFF, 10), 0], sector[..12]);
            Assert.Equal([0, 3, (byte)(i / 10 * 16 + i % 10), 1], sector[12..16]);
            Assert.Equal(Content(75 + i, 1), sector[16..2064]);
            Assert.Equal(0U, Remainder(sector.AsSpan(0, 2068)));
            AssertVectors(sector.AsSpan(12), 86, 24, 2, 86, 2076 - 12);
            AssertVectors(sector.AsSpan(12), 52, 43, 86, 88, 2248 - 12);
        }

        AssertSense(bench, [0xBE, 0, 0, 0, 0, 75, 0, 0, 40, 0x20], 0x5, 0x24, 0x00);
        Assert.Empty(Packet(bench, [0xBE, 0, 0, 0, 0, 75, 0, 0, 40, 0x00]));
    }

    private static uint Remainder(ReadOnlySpan<byte> bytes)
    {
        var value = 0U;
        foreach (var next in bytes)
        {
            value ^= next;
            for (var bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ ((value & 1) == 0 ? 0 : 0xD801_8001);
            }
        }

        return value;
    }

    private static void AssertVectors(ReadOnlySpan<byte> bytes, int vectors, int symbols, int vectorStep, int symbolStep, int parity)
    {
        for (var vector = 0; vector < vectors; vector++)
        {
            int plain = 0, weighted = 0;
            for (var symbol = 0; symbol < symbols + 2; symbol++)
            {
                var at = symbol < symbols
                    ? (((vector / 2 * vectorStep) + (vector % 2)) + (symbol * symbolStep)) % (vectors * symbols)
                    : parity + vector + ((symbol - symbols) * vectors);
                plain ^= bytes[at];
                weighted = (weighted << 1) ^ ((weighted & 0x80) != 0 ? 0x11D : 0) ^ bytes[at];
            }

            Assert.Equal((vector, 0, 0), (vector, plain, weighted));
        }
    }

    private static byte[] Content(int first, int blocks) => IdeDisks.Content(blocks * 4, first * 4);

    private static IdeTestBench Bench() => new(new IdeCdrom { Medium = new ScriptedStorage(Content(0, Blocks)) });

    private static byte[] Packet(IdeTestBench bench, ReadOnlySpan<byte> packet, int limit = 0xFFFE, int expectedFirstBlock = 0)
    {
        bench.SendPacket(packet, limit);
        bench.Settle();
        if (expectedFirstBlock > 0)
        {
            Assert.Equal(expectedFirstBlock, bench.In(IdeDriver.Mid) | (bench.In(IdeDriver.High) << 8));
        }

        return bench.ReadPacketReply();
    }

    private static (int Key, int Code) SenseOf(IdeTestBench bench)
    {
        var sense = Packet(bench, [3, 0, 0, 0, 18]);
        return (sense[2], sense[12]);
    }

    private static void AssertSense(IdeTestBench bench, ReadOnlySpan<byte> packet, int key, int code, int qualifier)
    {
        bench.SendPacket(packet);
        bench.Settle();
        Assert.True(bench.IsInterrupting);
        Assert.Equal((0x41, key << 4, 3), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error), bench.In(IdeDriver.Count)));
        var sense = Packet(bench, [3, 0, 0, 0, 18]);
        Assert.Equal((0x70, key, 10, code, qualifier), (sense[0], sense[2], sense[7], sense[12], sense[13]));
    }

    private static (int Count, int Low, int Mid, int High) Signature(IdeDriver bench) =>
        (bench.In(IdeDriver.Count), bench.In(IdeDriver.Low), bench.In(IdeDriver.Mid), bench.In(IdeDriver.High));

    private static void AssertSignature(IdeDriver bench, int status)
    {
        Assert.Equal((1, 1, 0x14, 0xEB), Signature(bench));
        Assert.Equal((status, 0x01), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
    }
}
